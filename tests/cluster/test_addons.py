"""Seven of travel's eight add-ons in one empty cluster, which the rendered script fills.

On stand-ins for the public images (`cluster_addons`). moto is AWS: its Secrets Manager is read and
its Route 53 written, and the test writes the address that a balancer would have. VictoriaLogs and
its agent are in the place of Loki and Alloy. The driver of EBS is an add-on of EKS, and not here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cluster as clusters
import cluster_addons
import cluster_bootstrap
import cluster_issuing
import cluster_istio
import cluster_logs
import emulated_aws
import kube_images
import pytest
import store_images
from cluster import Cluster
from cluster_bootstrap import Script
from cluster_node import HUB
from cluster_prometheus import Watched
from deployed import TARMAC, DeployedSystem
from docker_here import Docker
from emulated_aws import EmulatedAws
from system_copies import copy_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(2400)]

SPACE, REGION, ACCOUNT, PORT = "travel-addons", "eu-west-1", "111111111111", 5557
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ZONE = "travel.localhost"
BALANCER = "k8s-istioing-istiogat-2a3b4c5d6e-123456789abcdef0.elb.eu-west-1.amazonaws.com"
BY_NGINX = "    ingress: {kind: ingress, controller: nginx, namespace: ingress-nginx}\n"
#: Of stg and of prod: what each of them has add-ons for, in one environment.
ALL = f"""\
    cloud: aws
    region: {REGION}
    zones: 3
    namespace: {SPACE}
    registry: {REGISTRY}/travel
    infrastructure:
      dns: {{records: external-dns}}
      node_pools:
        default: {{types: [m5.large, m5a.large, m5.xlarge], limits: {{cpu: 60, memory: 240Gi}}}}
    ingress: {{controller: istio, tls: travel-tls, issuer: tests}}
    mesh: istio
    observability: {{notify: {{critical: slack}}}}
