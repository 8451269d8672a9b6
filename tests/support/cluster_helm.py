"""Charts in the tests' cluster, installed by Helm as a reader of the rendered pages would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cluster import Cluster

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find


def program() -> Path | None:
    """Find Helm."""
    try:
        return Path(find("helm")).resolve()
    except Skip:
        return None


def install(
    cluster: Cluster, helm: Path, name: str, chart: Path, *argv: str, namespace: str = ""
) -> None:
    """Install a chart, in the namespace of its name if none is given; waits until it is ready."""
    space = f"--namespace={namespace or name}"
    command = ["upgrade", "--install", name, chart, space, "--create-namespace"]
    done = subprocess.run(
        [helm, *command, "--wait", "--timeout=5m", *argv],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    if done.returncode:
        seen = cluster.kubectl("get", "pods,events", space, check=False)
        raise AssertionError(f"{done.stdout}{done.stderr}\n{seen[-4000:]}")
