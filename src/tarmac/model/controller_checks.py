"""Checks of what controllers in the cluster make: nodes by Karpenter, backups by Velero.

`infrastructure_checks` calls them. Each problem has its path below `infrastructure`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise

from tarmac.base import cron
from tarmac.base.written import duration, shown
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import Infrastructure

#: So many runs of a schedule show its rhythm, from any day on.
RUNS, ANY_TIME = 50, datetime(2026, 1, 1, tzinfo=UTC)


def pool_problems(
    environment: Environment, wanted: Infrastructure
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield pools of nodes that no node could be of, or that no pod asks for one."""
    role = environment.nodes.get("role")
    for name, pool in wanted.node_pools.items():
        if len(pool.architectures) > 1:
            what = f"node pool {name} has instance types of two architectures, and one image"
            yield ("node_pools", name, "types"), f"{what}; make two pools"
        if role and (pool.role or name) != role:
            what = f"pods are put on nodes of role '{role}', and those of node pool {name} have "
            what += f"role '{pool.role or name}', so it would never be asked for one"
            yield ("node_pools", name), f"{what}; write `role: {role}`"


def backup_problems(wanted: Infrastructure) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield a schedule that is none, and backups that are gone before the next one."""
    given = wanted.backups
    if given is None:
        return
    try:
        runs = list(islice(cron.runs(given.schedule, ANY_TIME), RUNS))
    except ValueError as error:
        what = f"schedule is {shown(given.schedule)}, not a schedule ({error})"
        advice = 'write minute, hour, day, month, weekday, e.g. "0 */6 * * *"'
        yield ("backups", "schedule"), f"{what}; {advice}"
        return
    apart_s = max((after - before).total_seconds() for before, after in pairwise(runs))
    if given.keep <= apart_s:
        what = f"a backup is kept for {duration(given.keep)}, and the next one is made after "
        what += f"{duration(apart_s)}, so at times there is none"
        yield ("backups", "keep"), f"{what}; keep each for twice as long at least"
    if given.bucket in wanted.buckets:
        what = f"bucket '{given.bucket}' is one of `buckets`, whose objects go by another rule"
        yield ("backups", "bucket"), f"{what}; name another one"
