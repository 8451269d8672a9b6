"""What runs in a container after its start and before its end; since Compose 2.30."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import Workload


def hooks(workload: Workload) -> dict[str, Any]:
    """Write `post_start` and `pre_stop`, those that are wanted."""
    ends = (workload.before_stop, workload.stop_command)
    moments = {"post_start": (workload.after_start,), "pre_stop": ends}
    return {
        moment: [
            {"command": [word.replace("$", "$$") for word in hook.argv]} for hook in given if hook
        ]
        for moment, given in moments.items()
        if any(given)
    }
