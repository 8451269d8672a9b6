"""What controllers make of every system's tree, what its namespace refuses, and who may do what.

Pods come into being and wait: there are no nodes. What is shown is that they are admitted, all of
them together, under the namespace's Pod Security, quota and limits.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from apiserver import ControlPlane
from kube_api import Kube, Object, client
from kube_trees import put, ready_for
from rendered import TYPICAL, plan_of

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Place:
    """A tree where controllers act on it."""

    kube: Kube
    plane: ControlPlane
    system: str
    environment: str
    wanted: list[Object]
    namespace: str

    def of_kind(self, kind: str) -> list[Object]:
        """List the tree's objects of a kind."""
        return [manifest for manifest in self.wanted if manifest["kind"] == kind]

    async def items(self, api: str, kind: str) -> list[dict[str, Any]]:
        """List what there is of a kind."""
        return await self.kube.items(api, kind, self.namespace)

    async def refusals(self) -> list[str]:
        """List why controllers could not make what they were told to.

        Of what is there now: one of that name before it, in a namespace that is gone, may be told
        of late.
        """
        makers = (("apps/v1", "ReplicaSet"), ("apps/v1", "StatefulSet"), ("batch/v1", "Job"))
        there = {
            manifest["metadata"]["uid"] for one in makers for manifest in await self.items(*one)
        }
        return [
            f"{event['involvedObject']['name']}: {event['message']}"
            for event in await self.items("v1", "Event")
            if event["reason"].startswith("FailedCreate")
            and event["involvedObject"]["uid"] in there
        ]

    def pod(self) -> dict[str, Any]:
        """Make a pod as the tree's first service has them, to be spoiled."""
        template = copy.deepcopy(self.of_kind("Deployment")[0]["spec"]["template"])
        named = {**template["metadata"], "name": "tried", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": named}

    async def try_pod(self, pod: Object) -> Any:
        """Ask whether a pod would be let in, and what would be made of it."""
        return await self.kube.create(pod, dryRun="All")


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=TYPICAL,
    ids=["-".join(names) for names in TYPICAL],
)
async def place(request, controlled: ControlPlane) -> AsyncIterator[Place]:
    """Put a tree into the cluster; its namespace is deleted at the end with all that is in it."""
    system, environment = request.param
    async with client(controlled) as kube:
        wanted = await ready_for(kube, system, environment)
        namespace = plan_of(system, environment).namespace
        path = await kube.path("v1", "Namespace", name=namespace)

        async def gone() -> bool:
            return (await kube.ask("GET", path)).status == 404

        await until(gone, lambda: kube.ask("GET", path))
        there = Place(kube, controlled, system, environment, wanted, namespace)
        try:
            said = await put(kube, [*wanted, *now(there)])
            assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
            yield there
        finally:
            await kube.ask("DELETE", path)


async def until(true: Callable[[], Awaitable[bool]], instead: Callable[[], Awaitable[Any]]) -> None:
    """Wait until something is so, as long as it takes controllers on a busy machine."""
    try:
        async with asyncio.timeout(60):
            while not await true():  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"it never came to that; instead: {await instead()}")


def now(place: Place) -> list[Object]:
    """Make of each CronJob the Job that it will make when it is due."""
    return [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {**cron_job["metadata"], "name": f"{cron_job['metadata']['name']}-now"},
            "spec": cron_job["spec"]["jobTemplate"]["spec"],
        }
        for cron_job in place.of_kind("CronJob")
    ]


def asked(place: Place) -> Counter[str]:
    """Count the pods that a tree asks for, by the workload's kind and name.

    What scales a Rollout scales nothing here: its controller is none of Kubernetes' own.
    """
    scaled = {
        autoscaler["spec"]["scaleTargetRef"]["name"]: autoscaler["spec"]["minReplicas"]
        for autoscaler in place.of_kind("HorizontalPodAutoscaler")
        if autoscaler["spec"]["scaleTargetRef"]["kind"] == "Deployment"
    }
    found: Counter[str] = Counter()
    for deployment in place.of_kind("Deployment"):
        name = deployment["metadata"]["name"]
        found[f"Deployment {name}"] = deployment["spec"].get("replicas", scaled.get(name, 1))
    for stateful_set in place.of_kind("StatefulSet"):
        # In order, the second waits for the first to be ready, and nothing ever is.
        at_once = stateful_set["spec"].get("podManagementPolicy") == "Parallel"
        count = stateful_set["spec"].get("replicas", 1) if at_once else 1
        found[f"StatefulSet {stateful_set['metadata']['name']}"] = count
    for job in [*place.of_kind("Job"), *now(place)]:
        found[f"Job {job['metadata']['name']}"] = 1
    return found


async def living(place: Place) -> Counter[str]:
    """Count the pods that there are, by the kind and name of the workload that they are of."""
    pods = await place.items("v1", "Pod")  # first: each has its set by then
    sets = {
        manifest["metadata"]["name"]: manifest["metadata"]["ownerReferences"][0]["name"]
        for manifest in await place.items("apps/v1", "ReplicaSet")
    }
    found: Counter[str] = Counter()
    for pod in pods:
        owner = pod["metadata"]["ownerReferences"][0]
        kind, name = owner["kind"], owner["name"]
        found[f"Deployment {sets[name]}" if kind == "ReplicaSet" else f"{kind} {name}"] += 1
    return found


