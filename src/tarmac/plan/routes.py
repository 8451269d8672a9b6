"""Public routes of a cluster: two services cannot have the same path of a host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.errors import Problem
from tarmac.model.system import System
from tarmac.plan.cluster import Workload


def conflicts(system: System, workloads: Iterable[Workload]) -> Iterator[Problem]:
    """Yield each service whose public path another has: only one of them would get requests.

    Here each has an address of its own; behind an ingress host and path tell them apart.
    """
    taken: dict[tuple[str, str], str] = {}
    for workload in workloads:
        for route in workload.routes:
            for path in route.paths:
                other = taken.setdefault((route.host, path), workload.name)
                if other != workload.name:
                    where = system.locate(("services", workload.name, "public"), key=True)
                    yield Problem(
                        str(where),
                        f"{path} of {route.host} is public of {other}, too; give one of them a "
                        f"host of its own, `public: {{host: {workload.name}}}`, or other `paths`",
                    )
