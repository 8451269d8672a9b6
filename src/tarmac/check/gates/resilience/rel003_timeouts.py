"""Timeouts: a call ends before the call that waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted

if TYPE_CHECKING:
    from tarmac.plan.timing import PlannedCall


def check(subject: Subject) -> Iterator[Finding]:
    """Yield calls whose timeout is not shorter than that of a call that waits for them."""
    for outer, inner in _judged(subject):
        if inner.callee != outer.caller and inner.timeout_s >= outer.timeout_s:
            yield Finding(
                inner.origin,
                f"the timeout of {inner.caller} -> {inner.callee} ({inner.timeout_s:g} s) must be "
                f"shorter than that of {outer.caller} -> {outer.callee} ({outer.timeout_s:g} s, "
                f"{outer.origin}), or {outer.caller} times out first; lower the first or raise the "
                "second",
            )


def _judged(subject: Subject) -> list[tuple[PlannedCall, PlannedCall]]:
    """List each call with each one that its callee makes meanwhile."""
    found = subject.plan.calls
    return [(outer, inner) for inner in found for outer in found if outer.callee == inner.caller]


GATE = Gate(
    id="REL003",
    title="A timeout is shorter than the timeout of its caller",
    phase="resilience",
    source="Nygard, Release It!: a caller that gives up first never learns what went wrong, and "
    "the callee works on without a caller",
    check=check,
    scope=counted("pairs of calls", _judged),
    reads="`timeout` of each call beside those of the calls that lead to it, as the variables "
    "of the environment have them. One try each: with its retries a call may take longer, and is "
    "then cut by the deadline that travels with it.",
)