async def test_every_pod_that_a_tree_asks_for_is_admitted(place: Place):
    wanted = asked(place)
    assert wanted

    async def all_there() -> bool:
        return bool(await place.refusals()) or await living(place) == wanted

    async def amiss() -> str:
        there = await living(place)
        return f"missing {dict(wanted - there)}, too many {dict(there - wanted)}"

    await until(all_there, amiss)
    assert await place.refusals() == []


def _as_root(pod: dict[str, Any]) -> None:
    pod["spec"]["securityContext"] |= {"runAsUser": 0, "runAsNonRoot": False}


def _privileged(pod: dict[str, Any]) -> None:
    one = pod["spec"]["containers"][0]["securityContext"]
    one |= {"privileged": True, "allowPrivilegeEscalation": True}


def _may_escalate(pod: dict[str, Any]) -> None:
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]


def _with_capability(pod: dict[str, Any]) -> None:
    pod["spec"]["containers"][0]["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}


def _without_seccomp(pod: dict[str, Any]) -> None:
    del pod["spec"]["securityContext"]["seccompProfile"]


def _with_the_hosts_disk(pod: dict[str, Any]) -> None:
    pod["spec"]["volumes"].append({"name": "disk", "hostPath": {"path": "/"}})


def _on_the_hosts_network(pod: dict[str, Any]) -> None:
    pod["spec"]["hostNetwork"] = True


SPOILED = {
    _as_root: "runAsNonRoot",
    _privileged: "privileged",
    _may_escalate: "allowPrivilegeEscalation",
    _with_capability: "NET_ADMIN",
    _without_seccomp: "seccompProfile",
    _with_the_hosts_disk: "hostPath",
    _on_the_hosts_network: "host namespaces",
}


async def test_a_pod_that_is_not_restricted_is_refused(place: Place):
    """Every tree's namespace refuses a privileged pod; the first tree's is tried with all seven."""
    assert not (said := await place.try_pod(place.pod())).refused, said.refused
    first = (place.system, place.environment) == TYPICAL[0]
    for spoil in SPOILED if first else (_privileged,):
        pod = place.pod()
        spoil(pod)
        refused = (await place.try_pod(pod)).refused
        assert 'violates PodSecurity "restricted:' in refused
        assert SPOILED[spoil] in refused


async def test_a_container_that_asks_for_nothing_is_given_the_namespaces_defaults(place: Place):
    (limits,) = place.of_kind("LimitRange")
    (limit,) = [entry for entry in limits["spec"]["limits"] if entry["type"] == "Container"]
    pod = place.pod()
    del pod["spec"]["containers"][0]["resources"]
    made = (await place.try_pod(pod)).data["spec"]["containers"][0]["resources"]
    assert made == {"requests": limit["defaultRequest"], "limits": limit["default"]}


def quotas(place: Place) -> list[Object]:
    """List the tree's quota: there is one just where the environment asks for it."""
    found = place.of_kind("ResourceQuota")
    assert len(found) == bool(plan_of(place.system, place.environment).settings.quota)
    return found


async def test_what_is_past_the_quota_is_refused(place: Place):
    for quota in quotas(place):
        for resource, most in quota["spec"]["hard"].items():
            pod = place.pod()
            one = pod["spec"]["containers"][0]["resources"]
            name = resource.removeprefix("requests.")
            one["requests"][name] = one["limits"][name] = most  # others have some of it already
            refused = (await place.try_pod(pod)).refused
            assert f"exceeded quota: {quota['metadata']['name']}, requested: {resource}" in refused


async def test_a_deployment_past_the_quota_stays_without_its_pods(place: Place):
    for quota in quotas(place):
        large = copy.deepcopy(dict(place.of_kind("Deployment")[0]))
        selector = {"app": "large"}
        large["metadata"] = {"name": "large", "namespace": place.namespace}
        large["spec"] |= {"replicas": 1, "selector": {"matchLabels": selector}}
        large["spec"]["template"]["metadata"] = {"labels": selector}
        one = large["spec"]["template"]["spec"]["containers"][0]["resources"]
        one["requests"]["cpu"] = one["limits"]["cpu"] = quota["spec"]["hard"]["requests.cpu"]
        assert not (await place.kube.create(large)).refused

        async def told(large: Object = large) -> bool:
            live = (await place.kube.get(large)).data["status"].get("conditions", ())
            return any(
                condition["type"] == "ReplicaFailure" and "exceeded quota" in condition["message"]
                for condition in live
            )

        await until(told, lambda large=large: place.kube.get(large))


async def test_an_account_that_is_not_there_runs_nothing(place: Place):
    pod = place.pod()
    pod["spec"]["serviceAccountName"] = "nobody"
    assert 'serviceaccount "nobody" not found' in (await place.try_pod(pod)).refused
