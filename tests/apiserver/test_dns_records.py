"""ExternalDNS keeps a zone equal to the hosts of routes, with the values that are rendered for it.

ExternalDNS, its chart and the API server are real. Route 53 is moto, and no controller fills in the
address of the Gateway: the test does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from apiserver import ControlPlane
from emulated_aws import EmulatedAws, emulated_aws
from free_ports import free_ports
from kube_trees import define, namespace, put, take_away, tree
from rendered import artifact_of

pytestmark = [pytest.mark.timeout(300)]

SYSTEM, ENVIRONMENT, ZONE = "travel", "stg", "stg.travelsources.com"
BALANCER = "k8s-istioing-istiogat-2a3b4c5d6e-123456789abcdef0.elb.eu-west-1.amazonaws.com"
HOSTS = {ZONE, f"api.{ZONE}"}
WITHIN_S = 120


@pytest.fixture(scope="module")
def folder() -> Path:
    found = built.newest("external-dns-*/external-dns")
    if found is None:
        pytest.skip("no ExternalDNS here: have .ci/externaldns build it")
    return found.parent


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[EmulatedAws]:
    with emulated_aws(tmp_path / "moto.log") as found:
        yield found


def arguments(folder: Path, tmp_path: Path) -> list[str]:
    """Have the chart write the program's arguments of the rendered values."""
    values = tmp_path / "external-dns.yaml"
    values.write_text(
        json.dumps(artifact_of(SYSTEM, ENVIRONMENT, "dns/values/external-dns.yaml").data)
    )
    chart = folder / "charts/external-dns"
    done = subprocess.run(
        [
            Path(sys.executable).with_name("helm"),
            "template",
            "external-dns",
            chart,
            "--values",
            values,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    [deployment] = (
        one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] == "Deployment"
    )
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return [one for one in container["args"] if not one.startswith("--interval")]


@contextlib.contextmanager
def external_dns(
    folder: Path, plane: ControlPlane, aws: EmulatedAws, tmp_path: Path
) -> Iterator[Path]:
    [port] = free_ports(1)
    argv = [
        folder / "external-dns",
        *arguments(folder, tmp_path),
        "--interval=2s",
        f"--metrics-address=127.0.0.1:{port}",
        f"--server={plane.url}",
        f"--kubeconfig={plane.kubeconfig}",
    ]
    log = tmp_path / "external-dns.log"
    env = {"HOME": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1", **aws.env}
    with log.open("wb") as out:
        started = subprocess.Popen(argv, stdout=out, stderr=out, env=env)
    try:
        yield log
    finally:
        started.kill()
        started.wait()


def records(aws: EmulatedAws, zone: str) -> dict[tuple[str, str], Any]:
    [answer] = aws.ask(("route53", "list_resource_record_sets", {"HostedZoneId": zone}))
    return {(one["Name"].rstrip("."), one["Type"]): one for one in answer["ResourceRecordSets"]}


async def until(aws: EmulatedAws, zone: str, hosts: set[str], log: Path) -> dict[str, Any]:
    """Wait until the zone leads exactly these hosts to the balancer; return what it says."""
    found: Mapping[tuple[str, str], Any] = {}
    for _ in range(WITHIN_S):
        found = await asyncio.to_thread(records, aws, zone)
        led = {name: one for (name, kind), one in found.items() if kind == "A"}
        if led.keys() - {f"mine.{ZONE}"} == hosts:
            return led
        await asyncio.sleep(1)
    raise AssertionError(f"{sorted(found)}\n{log.read_text()[-3000:]}")


def routing() -> list[dict[str, Any]]:
    objects = tree(SYSTEM, ENVIRONMENT)
    return [one for one in objects if one["kind"] in ("Namespace", "Gateway", "HTTPRoute")]


async def say_ready(kube, objects: list[dict[str, Any]]) -> None:
    """Fill in what a controller says of a Gateway and of routes that it accepted."""
    merge = "application/merge-patch+json"
    for one in objects:
        if one["kind"] == "Namespace":
            continue
        at = await kube.path_of(one)
        accepted = {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "message": "",
            "observedGeneration": (await kube.get(one)).data["metadata"]["generation"],
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        if one["kind"] == "Gateway":
            address = {"type": "Hostname", "value": BALANCER}
            status: dict[str, Any] = {"addresses": [address], "conditions": [accepted]}
        else:
            status = {
                "parents": [
                    {
                        "parentRef": parent,
                        "controllerName": "istio.io/gateway-controller",
                        "conditions": [accepted],
                    }
                    for parent in one["spec"]["parentRefs"]
                ]
            }
        taken = await kube.ask("PATCH", f"{at}/status", {"status": status}, media=merge)
        assert not taken.refused, taken.refused


async def test_records_come_and_go_with_the_hosts_of_routes(plane, kube, aws, folder, tmp_path):
    [made] = aws.ask(("route53", "create_hosted_zone", {"Name": ZONE, "CallerReference": "it"}))
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    own = {
        "Name": f"mine.{ZONE}",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": own}]}
    aws.ask(
        ("route53", "change_resource_record_sets", {"HostedZoneId": zone, "ChangeBatch": change})
    )
    objects = routing()
    assert not (taken := await kube.apply(namespace("istio-ingress", {}))).refused, taken.refused
    await define(kube, objects)
    said = await put(kube, objects)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    await say_ready(kube, objects)
    try:
        with external_dns(folder, plane, aws, tmp_path) as log:
            led = await until(aws, zone, HOSTS, log)
            assert {
                led[host]["AliasTarget"]["DNSName"].rstrip(".").removeprefix("dualstack.")
                for host in HOSTS
            } == {BALANCER}
            for route in objects:
                if route["kind"] == "HTTPRoute" and f"api.{ZONE}" in route["spec"].get(
                    "hostnames", ()
                ):
                    await kube.ask("DELETE", await kube.path_of(route))
            await until(aws, zone, HOSTS - {f"api.{ZONE}"}, log)
            kept = await asyncio.to_thread(records, aws, zone)
            assert kept[f"mine.{ZONE}", "A"]["ResourceRecords"] == [{"Value": "192.0.2.1"}]
    finally:
        await take_away(kube, objects)
