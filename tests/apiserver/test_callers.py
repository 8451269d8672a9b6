"""Tokens that a real API server signs for the rendered pods are taken by services of the kit."""

from __future__ import annotations

import copy
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apiserver import ControlPlane
from fastapi import APIRouter
from kube_api import Kube, Object, client
from kube_trees import put, ready_for, take_away
from rendered import plan_of

from tarmac.base.cluster_names import KEYS_URL
from tarmac_kit import Chassis, Part, create_app
from tarmac_kit.callers import CallerSettings, CallerTokens
from tarmac_kit.settings import load
from tarmac_kit_testing import InProcess, running

pytestmark = pytest.mark.servers

#: Where the plan has tokens and keys: not on the machine of a test.
SECRETS = "/var/run/secrets"
HEADER = "X-Caller-Token"
PUT_PATH = "/reservations/1"
NEEDED = ("Namespace", "ServiceAccount", "ConfigMap", "Deployment")


@dataclass
class Kubelet:
    """What a node does for a pod: it asks for the tokens of its volumes and writes the files."""

    kube: Kube
    plane: ControlPlane
    folder: Path
    objects: dict[tuple[str, str], Object]
    namespace: str

    async def start(self, service: str) -> dict[str, str]:
        """Make a pod of a rendered Deployment; return its variables, with the paths of here."""
        deployment = self.objects["Deployment", service]
        template = copy.deepcopy(deployment["spec"]["template"])
        space = deployment["metadata"]["namespace"]
        metadata = {**template["metadata"], "name": f"{service}-0", "namespace": space}
        pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}
        made = await self.kube.create(pod)
        assert not made.refused
        (container, *_) = template["spec"]["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        for volume in template["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", ()):
                await self._write(source, mounts[volume["name"]], made.data)
        env = dict(self.objects["ConfigMap", f"{service}-config"]["data"])
        folder, server = str(self.folder / service), KEYS_URL.partition("/openid")[0]
        return {
            name: value.replace(SECRETS, folder).replace(server, self.plane.url)
            for name, value in env.items()
        }

    async def _write(self, source: Any, mounted_at: str, pod: Any) -> None:
        service = pod["spec"]["serviceAccountName"]
        folder = self.folder / service / posixpath.relpath(mounted_at, SECRETS)
        folder.mkdir(parents=True, exist_ok=True)
        if wanted := source.get("serviceAccountToken"):
            file, content = wanted["path"], await self.token(wanted, pod)
        else:
            # A controller writes that ConfigMap into each namespace; its content is this.
            assert source["configMap"]["name"] == "kube-root-ca.crt"
            (item,) = source["configMap"]["items"]
            file, content = item["path"], self.plane.authority.read_text()
        (folder / file).write_text(content)

    async def token(self, wanted: Any, pod: Any) -> str:
        """Ask for a token that is bound to a pod, as a kubelet does."""
        spec = {
            "audiences": [wanted["audience"]] if "audience" in wanted else [],
            "expirationSeconds": wanted["expirationSeconds"],
            "boundObjectRef": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": pod["metadata"]["name"],
                "uid": pod["metadata"]["uid"],
            },
        }
        account, space = pod["spec"]["serviceAccountName"], pod["metadata"]["namespace"]
        said = await self.kube.ask(
            "POST",
            f"/api/v1/namespaces/{space}/serviceaccounts/{account}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
        )
        assert not said.refused
        return str(said.data["status"]["token"])

    def presented(self, env: dict[str, str], callee: str) -> str:
        """Read what the kit's client presents at the address that the variables give."""
        tokens = CallerTokens(load(CallerSettings, env, service=env["SERVICE_NAME"]))
        urls = dict(pair.split("=", 1) for pair in env["TARMAC_CALLEES"].split(","))
        return tokens.for_url(urls[callee])() or ""


@pytest.fixture
async def kubelet(kube, plane, tmp_path, system, environment):
    listed = await ready_for(kube, system, environment)
    wanted = [manifest for manifest in listed if manifest["kind"] in NEEDED]
    said = await put(kube, wanted)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    objects = {(found["kind"], found["metadata"]["name"]): found for found in wanted}
    space = plan_of(system, environment).namespace
    yield Kubelet(kube, plane, tmp_path, objects, space)
    for pod in await kube.items("v1", "Pod", space):
        await kube.ask("DELETE", pod_path(pod), gracePeriodSeconds="0")
    await take_away(kube, wanted)


