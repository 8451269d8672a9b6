"""LitmusChaos in the tests' cluster: its operator, and the experiments of its hub.

By its own manifests. Its programs are in one image, a stand-in for its three: no registry is asked.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import built
import kube_images
import standins
import yaml
from cluster import Cluster
from deployed import DeployedSystem
from docker_here import Docker

GET = "there is no LitmusChaos; run .ci/litmus (`make tools`)"
NAMESPACE, ACCOUNT = "litmus", "litmus-admin"
WHERE = f"--namespace={NAMESPACE}"
#: What the experiments' command line needs beside them.
SHELL = ("libc6", "bash", "libtinfo6", "coreutils", "libselinux1", "libpcre2-8-0")
#: Where an image has which program.
PLACES = {
    "chaos-operator": "usr/local/bin/chaos-operator",
    "chaos-runner": "usr/local/bin/chaos-runner",
    "experiments": "litmus/experiments",
}
SETTINGS = ("WORKDIR /litmus", "USER 2000", 'CMD ["chaos-runner"]')
IMAGE = re.compile(r'"?(\S*litmuschaos/(?:chaos-operator|chaos-runner|go-runner):[\w.]+)"?')


def home() -> Path | None:
    """Find LitmusChaos."""
    found = built.newest("litmus-*/experiments")
    return found.parent if found else None


def begin(cluster: Cluster, docker: Docker, programs: Path, scratch: Path) -> None:
    """Install it: the operator is available, and its account may do what its experiments need."""
    texts = {file.name: file.read_text() for file in programs.glob("*.yaml")}
    tags = {tag for text in texts.values() for tag in IMAGE.findall(text)}
    kube_images.deliver(cluster.nodes, docker, _images(docker, programs, tags, scratch), scratch)
    for name in ("chaos_crds.yaml", "rbac.yaml", "operator.yaml"):
        cluster.kubectl("apply", "--server-side", "--filename=-", given=texts[name])
    kinds = ("chaosengines", "chaosexperiments", "chaosresults")
    for kind in kinds:
        named = f"customresourcedefinition/{kind}.litmuschaos.io"
        cluster.kubectl("wait", "--for=condition=established", named)
    experiments = [one for one in yaml.safe_load_all(texts["experiments.yaml"]) if one]
    for one in experiments:
        one["metadata"]["namespace"] = NAMESPACE
        one["spec"]["definition"]["imagePullPolicy"] = "IfNotPresent"
    cluster.apply([*experiments, *_rights(experiments)])
    where = f"--namespace={NAMESPACE}"
    named = ("deployment/litmus", "--timeout=120s")
    cluster.kubectl("wait", where, "--for=condition=available", *named)


def _images(docker: Docker, programs: Path, tags: set[str], scratch: Path) -> set[str]:
    root, cache = scratch / "litmus", scratch / "packages"
    standins.fetch(SHELL, cache)
    standins.unpack(SHELL, cache, root)
    for program, place in PLACES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(programs / program, root / place)
    first, *others = sorted(tags)
    standins.image(docker, first, root, *SETTINGS)
    for tag in others:
        docker.run("tag", first, tag)
    return tags


def _rights(experiments: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give its account what the experiments of the hub say that they need, in every namespace."""
    rules = [rule for one in experiments for rule in one["spec"]["definition"]["permissions"]]
    named = {"metadata": {"name": ACCOUNT}}
    api = "rbac.authorization.k8s.io/v1"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ACCOUNT}
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    account = {"metadata": {"name": ACCOUNT, "namespace": NAMESPACE}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", **account},
        {"apiVersion": api, "kind": "ClusterRole", **named, "rules": rules},
        {
            "apiVersion": api,
            "kind": "ClusterRoleBinding",
            **named,
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def carried_out(system: DeployedSystem, drill: str) -> dict[str, Any]:
    """Export a drill and have Litmus carry it out; gives what came of its experiment."""
    exported = system.tarmac("drill", drill, "--export", "litmus", "--env", "kind").stdout
    (engine,) = (
        one["metadata"]["name"]
        for one in yaml.safe_load_all(exported)
        if one and one["kind"] == "ChaosEngine"
    )
    system.cluster.kubectl("apply", "--filename=-", given=exported)
    try:
        return _ended(system, engine)
    finally:
        system.cluster.kubectl("delete", "--filename=-", given=exported)
        system.cluster.kubectl("delete", "chaosresults", "--all", WHERE)


def _ended(system: DeployedSystem, engine: str) -> dict[str, Any]:
    """Wait until an engine's experiment has ended; gives what came of it."""

    def has_ended() -> bool:
        said = system.cluster.read("chaosengine", engine, WHERE).get("status", {})
        return bool(said.get("engineStatus") in ("completed", "stopped"))

    try:
        system.until(has_ended, within_s=240)
    except AssertionError as error:
        seen = system.cluster.kubectl("get", "pods,events", WHERE, "--output=wide", check=False)
        raise AssertionError(f"{seen}\n{error}") from error
    found = system.cluster.read("chaosresults", WHERE)["items"]
    (own,) = [one for one in found if one["metadata"]["name"].startswith(engine)] or [{}]
    status: dict[str, Any] = own.get("status", {})
    return status
