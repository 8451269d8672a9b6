"""The rendered ValidatingAdmissionPolicy: an API server lets the tree's pods in, and no others.

The namespace has no profile of Pod Security here, so that each refusal is the policy's own.
"""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from kube_api import Kube, title
from kube_trees import namespace, put, take_away, tree
from rendered import plan_of

pytestmark = pytest.mark.servers

SYSTEM, ENVIRONMENT = "shop", "staging"
KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
SPACE = plan_of(SYSTEM, ENVIRONMENT).namespace


def templates() -> dict[str, dict[str, Any]]:
    """Find the pod of every workload, task and job of the tree."""
    found = {}
    for one in tree(SYSTEM, ENVIRONMENT):
        spec = one.get("spec") or {}
        spec = spec["jobTemplate"]["spec"] if one["kind"] == "CronJob" else spec
        if one["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob"):
            template = copy.deepcopy(spec["template"])
            claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())]
            volumes = template["spec"].setdefault("volumes", [])
            volumes += [{"name": name, "emptyDir": {}} for name in claims]
            found[title(one)] = template
    return found


def pod(template: dict[str, Any], space: str = SPACE) -> dict[str, Any]:
    metadata = {**template.get("metadata", {}), "name": "tried", "namespace": space}
    spec = {**template["spec"], "serviceAccountName": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def spoiled(**changes: Any) -> dict[str, Any]:
    """Make a pod of a service whose first container is changed."""
    template = copy.deepcopy(next(iter(templates().values())))
    template["spec"]["containers"][0].update(changes)
    return pod(template)


@pytest.fixture
async def held(kube: Kube):
    """Have two namespaces, one of which the policy holds, and wait until it does."""
    others = [namespace(SPACE, {}), namespace("elsewhere", {})]
    rules = [one for one in tree(SYSTEM, ENVIRONMENT) if one["kind"] in KINDS]
    assert len(rules) == len(KINDS)
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    accounts = [
        {**account, "metadata": {"name": "default", "namespace": name}}
        for name in (SPACE, "elsewhere")
    ]
    said = await put(kube, [*others, *accounts, *rules])
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    async with asyncio.timeout(60):
        while not (await kube.create(spoiled(image="nginx"), dryRun="All")).refused:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    yield rules
    await take_away(kube, [*others, *rules])


async def refused(kube: Kube, wanted: dict[str, Any]) -> str:
    return (await kube.create(wanted, dryRun="All")).refused


async def test_pods_of_the_tree_are_let_in_and_others_are_refused(kube: Kube, held):
    found = templates()
    assert len(found) >= len(plan_of(SYSTEM, ENVIRONMENT).workloads)
    answers = {name: await refused(kube, pod(template)) for name, template in found.items()}
    assert {name: answer for name, answer in answers.items() if answer} == {}

    own = next(iter(found.values()))["spec"]["containers"][0]
    repository = own["image"].rpartition(":")[0]
    said = await refused(kube, spoiled(image="nginx:1.29"))
    assert "images of unknown repositories: nginx:1.29; push them to one of: " in said
    said = await refused(kube, spoiled(image=f"{repository}-evil:1.0.0"))
    assert f"images of unknown repositories: {repository}-evil:1.0.0" in said
    for image in (f"{repository}:latest", repository):
        said = await refused(kube, spoiled(image=image))
        assert f"images without a version: {image}; write a tag other than latest" in said
    assert not await refused(kube, spoiled(image=f"{repository}@sha256:{'0' * 64}"))

    root = {**own["securityContext"], "runAsUser": 0, "runAsNonRoot": False}
    said = await refused(kube, spoiled(securityContext=root))
    assert f"containers that may run as root: {own['name']}; set securityContext" in said


async def test_a_sidecar_of_the_mesh_may_run_as_root_whatever_dots_its_tag_has(kube: Kube, held):
    root = {"runAsUser": 0, "runAsNonRoot": False}
    sidecar = spoiled(image="docker.io/istio/proxyv2:1.20.0", securityContext=root)
    assert not await refused(kube, sidecar)
    other = spoiled(image="docker.io/istio/proxyv2-evil:1.20.0", securityContext=root)
    assert "containers that may run as root" in await refused(kube, other) or (
        "images of unknown repositories" in await refused(kube, other)
    )


async def test_an_added_debugging_container_is_held_to_the_same_images(kube: Kube, held):
    wanted = pod(next(iter(templates().values())))
    assert not (taken := await kube.create(wanted)).refused, taken.refused
    at = f"{await kube.path_of(wanted)}/ephemeralcontainers"
    added = {"ephemeralContainers": [{"name": "debug", "image": "busybox:1.37"}]}
    said = await kube.ask(
        "PATCH", at, {"spec": added}, media="application/strategic-merge-patch+json"
    )
    assert "images of unknown repositories: busybox:1.37" in said.refused


async def test_other_namespaces_are_not_held(kube: Kube, held):
    wanted = spoiled(image="nginx")
    wanted["metadata"]["namespace"] = "elsewhere"
    assert not await refused(kube, wanted)