"""
GITOPS = "    gitops: {source: helm, applications: set}\n"


@dataclass(frozen=True)
class Filled:
    """The cluster, what has filled it, and travel in it."""

    script: Script
    system: DeployedSystem
    addons: cluster_addons.Addons
    aws: EmulatedAws
    zone: str

    @property
    def cluster(self) -> Cluster:
        """Where all of it is."""
        return self.system.cluster

    def records(self) -> dict[str, str]:
        """Read where the zone leads which host."""
        asked = ("route53", "list_resource_record_sets", {"HostedZoneId": self.zone})
        (answer,) = self.aws.ask(asked)
        return {
            one["Name"].rstrip("."): one["AliasTarget"]["DNSName"].rstrip(".")
            for one in answer["ResourceRecordSets"]
            if one["Type"] == "A"
        }


@pytest.fixture(scope="module")
def addons() -> cluster_addons.Addons:
    """Find what is installed."""
    found = cluster_addons.find()
    if found is None:
        pytest.skip(cluster_addons.GET)
    if cluster_logs.home() is None:
        pytest.skip(cluster_logs.GET)
    return found


@pytest.fixture(scope="module", params=["travel"])
def filled(
    docker: Docker, programs, pulled, lacking, addons, request, tmp_path_factory
) -> Iterator[Filled]:
    """Fill a cluster of its own, with nothing in it, by the script; then deploy travel."""
    name: str = request.param
    store_images.require(pulled[name], lacking)
    folder, scratch = (tmp_path_factory.mktemp(one) for one in (name, "addons"))
    tree = rendered(name, folder, scratch / "tree")
    given = list(kube_images.own(docker, programs, scratch))
    given += cluster_addons.images(docker, addons, tree, REGION, scratch)
    for tag in pulled[name]:
        given.append(f"{REGISTRY}/{tag}" if tag.startswith(f"{name}/") else tag)
        docker.run("tag", tag, given[-1])
    file = kube_images.save(docker, given, scratch / "images.tar")
    with clusters.cluster([file]) as empty:
        file.unlink()
        system = DeployedSystem(empty, name, "kind", folder, SPACE)
        aws, zone = amazon(empty, cluster_addons.system_secrets(tree))
        cluster_addons.define(empty, addons)
        leads = {"AWS_ENDPOINT_URL": f"http://{HUB}:{PORT}", "AWS_DEFAULT_REGION": REGION}
        charts = cluster_addons.charts(empty, addons, {**aws.env, **leads}, scratch)
        with cluster_bootstrap.script(empty, tree, addons.istio.helm, charts, scratch) as script:
            give_secrets(script)
            done = script.run()
            assert done.returncode == 0, f"{done.stdout}{done.stderr}{seen(empty)}"
            (folder / "authority.crt").write_bytes(cluster_issuing.authorise(empty))
            store = cluster_logs.home()
            assert store is not None
            cluster_logs.install(empty, store, docker, tmp_path_factory.mktemp("logs"))
            system.edit(f"{GITOPS}{ALL}", ALL)  # what Argo CD would follow is no other's to deploy
            print(system.deploy().stdout.splitlines()[-1])
            system.sow()
            yield Filled(script, system, addons, aws, zone)


def rendered(name: str, folder: Path, tree: Path) -> Path:
    """Lay the system out with one environment for all of its add-ons, and render that."""
    file = copy_of(name, folder)
    text = file.read_text()
    for old, new in (("    secrets: script\n", GITOPS), (BY_NGINX, ALL)):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)
    command = [TARMAC, "render", name, "--env", "kind", "--out", tree]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return tree


def seen(cluster: Cluster) -> str:
    """Tell of all pods that are not ready, for a failure."""
    pods = cluster.kubectl("get", "pods", "--all-namespaces", "--output=wide", check=False)
    events = ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp")
    return f"\n{pods}\n{cluster.kubectl(*events, check=False)[-4000:]}"


def amazon(cluster: Cluster, entries: dict[str, str]) -> tuple[EmulatedAws, str]:
    """Start moto beside the nodes, with entries of secrets and a zone; gives it and the zone."""
    python = emulated_aws.program()
    env = {"MOTO_ACCOUNT_ID": ACCOUNT}
    server = cluster.hub.start(*emulated_aws.served(python, HUB, PORT), env=env)
    aws = EmulatedAws(python, f"http://127.0.0.1:{cluster.hub.forward(HUB, PORT)}")
    emulated_aws.wait(server, aws.url, cluster.hub.folder / f"{python.name}.log")
    made = [{"Name": key, "SecretString": value} for key, value in entries.items()]
    aws.ask(*(("secretsmanager", "create_secret", one) for one in made), region=REGION)
    (answer,) = aws.ask(("route53", "create_hosted_zone", {"Name": ZONE, "CallerReference": "it"}))
    return aws, answer["HostedZone"]["Id"].rpartition("/")[2]


def give_secrets(script: Script) -> None:
    """Make the Secrets that the script asks for, each as it says: before that it does nothing."""
    for _ in range(2):
        done = script.run()
        assert done.returncode == 3, f"{done.stdout}{done.stderr}"
        said = done.stderr.splitlines()[-1]
        assert "no such Secret; kubectl create secret generic" in said
        words = said.partition("; kubectl ")[2].replace("...", "http://127.0.0.1:9/").split()
        script.cluster.kubectl(*words)
    assert json.loads(script.helm("list", "--all-namespaces", "--output=json")) == []


def test_every_release_is_there_and_all_of_its_pods_are_ready(filled: Filled):
    listed = json.loads(filled.script.helm("list", "--all-namespaces", "--output=json"))
    wanted = filled.script.releases
    assert {one["name"]: one["namespace"] for one in listed} == {
        name: space for name, (space, _) in wanted.items()
    }
    assert {one["status"] for one in listed} == {"deployed"}
    for space in sorted({space for space, _ in wanted.values()} - {"monitoring"}):
        ready = ("wait", "pods", "--all", "--for=condition=Ready", f"--namespace={space}")
        filled.cluster.kubectl(*ready, "--timeout=120s")


def test_names_of_services_are_answered_in_the_cluster(filled: Filled):
    host = f"catalog.{SPACE}.svc.cluster.local"
    code = f"import socket; print(socket.gethostbyname({host!r}))"
    where = ("deployment/orders", "--container=orders")
    said = filled.system.k("exec", *where, "--", "python3", "-c", code).strip()
    assert said == filled.system.read("service", "catalog")["spec"]["clusterIP"]


def test_every_secret_of_travel_comes_from_its_entries(filled: Filled):
    ready = ("wait", "externalsecret", "--all", "--for=condition=Ready", "--timeout=120s")
    filled.system.k(*ready)
    external = filled.system.rendered("ExternalSecret")
    secrets = {one["metadata"]["name"] for one in filled.system.read("secret")["items"]}
    assert {one["spec"]["target"]["name"] for one in external} <= secrets
    assert len(external) > 10


def test_prometheus_scrapes_the_add_ons_whose_alerts_it_has(filled: Filled):
    prometheus = Watched(filled.system, filled.script.tree).prometheus()
    wanted = {"cert-manager", "external-secrets"}
    asked = 'up{namespace=~"cert-manager|external-secrets"} == 1'

    def told() -> set[str]:
        found = prometheus.get("query", query=asked)["result"]
        return {one["metric"]["namespace"] for one in found}

    filled.system.until(lambda: told() == wanted, within_s=240)


def test_the_hosts_of_routes_are_led_to_the_address_of_the_gateway(filled: Filled):
    (gateway,) = filled.system.rendered("Gateway")
    service = f"{gateway['metadata']['name']}-istio"
    status = {"status": {"loadBalancer": {"ingress": [{"hostname": BALANCER}]}}}
    where = f"--namespace={cluster_istio.INGRESS}"
    patch = ("--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")
    filled.cluster.kubectl("patch", "service", service, where, *patch)
    hosts = {ZONE, f"api.{ZONE}"}

    def led() -> bool:
        found = filled.records()
        return found.keys() == hosts and all(BALANCER in host for host in found.values())

    filled.system.until(led)
