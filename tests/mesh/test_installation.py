"""The installation of Istio that is rendered, read by Istio's own charts and programs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_trees import tree
from mesh_objects import by_chart
from rendered import artifact_of, plan_of

from tarmac.base import versions
from tarmac.base.artifact import write
from tarmac.render.kubernetes.parts.sidecars import SIDECARS

pytestmark = [pytest.mark.timeout(300)]

MESHED = [("shop", "production"), ("shop", "staging"), ("travel", "stg"), ("travel", "prod")]
in_meshes = pytest.mark.parametrize(("system", "environment"), MESHED)
#: Warnings of every EnvoyFilter, by which alone a gateway has limits: it may need work when Istio
#: is upgraded (IST0133), and it has no priority, as the only one of its listener (IST0151).
KNOWN = {"IST0133", "IST0151"}
#: What istioctl reads besides Istio's own kinds.
READ = ("Namespace", "Service", "ServiceAccount", "Deployment", "StatefulSet")


def file_of(system: str, environment: str, path: str, folder: Path) -> Path:
    """Write a rendered file down."""
    found = folder / Path(path).name
    found.write_text(write(artifact_of(system, environment, path), "of a test"))
    return found


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the programs."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)


def by_profile(programs: Path, profile: Path) -> list[dict[str, Any]]:
    """Have istioctl write what it would install."""
    charts = f"--manifests={programs / 'manifests'}"
    done = run(programs / "istioctl", "manifest", "generate", "-f", profile, charts)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def config_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Find the mesh's configuration."""
    (found,) = (
        one for one in objects if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "istio"
    )
    read: dict[str, Any] = yaml.safe_load(found["data"]["mesh"])
    return read


@in_meshes
def test_profile_and_chart_install_the_same_mesh(programs, system, environment, tmp_path):
    profile = file_of(system, environment, "mesh/profile.yaml", tmp_path)
    installed = by_profile(programs, profile)
    charted = config_of(by_chart(programs, system, environment, tmp_path))
    made = config_of(installed)
    assert made == charted
    assert made["defaultHttpRetryPolicy"] == {"attempts": 0}
    assert made["meshMTLS"] == {"minProtocolVersion": "TLSV1_3"}
    version = versions.read().charts["istio"].version
    images = {
        container["image"]
        for one in installed
        if one["kind"] in ("Deployment", "DaemonSet")
        for container in one["spec"]["template"]["spec"]["containers"]
        if container["image"] != "auto"  # the injector's
    }
    hub, _, sidecar = SIDECARS["istio"].rpartition("/")
    programs_of = {"pilot", "install-cni"}
    if plan_of(system, environment).settings.ingress.kind == "ingress":
        programs_of.add(sidecar)  # of the pods that serve Ingresses
    assert images == {f"{hub}/{name}:{version}" for name in programs_of}


@in_meshes
def test_ingresses_have_pods_where_there_are_some(programs, system, environment, tmp_path):
    profile = file_of(system, environment, "mesh/profile.yaml", tmp_path)
    gateways = [
        one["metadata"]["namespace"]
        for one in by_profile(programs, profile)
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "istio-ingressgateway"
    ]
    way = plan_of(system, environment).settings.ingress
    assert gateways == ([way.namespace] if way.kind == "ingress" else [])


def test_the_profile_of_the_roadmap_does_not_exist(programs):
    charts = f"--manifests={programs / 'manifests'}"
    done = run(programs / "istioctl", "manifest", "generate", "--set", "profile=production", charts)
    assert done.returncode != 0


@in_meshes
def test_istioctl_finds_nothing_wrong_in_the_rendered_objects(
    programs, system, environment, tmp_path
):
    objects = [
        one
        for one in tree(system, environment)
        if "istio.io" in one["apiVersion"] or one["kind"] in READ
    ]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all([json.loads(json.dumps(one)) for one in objects]))
    found = [one for one in analysed(programs, path) if one["code"] not in KNOWN]
    assert found == [], found


def analysed(programs: Path, path: Path) -> list[dict[str, Any]]:
    """Have istioctl look at files alone; list what is more than a hint."""
    done = run(programs / "istioctl", "analyze", "--use-kube=false", "-A", "-o", "json", path)
    said: list[dict[str, Any]] = json.loads(done.stdout)
    return [one for one in said if one["level"] != "Info"]


def test_istioctl_finds_a_subset_that_no_rule_has(programs, tmp_path):
    path = tmp_path / "wrong.yaml"
    route = {"route": [{"destination": {"host": "pay", "subset": "next"}}]}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": {"name": "pay", "namespace": "shop"},
                "spec": {"hosts": ["pay"], "http": [route]},
            }
        )
    )
    assert [one["code"] for one in analysed(programs, path)] == ["IST0101"]
