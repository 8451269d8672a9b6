"""What a container runs beside its start, and what delays its end."""

from __future__ import annotations

import shlex
from typing import Any

from tarmac.plan.cluster import Workload


def lifecycle(workload: Workload) -> dict[str, Any]:
    """Write the hooks of a service's container.

    The service says on /health/ready that it goes, and serves on for DRAIN_DELAY_S; without the
    pause a pod would still be sent requests by nodes that do not know yet that it ends. A pod has
    one preStop, so commands of its end follow the pause in a shell.
    """
    pause_s = round(workload.drain_s)
    ends = [hook for hook in (workload.before_stop, workload.stop_command) if hook]
    stop: dict[str, Any] = {"sleep": {"seconds": pause_s}}
    if ends:
        script = "; ".join([f"sleep {pause_s}", *(shlex.join(hook.argv) for hook in ends)])
        stop = {"exec": {"command": ["/bin/sh", "-c", script]}}
    found = {"preStop": stop}
    if workload.after_start is not None:
        found["postStart"] = {"exec": {"command": list(workload.after_start.argv)}}
    return found
