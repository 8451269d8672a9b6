"""What a test says to the API server in the place of controllers and kubelets: pods, endpoints.

Services and routes of canaries are written as Flagger writes them (docs.flagger.app, tutorial of
Istio): Flagger itself does not run here.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from apiserver import ControlPlane
from istio import ROOT, Workload
from kube_api import Kube, Object, client
from kube_trees import namespace, tree
from packed import templated
from rendered import artifact_of

from tarmac.base.artifact import write
from tarmac.plan import analysis
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts import identity
from tarmac.render.mesh.parts.traffic_policy import traffic_policy

#: What istiod reads, and what it needs beside that.
KINDS = (
    "Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ServiceAccount", "Service", "PeerAuthentication", "AuthorizationPolicy", "DestinationRule",
)  # fmt: skip
#: One of them may be left out, and two are left.
ENDPOINTS = 3
SEVERAL = "user-service"
NETWORKING = "networking.istio.io/v1"


def mesh_config(system: str, environment: str) -> Mapping[str, Any]:
    """Read the mesh's configuration as it is rendered for Istio's chart."""
    values = artifact_of(system, environment, "mesh/values/istiod.yaml").data
    return {**values["meshConfig"], "trustDomain": "cluster.local"}


def by_chart(programs: Path, system: str, environment: str, folder: Path) -> list[dict[str, Any]]:
    """Have helm write what Istio's chart installs with the rendered values."""
    values = folder / "istiod.yaml"
    values.write_text(write(artifact_of(system, environment, "mesh/values/istiod.yaml"), "a test"))
    chart = programs / "manifests/charts/istio-control/istio-discovery"
    return templated(chart, "istiod", "-f", str(values), namespace=ROOT)


def injected(charted: list[dict[str, Any]]) -> dict[str, str]:
    """Find what istiod adds to pods."""
    found: dict[str, str] = _named(charted, "ConfigMap", "istio-sidecar-injector")["data"]
    return found


def _named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


