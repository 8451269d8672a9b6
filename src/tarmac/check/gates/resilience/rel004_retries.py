"""Retries: they multiply along a path, and their product is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted

#: Requests that one request at the edge may become at the end of a path.
MOST = 10


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the paths on which one request may become too many."""
    services = subject.system.file.services
    tries: dict[str, dict[str, int]] = {name: {} for name in services}
    for call in subject.plan.calls:
        tries[call.caller][call.callee] = call.attempts
    called = {target for targets in tries.values() for target in targets}
    for first in [name for name in services if name not in called] or list(services):
        yield from _along(subject, tries, (first,), 1, {})


def _along(
    subject: Subject,
    tries: dict[str, dict[str, int]],
    path: tuple[str, ...],
    product: int,
    most: dict[str, int],
) -> Iterator[Finding]:
    """Follow each path until it is too many, comes back to itself or ends.

    Args:
        most: the product with which each service was reached so far: another path to it that has
            no more says nothing new, and there may be very many.
    """
    source = path[-1]
    for target, times in tries[source].items():
        longer, many = (*path, target), product * times
        if target in path or many <= most.get(target, 0):
            continue
        if many > MOST:
            steps = " x ".join(str(tries[a][b]) for a, b in pairwise(longer))
            yield Finding(
                str(subject.system.locate(("services", source, "calls", target), key=True)),
                f"{' -> '.join(longer)}: retry amplification {many}x ({steps} attempts), limit "
                f"{MOST}x; set `retries: 0` on one call",
            )
        else:
            most[target] = many
            yield from _along(subject, tries, longer, many, most)


GATE = Gate(
    id="REL004",
    title=f"Retries along a path make at most {MOST} requests of one",
    phase="resilience",
    source="Google SRE book, Addressing Cascading Failures: retries of every layer multiply",
    check=check,
    scope=counted("calls", lambda subject: subject.plan.calls),
    reads="`retries` of each call along every path from a service without a caller. The kit's "
    "retry budget, which limits the sum under load, is not counted.",
)
