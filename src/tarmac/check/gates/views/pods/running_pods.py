"""Pods that are kept running, by the workloads of a system."""

from __future__ import annotations

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods


def running(files: Files) -> dict[str, Pods]:
    """Find the pods that are kept running, by their workload."""
    return {pod.workload: pod for pod in pods(files, *RUNNING)}