class KubeFiles:
    """What is applied to an API server for a system in a mesh."""

    def __init__(self, plane: ControlPlane, plan: ClusterPlan, programs: Path) -> None:
        self.plane, self.plan, self.programs = plane, plan, programs
        self.deployments: dict[str, Object] = {}

    def _run(self, work: Callable[[Kube], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            async with client(self.plane) as kube:
                return await work(kube)

        return asyncio.run(connected())

    def prepare(self, system: str, environment: str) -> None:
        """Define Istio's kinds, and apply the rendered objects that istiod reads."""
        text = (self.programs / "manifests/charts/base/files/crd-all.gen.yaml").read_text()
        kinds = [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]
        wanted = tree(system, environment)
        self.deployments = {
            one["metadata"]["name"]: one for one in wanted if one["kind"] == "Deployment"
        }

        async def put(kube: Kube) -> None:
            for one in (*kinds, namespace(ROOT, {})):
                assert not (said := await kube.apply(one)).refused, said.refused
            for one in (one for one in wanted if one["kind"] in KINDS):
                async with asyncio.timeout(60):
                    while not await kube.knows(one["apiVersion"], one["kind"]):  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                assert not (said := await kube.apply(one)).refused, (one, said.refused)
            for service in analysis.canary_services(self.plan, "flagger"):
                for one in self.of_flagger(service.name):
                    assert not (said := await kube.apply(one)).refused, (one, said.refused)

        self._run(put)

    def inject(self, charted: list[dict[str, Any]], pods: list[Object]) -> list[dict[str, Any]]:
        """Have the API server ask istiod about pods as its chart says; return them as admitted.

        None of them is made. What leads from a Service to istiod is an address of the loopback.
        """
        service = _named(charted, "Service", "istiod")
        hooks = _named(charted, "MutatingWebhookConfiguration", "istio-sidecar-injector")

        async def addressed(kube: Kube) -> str:
            said = await kube.apply(service)
            assert not said.refused, said.refused
            return str(said.data["spec"]["clusterIP"])

        async def admitted(kube: Kube) -> list[dict[str, Any]]:
            secret = await kube.path("v1", "Secret", ROOT, "istio-ca-secret")
            root = (await kube.ask("GET", secret)).data["data"]["ca-cert.pem"]
            for hook in hooks["webhooks"]:
                hook["clientConfig"]["caBundle"] = root
            said = await kube.apply(hooks)
            assert not said.refused, said.refused
            found = []
            for pod in pods:
                said = await kube.create(pod, dryRun="All")
                async with asyncio.timeout(30):
                    while not said.refused and "istio-proxy" not in str(said.data["spec"]):
                        await asyncio.sleep(0.5)  # the server does not know the hook yet
                        said = await kube.create(pod, dryRun="All")
                assert not said.refused, said.refused
                found.append({**said.data, "warnings": said.warnings})
            await kube.ask("DELETE", await kube.path_of(hooks))
            return found

        address = self._run(addressed)
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
        made: list[dict[str, Any]] = self._run(admitted)
        return made

    def of_flagger(self, name: str) -> list[Object]:
        """Write what Flagger makes of a Canary at its first step, where it is in the mesh."""
        plan, workload = self.plan, self.plan.workload(name)
        rollout = plan.settings.rollout
        assert rollout is not None
        weight = rollout.weights[0]
        whole = identity.service(plan, workload).data
        made: list[Object] = []
        for end, selected in (("", "-primary"), ("-primary", "-primary"), ("-canary", "")):
            service = copy.deepcopy(dict(whole))
            service["metadata"]["name"] = f"{name}{end}"
            service["spec"]["selector"] = {"app": f"{name}{selected}"}
            made.append(service)
        policy = traffic_policy()
        del policy["connectionPool"]["tcp"]
        for end in ("-primary", "-canary"):
            spec = {"host": f"{name}{end}", "trafficPolicy": policy}
            made.append(self._of("DestinationRule", f"{name}{end}", spec))
        route = [
            {"destination": {"host": f"{name}-primary"}, "weight": 100 - weight},
            {"destination": {"host": f"{name}-canary"}, "weight": weight},
        ]
        spec = {"hosts": [name], "gateways": ["mesh"], "http": [{"route": route}]}
        return [*made, self._of("VirtualService", name, spec)]

    def _of(self, kind: str, name: str, spec: Object) -> Object:
        metadata = {"name": name, "namespace": self.plan.namespace}
        return {"apiVersion": NETWORKING, "kind": kind, "metadata": metadata, "spec": spec}

    def wanted_pods(self) -> dict[str, str]:
        """Name the pods, with the service that each is of."""
        found = {}
        tried = {one.name for one in analysis.canary_services(self.plan, "flagger")}
        for service in (one.name for one in self.plan.services):
            if service == SEVERAL:
                found |= {f"{service}-{number}": service for number in range(ENDPOINTS)}
            else:
                found[service] = service
                if service in tried:
                    found[f"{service}-primary"] = service
        return found

    def place(self, pods: Mapping[str, Workload]) -> dict[str, str]:
        """Say where the pods are, and which are a Service's; return the Services' addresses."""

        async def put(kube: Kube) -> dict[str, str]:
            for pod in pods.values():
                await self._pod(kube, pod)
            addresses = {}
            for service in await kube.items("v1", "Service", self.plan.namespace):
                name, spec = service["metadata"]["name"], service["spec"]
                own = [pod for pod in pods.values() if _selects(spec["selector"], pod)]
                await self._endpoints(kube, name, spec["ports"], own)
                addresses[name] = spec["clusterIP"]
            return addresses

        found: dict[str, str] = self._run(put)
        return found

    async def _pod(self, kube: Kube, pod: Workload) -> None:
        template = copy.deepcopy(dict(self.deployments[pod.account]["spec"]["template"]))
        metadata = {**template["metadata"], "name": pod.name, "namespace": self.plan.namespace}
        metadata["labels"] = {**metadata["labels"], **_labels(pod)}
        one = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        assert not (said := await kube.create(one)).refused, said.refused
        ready = {"type": "Ready", "status": "True"}
        status = {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [ready],
        }
        at = f"{await kube.path_of(one)}/status"
        media = "application/merge-patch+json"
        assert not (said := await kube.ask("PATCH", at, {"status": status}, media=media)).refused

    async def _endpoints(
        self, kube: Kube, service: str, ports: list[Object], pods: list[Workload]
    ) -> None:
        one = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": service,
                "namespace": self.plan.namespace,
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": [pod.address],
                    "conditions": {"ready": True},
                    "targetRef": {
                        "kind": "Pod",
                        "name": pod.name,
                        "namespace": self.plan.namespace,
                    },
                }
                for pod in pods
            ],
            "ports": [{"name": port.get("name"), "port": port["targetPort"]} for port in ports],
        }
        assert not (said := await kube.apply(one)).refused, said.refused

    def tokens(self, pod: Workload) -> dict[str, str]:
        """Ask for a pod's token and for the certificate of istiod's own authority."""

        async def asked(kube: Kube) -> dict[str, str]:
            at = await kube.path("v1", "ServiceAccount", self.plan.namespace, pod.account)
            bound = {"apiVersion": "v1", "kind": "Pod", "name": pod.name}
            spec = {"audiences": ["istio-ca"], "boundObjectRef": bound}
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
            said = await kube.ask("POST", f"{at}/token", {**review, "spec": spec})
            assert not said.refused, said.refused
            secret = await kube.path("v1", "Secret", ROOT, "istio-ca-secret")
            root = (await kube.ask("GET", secret)).data["data"]["ca-cert.pem"]
            return {
                "token": said.data["status"]["token"],
                "root": base64.b64decode(root).decode(),
            }

        found: dict[str, str] = self._run(asked)
        return found


def _labels(pod: Workload) -> dict[str, str]:
    return {"app": pod.name, "app.kubernetes.io/name": pod.account}


def _selects(selector: Mapping[str, str], pod: Workload) -> bool:
    return all(_labels(pod).get(key) == value for key, value in selector.items())
