"""Deadlines: who is waited for waits less long itself."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.launch import redact
from tarmac.model import conventions
from tarmac.plan.cluster import ClusterPlan
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield calls that may take as long as their caller is waited for."""
    services = subject.system.file.services
    by: dict[str, list[str]] = {}
    for name, spec in services.items():
        for target in spec.calls:
            by.setdefault(target, []).append(name)
    for middle, spec in services.items():
        callers = by.get(middle, [])
        for target in spec.calls:
            own_s, origin = _timeout(subject.plan, middle, target)
            for caller in callers:
                given_s, said = _timeout(subject.plan, caller, middle)
                if target != caller and own_s >= given_s:
                    yield Finding(
                        origin,
                        f"{middle} waits {own_s:g} s for {target}, and {caller} waits "
                        f"{given_s:g} s for {middle} ({said}): with {target} slow "
                        f"it gets no answer; give {middle} -> {target} less, or the other more",
                    )


def _timeout(plan: ClusterPlan, caller: str, callee: str) -> tuple[float, str]:
    name = conventions.env_prefix(callee) + conventions.TIMEOUT_SUFFIX
    setting = plan.workload(caller).env[name]
    return float(redact(setting.value)), setting.origin


GATE = Gate(
    id="REL003",
    title="A time-out is shorter than the time that its caller is given",
    phase="resilience",
    source="Nygard, Release It!: a caller that gives up first never learns what went wrong, and "
    "the work goes on for nobody",
    check=check,
    looks_at="`timeout` of each call beside those of the calls that lead to it, as the variables "
    "of the environment have them. One try each: with its retries a call may take longer, and is "
    "then cut by the deadline that travels with it.",
)
