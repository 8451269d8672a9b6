"""Every system's tree is taken by a real API server as it stands, in every environment."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import pytest
from kube_api import Answer, changed
from kube_trees import define, namespace, put, put_as_it_is, ready_for, take_away, tree
from rendered import ENVIRONMENTS

from tarmac.base.artifact import dump

pytestmark = pytest.mark.servers
every_environment = pytest.mark.parametrize(
    ("system", "environment"),
    ENVIRONMENTS,
    ids=["-".join(environment) for environment in ENVIRONMENTS],
)


@pytest.fixture
async def wanted(kube, plane, system, environment):
    """List a tree's objects; whatever of them is there at the end is taken away."""
    listed = await ready_for(kube, system, environment)
    yield listed
    await take_away(kube, listed)


@every_environment
async def test_a_tree_is_taken_without_a_word_and_kept_as_it_is(kube, wanted):
    await put_as_it_is(kube, wanted)

    # Of a kind that others define, the server writes the status that it adds by itself only now.
    again, once_more = await put(kube, wanted), await put(kube, wanted)
    moved = {
        name for name, answer in again.items() if answer.data["metadata"].get("generation", 1) > 1
    }
    assert moved == set()
    assert _versions(once_more) == _versions(again)


def _versions(said: Mapping[str, Answer]) -> dict[str, str]:
    return {name: answer.data["metadata"]["resourceVersion"] for name, answer in said.items()}


@pytest.fixture
async def spoiled(kube):
    """Copy a Deployment that a test is going to spoil, into a namespace of its own."""
    deployment = next(
        manifest for manifest in tree("shop", "kind") if manifest["kind"] == "Deployment"
    )
    copied = copy.deepcopy(dict(deployment))
    copied["metadata"]["namespace"] = "spoiled"
    within = namespace("spoiled")
    assert not (await kube.apply(within)).refused
    yield copied
    await take_away(kube, [within, copied])


async def test_a_misspelt_field_is_refused(kube, spoiled):
    spoiled["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    assert (
        "terminationGracePeriod: field not declared in schema"
        in (await kube.apply(spoiled)).refused
    )


async def test_a_deployment_whose_pods_would_be_refused_is_warned_of(kube, spoiled):
    del spoiled["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    said = await kube.apply(spoiled)
    assert not said.refused
    assert "would violate PodSecurity" in said.warnings[0]


async def test_a_value_that_the_server_writes_otherwise_is_found(kube, spoiled):
    limits = spoiled["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    limits["memory"] = "1024Mi"
    assert not (await kube.apply(spoiled)).refused
    assert [*changed(spoiled, (await kube.get(spoiled)).data)] == [
        ".spec.template.spec.containers[0].resources.limits.memory: '1024Mi' is now '1Gi'"
    ]


async def test_a_kind_of_nobody_is_named(kube, plane):
    unknown = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "it"}}
    with pytest.raises(LookupError, match=r"Gadget of example.com/v1: no definition"):
        await define(kube, [unknown])


def test_kubectl_reads_text_as_it_was_written(plane, tmp_path):
    text = ["09402152219246e0", "1e3", "-1.5E2", "0o17", "0x1f", "1_000", "y", "N", "on", "~", "1"]
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "as-written", "namespace": "default"},
        "data": {f"key-{number}": value for number, value in enumerate(text)},
    }
    file = tmp_path / "it.yaml"
    file.write_text(dump(manifest))
    try:
        created = plane.kubectl("create", f"--filename={file}", "--output=json")
        assert created.returncode == 0, created.stderr
        assert json.loads(created.stdout)["data"] == manifest["data"]
    finally:
        plane.kubectl("delete", f"--filename={file}", "--ignore-not-found")