def pod_path(pod: Any) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def app(env: dict[str, str]) -> Any:
    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.put("/{path:path}")
        async def answer(path: str) -> dict[str, str]:
            return {"path": path}

        chassis.include(router)

    mine = {key: value for key, value in env.items() if key.startswith(("TARMAC_", "SERVICE_"))}
    return create_app([Part("it", mount)], mine)


async def answered(service: InProcess, token: str) -> tuple[int, str]:
    answer = await service.put(PUT_PATH, headers={HEADER: token})
    return answer.status, answer.problem().get("code", "")


@pytest.mark.parametrize(("system", "environment"), [("shop", "kind")])
async def test_a_service_takes_its_declared_callers_and_no_others(kubelet: Kubelet):
    orders = await kubelet.start("order-service")
    products = await kubelet.start("product-service")
    await kubelet.start("user-service")
    good = kubelet.presented(orders, "product-service")
    assert good
    async with running(app(products)) as service:
        assert await answered(service, good) == (200, "")
        pods = {
            pod["spec"]["serviceAccountName"]: pod
            for pod in await kubelet.kube.items("v1", "Pod", kubelet.namespace)
        }
        lasting = {"expirationSeconds": 3600}
        elsewhere = {"audience": "user-service", **lasting}
        wrong = await kubelet.token(elsewhere, pods["order-service"])
        assert await answered(service, wrong) == (401, "caller_unauthorized")
        right = {"audience": "product-service", **lasting}
        undeclared = await kubelet.token(right, pods["user-service"])
        assert await answered(service, undeclared) == (403, "undeclared_caller")
        # What the API server takes is no caller token.
        own = Path(products["TARMAC_CALLER_JWKS_TOKEN_FILE"]).read_text()
        assert await answered(service, own) == (401, "caller_unauthorized")
        assert (await service.put(PUT_PATH)).status == 401


@pytest.mark.parametrize(("system", "environment"), [("shop", "kind")])
async def test_a_caller_token_opens_nothing_in_the_cluster(kubelet: Kubelet):
    orders = await kubelet.start("order-service")
    products = await kubelet.start("product-service")
    presented = kubelet.presented(orders, "product-service")
    own = Path(products["TARMAC_CALLER_JWKS_TOKEN_FILE"]).read_text()
    statuses = {}
    for name, token in (("caller", presented), ("keys", own)):
        async with client(kubelet.plane, token) as known:
            for path in ("/openid/v1/jwks", f"/api/v1/namespaces/{kubelet.namespace}/secrets"):
                statuses[name, path.rpartition("/")[2]] = (await known.ask("GET", path)).status
    assert statuses == {
        ("caller", "jwks"): 401,
        ("caller", "secrets"): 401,
        ("keys", "jwks"): 200,
        ("keys", "secrets"): 403,
    }


@pytest.mark.parametrize(
    ("system", "environment"),
    [
        ("shop", "production"),
        ("travel", "prod"),
        ("starter", "kind"),
        ("trading", "kind"),
        ("hello-dd", "kind"),
    ],
)
async def test_every_declared_call_is_accepted_and_nothing_else(
    kubelet: Kubelet, system: str, environment: str
):
    """Each caller of a system calls each of its callees, and each callee refuses all others."""
    plan = plan_of(system, environment)
    services = [workload.name for workload in plan.services]
    env = {name: await kubelet.start(name) for name in services}
    declared = {
        (edge.source, edge.target) for edge in plan.allowed if edge.target_role == "service"
    }
    pods = {
        pod["spec"]["serviceAccountName"]: pod
        for pod in await kubelet.kube.items("v1", "Pod", plan.namespace)
    }
    callees = [workload.name for workload in plan.services if workload.caller_keys]
    assert callees
    for callee in callees:
        async with running(app(env[callee])) as service:
            for caller in services:
                if (caller, callee) in declared:
                    token = kubelet.presented(env[caller], callee)
                    assert await answered(service, token) == (200, ""), (caller, callee)
                else:
                    wanted = {"audience": callee, "expirationSeconds": 3600}
                    token = await kubelet.token(wanted, pods[caller])
                    code = (403, "undeclared_caller")
                    assert await answered(service, token) == code, (caller, callee)
