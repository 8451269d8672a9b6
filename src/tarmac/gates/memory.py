"""Memory: a container may take more than the service was seen to take."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import amount, dig, running
from tarmac.report import Finding, Level, Skip

MIB = 1024**2


def check(subject: Subject) -> Iterator[Finding]:
    """Yield limits below what was measured. Raises Skip where nothing was."""
    known = [each for each in subject.plan.services if each.name in subject.measured]
    if not known:
        raise Skip(
            f"nothing was measured; `tarmac up {subject.plan.system}`, then "
            f"`tarmac verify {subject.plan.system} --target local`"
        )
    keeping = running(subject)
    for workload in known:
        if (own := keeping.get(workload.name)) is None:
            continue
        taken = subject.measured[workload.name]
        limits = [
            dig(each, "resources", "limits", "memory") for each in own.spec.get("containers") or ()
        ]
        most = sum(int(amount(limit)) for limit in limits if limit is not None)
        if most and most <= taken:
            yield Finding(
                subject.at("resources"),
                f"{workload.name} may take {most / MIB:.0f} MiB of memory, and took "
                f"{taken / MIB:.0f} when it was measured; raise its limit ({own.artifact.path})",
            )


GATE = Gate(
    id="RES002",
    title="The limit on memory is above what the service was measured to take",
    phase="finops",
    source="a limit below what a service takes ends it in its first minute",
    check=check,
    looks_at="limits of memory beside the last measurement of the running system: for each service "
    "the resident memory of its processes, counted as if it shared nothing with others, which is "
    "how it is in a container of its own. What it takes under load is for a drill to say.",
    level=Level.OBSERVED,
)
