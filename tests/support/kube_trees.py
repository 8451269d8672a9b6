"""A rendered tree in a cluster for tests: put there in order, and taken away again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest
import yaml
from kube_api import Answer, Kube, Object, changed, objects, title
from rendered import artifacts_of, plan_of

from tarmac.check.schemas import check, lock

RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}
RBAC = "rbac.authorization.k8s.io"


def namespace(name: str, labels: Mapping[str, str] = RESTRICTED) -> Object:
    """Make a namespace, in which pods must be restricted."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": dict(labels)},
    }


def tree(system: str, environment: str) -> list[Object]:
    """List a system's objects in the order in which they are applied, its namespace first."""
    found = objects(artifacts_of(system, environment))
    assert found, f"{system} renders no object for {environment}"
    return found


class _Loader(yaml.CSafeLoader):
    """Reads `=` as text: in YAML 1.1 it means something that nobody uses."""


_Loader.add_constructor(
    "tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node)
)


#: What to do where the definitions of others' kinds are not there.
GET = "no definitions of others' kinds: run `tarmac fetch` (`make tools`)"


def are_fetched() -> bool:
    """Tell whether others' definitions are there."""
    return (check.folder_of(lock.read()) / "crds").is_dir()


def fetched() -> list[Path]:
    """List the files of others' definitions that `tarmac fetch` brought.

    They are those that rendered objects are checked against. Skips the test where none are there.
    """
    if not are_fetched():
        pytest.skip(GET)
    return sorted((check.folder_of(lock.read()) / "crds").glob("*/*.yaml"))


@cache
def definitions() -> dict[tuple[str, str], Object]:
    """Read others' definitions, by group and kind; skips as `fetched` does."""
    found = {}
    for path in fetched():
        for definition in yaml.load_all(path.read_bytes(), _Loader):
            if definition and definition.get("kind") == "CustomResourceDefinition":
                spec = definition["spec"]
                found[spec["group"], spec["names"]["kind"]] = definition
    return found


async def define(kube: Kube, wanted: Iterable[Object]) -> None:
    """Install the definitions of the kinds that a tree is of, and wait until each is known.

    Raises:
        LookupError: a kind that neither the cluster nor any definition knows.
    """
    for api, kind in dict.fromkeys(
        (manifest["apiVersion"], manifest["kind"]) for manifest in wanted
    ):
        if await kube.knows(api, kind):
            continue
        known = definitions().get((api.partition("/")[0], kind))
        if known is None:
            raise LookupError(f"{kind} of {api}: no definition; add it to assets/schemas.yaml")
        assert not (taken := await kube.apply(known)).refused, taken.refused
        async with asyncio.timeout(20):
            while not await kube.knows(api, kind):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.05)


async def ready_for(kube: Kube, system: str, environment: str) -> list[Object]:
    """Give the cluster what a tree takes for granted, and return the tree's objects in order.

    That is: the kinds that others define, and others' namespaces, the ingress controller's too.
    """
    wanted = tree(system, environment)
    own = {one["metadata"]["name"] for one in wanted if one["kind"] == "Namespace"}
    beside = {one["metadata"].get("namespace") for one in wanted} - {None, *own}
    for name in sorted({plan_of(system, environment).settings.ingress.namespace, *beside}):
        assert not (taken := await kube.apply(namespace(name, {}))).refused, taken.refused
    await define(kube, wanted)
    return wanted


async def put(kube: Kube, wanted: Iterable[Object]) -> dict[str, Answer]:
    """Apply objects one after the other; return what was said of each, by its title."""
    return {title(manifest): await kube.apply(manifest) for manifest in wanted}


async def put_as_it_is(kube: Kube, wanted: list[Object]) -> None:
    """Apply objects that the server is to take without a word, and to keep as they are."""
    said = await put(kube, wanted)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    assert {name: answer.warnings for name, answer in said.items() if answer.warnings} == {}
    live = {title(manifest): (await kube.get(manifest)).data for manifest in wanted}
    lost = {title(manifest): [*changed(manifest, live[title(manifest)])] for manifest in wanted}
    assert {name: what for name, what in lost.items() if what} == {}


async def take_away(kube: Kube, wanted: list[Object]) -> None:
    """Delete objects where no controller does it: finalizers wait for nobody."""
    for manifest in reversed(wanted):
        at = await kube.path_of(manifest)
        if manifest["kind"] == "Namespace":
            await kube.ask("DELETE", at)
            await kube.ask("PUT", f"{at}/finalize", {**manifest, "spec": {"finalizers": []}})
        else:
            await kube.ask(
                "PATCH",
                at,
                {"metadata": {"finalizers": None}},
                media="application/merge-patch+json",
            )
            # A Job's dependents would be kept, which waits for a controller.
            await kube.ask("DELETE", at, propagationPolicy="Background")
        assert (await kube.ask("GET", at)).status == 404, title(manifest)
