"""Charts in the tests' cluster, installed by Helm as a reader of the rendered pages would."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from cluster import Cluster

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find


@dataclass(frozen=True)
class Programs:
    """What `make tools` has brought."""

    home: Path
    helm: Path


def program() -> Path | None:
    """Find Helm."""
    try:
        return Path(find("helm")).resolve()
    except Skip:
        return None


def programs(found: Path | None) -> Programs | None:
    """Give the folder of a program that was found, with Helm; None where one of them is absent."""
    helm = program()
    return Programs(found.parent, helm) if found and helm else None


def copied(chart: Path, place: Path, *kept: str) -> Path:
    """Copy a chart without the charts that it depends on, but those that are named."""
    shutil.copytree(chart, place)
    about = yaml.safe_load((place / "Chart.yaml").read_text())
    needed = about.get("dependencies", [])
    about["dependencies"] = [one for one in needed if one["name"] in kept]
    (place / "Chart.yaml").write_text(yaml.safe_dump(about))
    (place / "Chart.lock").unlink(missing_ok=True)
    return place


def install(
    cluster: Cluster, helm: Path, name: str, chart: Path, *argv: str, namespace: str = ""
) -> None:
    """Install a chart, in the namespace of its name if none is given; waits until it is ready."""
    space = f"--namespace={namespace or name}"
    command = ["upgrade", "--install", name, chart, space, "--create-namespace"]
    # Also of kinds that a test before this one has applied.
    done = subprocess.run(
        [helm, *command, "--take-ownership", "--wait", "--timeout=5m", *argv],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    if done.returncode:
        seen = cluster.kubectl("get", "pods,events", space, check=False)
        raise AssertionError(f"{done.stdout}{done.stderr}\n{seen[-4000:]}")


def uninstall(cluster: Cluster, helm: Path, name: str, namespace: str) -> None:
    """Take a release away, if it is there."""
    env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    command = ["uninstall", name, f"--namespace={namespace}", "--ignore-not-found", "--wait"]
    subprocess.run([helm, *command], env=env, check=True, capture_output=True, timeout=400)
