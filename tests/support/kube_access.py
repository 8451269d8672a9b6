"""Who may do what in a cluster, for tests: what bindings say, and what the server answers.

A matrix is data: a subject's rights, each an API group, a resource (`pods`, `pods/exec`), a verb.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kube_api import Kube, Object

Right = tuple[str, str, str]
#: Everybody who is somebody is in it; its rights are not a tree's to give.
EVERYBODY = "system:authenticated"


@dataclass(frozen=True)
class Subject:
    """A group of people, or a workload's account."""

    user: str
    groups: tuple[str, ...]

    @property
    def acting(self) -> tuple[tuple[str, str], ...]:
        """The headers of a request in its name."""
        return (
            ("Impersonate-User", self.user),
            *(("Impersonate-Group", group) for group in self.groups),
        )


NOBODY = Subject("nobody", (EVERYBODY,))


def member(group: str) -> Subject:
    """Make somebody of a group."""
    return Subject("somebody", (group, EVERYBODY))


def account(namespace: str, name: str) -> Subject:
    """Make the subject that a ServiceAccount is."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", EVERYBODY)
    return Subject(f"system:serviceaccount:{namespace}:{name}", groups)


def matrix(objects: Iterable[Object]) -> dict[Subject, set[Right]]:
    """Read from a tree's roles and bindings who may do what; accounts without rights are in it."""
    objects = list(objects)
    roles = {
        (manifest["kind"], manifest["metadata"]["name"]): _rights(manifest["rules"])
        for manifest in objects
        if manifest["kind"] in ("Role", "ClusterRole")
    }
    found: dict[Subject, set[Right]] = {
        account(manifest["metadata"]["namespace"], manifest["metadata"]["name"]): set()
        for manifest in objects
        if manifest["kind"] == "ServiceAccount"
    }
    for manifest in objects:
        if manifest["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        granted = roles[manifest["roleRef"]["kind"], manifest["roleRef"]["name"]]
        for one in manifest["subjects"]:
            if one["kind"] == "Group":
                subject = member(one["name"])
            elif one["kind"] == "ServiceAccount":
                subject = account(one["namespace"], one["name"])
            else:
                raise ValueError(f"a binding to a {one['kind']}; a tree binds groups and accounts")
            found.setdefault(subject, set()).update(granted)
    return found


def _rights(rules: Iterable[Mapping[str, Any]]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for verb in rule["verbs"]
    }


async def rights(kube: Kube, subject: Subject, namespace: str) -> set[Right]:
    """Ask the server what a subject may do in a namespace, beyond what everybody may."""
    return await _all_rights(kube, subject, namespace) - await _all_rights(kube, NOBODY, namespace)


async def _all_rights(kube: Kube, subject: Subject, namespace: str) -> set[Right]:
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    said = await kube.ask("POST", path, asked, acting=subject.acting)
    return _rights(said.data["status"]["resourceRules"])


async def allowed(
    kube: Kube, subject: Subject, namespace: str, asked: Iterable[Right]
) -> set[Right]:
    """Ask the server one by one which of some rights a subject has, as `kubectl auth can-i` does.

    Args:
        namespace: where; empty for all of the cluster.
    """
    gate = asyncio.Semaphore(20)

    async def ask(right: Right) -> bool:
        group, resource, verb = right
        name, _, part = resource.partition("/")
        attributes = {"group": group, "resource": name, "subresource": part, "verb": verb}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": subject.user,
                "groups": list(subject.groups),
                "resourceAttributes": {**attributes, "namespace": namespace},
            },
        }
        async with gate:
            path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
            return bool((await kube.ask("POST", path, review)).data["status"]["allowed"])

    asked = list(asked)
    answers = await asyncio.gather(*map(ask, asked))
    return {right for right, yes in zip(asked, answers, strict=True) if yes}


async def offered(kube: Kube) -> set[Right]:
    """List everything in a namespace that the server can be asked to do."""
    groups = (await kube.ask("GET", "/apis")).data["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    paths = {
        "/api/v1": "",
        **{f"/apis/{version}": version.partition("/")[0] for version in versions},
    }
    return {
        (group, resource["name"], verb)
        for path, group in paths.items()
        for resource in (await kube.ask("GET", path)).data["resources"]
        if resource["namespaced"]
        for verb in resource["verbs"]
    }
