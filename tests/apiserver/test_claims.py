"""What a platform team applies for claims is taken by a real API server, and a wrong claim is not.

Crossplane's definitions are its own; its controllers do not run. The definition of the claim's kind
is made of the rendered one as Crossplane makes it, so that the server judges claims by its schema.
"""

from __future__ import annotations

import asyncio
import copy

import pytest
from kube_api import title
from kube_trees import define, namespace, put_as_it_is, take_away
from rendered import artifacts_of

pytestmark = pytest.mark.servers
FOLDER = "crossplane/"


def files():
    made = artifacts_of("shop", "production")
    return {a.path.removeprefix(FOLDER): a.data for a in made if a.path.startswith(FOLDER)}


def claimed(definition):
    """Return the definition of the claim's kind that Crossplane makes of the rendered one."""
    spec = definition["spec"]
    versions = [
        {"name": one["name"], "served": True, "storage": True, "schema": one["schema"]}
        for one in spec["versions"]
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": definition["metadata"]["name"]},
        "spec": {
            "group": spec["group"], "scope": spec["scope"], "versions": versions,
            "names": {**spec["names"], "singular": spec["names"]["kind"].lower()},
        },
    }  # fmt: skip


@pytest.fixture
async def platform(kube):
    """Apply what the platform team applies; give the claim."""
    made = files()
    wanted = [made[f"{n}.yaml"] for n in ("provider", "function", "definition", "composition")]
    await define(kube, wanted)
    await put_as_it_is(kube, wanted)
    kind = claimed(made["definition.yaml"])
    claim = made["claims/my-service-db.yaml"]
    for manifest in (kind, namespace(claim["metadata"]["namespace"], {})):
        assert not (said := await kube.apply(manifest)).refused, said.refused
    async with asyncio.timeout(20):
        while not await kube.knows(claim["apiVersion"], claim["kind"]):  # noqa: ASYNC110 - as in define
            await asyncio.sleep(0.05)
    yield claim
    await take_away(kube, [claim, *wanted])
    await kube.ask("DELETE", await kube.path_of(kind))


async def test_a_claim_is_taken_and_kept_and_one_of_a_size_that_is_not_offered_is_refused(
    kube, platform
):
    said = await kube.apply(platform)
    assert not said.refused, said.refused
    assert not said.warnings, title(platform)
    for wrong in (
        {"size": "huge"},
        {"size": "small", "engine": "oracle"},
        {"engine": "postgresql"},
    ):
        other = copy.deepcopy(platform)
        other["metadata"]["name"] = "other-db"
        other["spec"]["parameters"] = wrong
        assert (await kube.apply(other)).refused, wrong
