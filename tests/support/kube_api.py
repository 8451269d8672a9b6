"""A client of the Kubernetes API for tests: apply as `kubectl apply --server-side` does, and look.

It asks for strict validation and keeps every warning, so that nothing is overlooked.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from apiserver import ControlPlane

from tarmac.base.artifact import Artifact

Object = Mapping[str, Any]
MANAGER = "tarmac"

#: What must be there before others: the rest of the kinds follows, in the tree's own order.
ORDER = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "ClusterSecretStore",
    "SecretStore",
    "ExternalSecret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "StatefulSet",
    "Deployment",
    "DaemonSet",
    "Job",
    "CronJob",
)


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    data: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> str:
        """Why it refused; empty if it did not."""
        return "" if self.status < 300 else f"{self.status} {self.data.get('message', self.data)}"


@dataclass
class Kube:
    """A session with an API server, as one of its users."""

    session: aiohttp.ClientSession
    url: str
    #: (apiVersion, kind) -> its name in a path, and whether a namespace holds it.
    resources: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        media: str = "application/json",
        acting: tuple[tuple[str, str], ...] = (),
        **query: str,
    ) -> Answer:
        """Send a request; an error is an answer like any other.

        Args:
            acting: headers that have it judged as another's (`Impersonate-User`, ...).
        """
        sent = None if body is None else json.dumps(body)
        headers = [("Content-Type", media), *acting]
        async with self.session.request(
            method, self.url + path, data=sent, params=query, headers=headers
        ) as answer:
            text = await answer.text()
            # Below a group that it does not have it answers in plain text.
            said = json.loads(text) if text.startswith("{") else {"message": text}
            return Answer(answer.status, said, tuple(answer.headers.getall("Warning", [])))

    async def knows(self, api: str, kind: str) -> bool:
        """Tell whether the cluster has a kind."""
        if (api, kind) not in self.resources:
            found = await self.ask("GET", _base(api))
            for resource in found.data.get("resources", ()):
                if "/" not in resource["name"]:
                    self.resources[api, resource["kind"]] = (
                        resource["name"],
                        resource["namespaced"],
                    )
        return (api, kind) in self.resources

    async def path(self, api: str, kind: str, namespace: str = "", name: str = "") -> str:
        """Find where objects of a kind are. Raises LookupError with a kind that nobody defined."""
        if not await self.knows(api, kind):
            raise LookupError(f"{kind} of {api}: no such kind in this cluster")
        plural, namespaced = self.resources[api, kind]
        within = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{_base(api)}{within}/{plural}" + (f"/{name}" if name else "")

    async def path_of(self, what: Object) -> str:
        """Find where an object is."""
        at = what["metadata"]
        return await self.path(
            what["apiVersion"], what["kind"], at.get("namespace", ""), at.get("name", "")
        )

    async def apply(self, what: Object, **query: str) -> Answer:
        """Apply an object on the server's side, all of its fields validated strictly."""
        return await self.ask(
            "PATCH",
            await self.path_of(what),
            what,
            media="application/apply-patch+yaml",  # JSON is YAML
            fieldManager=MANAGER,
            fieldValidation="Strict",
            **query,
        )

    async def create(self, what: Object, **query: str) -> Answer:
        """Create an object; `dryRun="All"` for an answer without an effect."""
        at = what["metadata"]
        path = await self.path(what["apiVersion"], what["kind"], at.get("namespace", ""))
        return await self.ask("POST", path, what, fieldValidation="Strict", **query)

    async def get(self, what: Object) -> Answer:
        """Read the live object."""
        return await self.ask("GET", await self.path_of(what))

    async def items(self, api: str, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """List the objects of a kind."""
        found: list[dict[str, Any]] = (
            await self.ask("GET", await self.path(api, kind, namespace))
        ).data["items"]
        return found


@asynccontextmanager
async def client(plane: ControlPlane, token: str = "") -> AsyncIterator[Kube]:
    """Open a session as the administrator, or as whoever a token is."""
    trust = ssl.create_default_context(cafile=str(plane.authority))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"Authorization": f"Bearer {token or plane.token}"},
    ) as session:
        yield Kube(session, plane.url)


def _base(api: str) -> str:
    return f"/apis/{api}" if "/" in api else f"/api/{api}"


def objects(artifacts: Iterable[Artifact]) -> list[Object]:
    """List the objects of a rendered tree in the order in which a cluster is given them."""
    found = [
        artifact.data
        for artifact in artifacts
        if artifact.path.startswith("k8s/") and artifact.is_object
    ]
    return sorted(found, key=_rank)


def _rank(what: Object) -> int:
    return ORDER.index(what["kind"]) if what["kind"] in ORDER else len(ORDER)


def title(what: Object) -> str:
    """Name an object for a reader."""
    return f"{what['kind']} {what['metadata'].get('name', '')}"


def changed(ours: Any, live: Any, where: str = "") -> Iterator[str]:
    """Say what of ours the server dropped or holds otherwise; what it added is its own affair.

    An empty list that it drops counts as well: it would be a change again at every apply.
    """
    if isinstance(ours, Mapping) and isinstance(live, Mapping):
        for key, value in ours.items():
            if key == "stringData":  # written only; it is read as `data`
                coded = {k: base64.b64encode(v.encode()).decode() for k, v in value.items()}
                yield from changed(coded, live.get("data"), f"{where}.data")
            else:
                yield from changed(value, live.get(key), f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(live, list) and len(ours) == len(live):
        for number, (one, other) in enumerate(zip(ours, live, strict=True)):
            yield from changed(one, other, f"{where}[{number}]")
    elif ours != live:
        yield f"{where}: {ours!r} is now {live!r}"
