"""Memory: a container's limit exceeds the measured use of its service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding, Level, Skip
from tarmac.base.written import amount
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import MemoryUse
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

MIB = 1024**2


def check(subject: Subject) -> Iterator[Finding]:
    """Yield limits below what was measured. Raises Skip where nothing was."""
    use = subject.given(MemoryUse).bytes_of
    known = [service for service in subject.plan.services if service.name in use]
    if not known:
        raise Skip(
            f"nothing was measured; `tarmac up {subject.plan.system}`, then "
            f"`tarmac verify {subject.plan.system} --target local`"
        )
    keeping = running(subject)
    for workload in known:
        if (own := keeping.get(workload.name)) is None:
            continue
        taken = use[workload.name]
        limits = [container.amount("limits", "memory") for container in own.main_containers]
        most = sum(int(amount(limit)) for limit in limits if limit is not None)
        if most and most <= taken:
            yield Finding(
                subject.at("resources"),
                f"{workload.name} has a memory limit of {most / MIB:.0f} MiB, and used "
                f"{taken / MIB:.0f} MiB when measured; raise the limit ({own.artifact.path})",
            )


def _judged(subject: Subject) -> list[Workload]:
    """List the services that were measured; all of them where nothing was."""
    known = subject.given(MemoryUse).bytes_of
    return [service for service in subject.plan.services if not known or service.name in known]


GATE = Gate(
    id="RES002",
    title="Memory limits exceed the measured use",
    phase="finops",
    source="a limit below what a service takes ends it in its first minute",
    check=check,
    scope=counted("services", _judged),
    reads="limits of memory beside the last measurement of the running system: for each service "
    "the resident memory of its processes, counted as if it shared nothing with others, which is "
    "how it is in a container of its own. Its use under load is measured by a drill.",
    level=Level.OBSERVED,
)
