"""Retries: they multiply along a path, and their product is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tarmac.gates._gate import Gate, Subject
from tarmac.launch import redact
from tarmac.model import conventions
from tarmac.report import Finding

#: Requests that one request at the edge may become at the end of a path.
MOST = 10


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the paths on which one request may become too many."""
    services = subject.system.file.services
    tries = {
        name: {target: _tries(subject, name, target) for target in spec.calls}
        for name, spec in services.items()
    }
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
                f"{' -> '.join(longer)}: one request may become {many} ({steps} tries), at most "
                f"{MOST} are well; retry in one place of a path only (`retries: 0`)",
            )
        else:
            most[target] = many
            yield from _along(subject, tries, longer, many, most)


def _tries(subject: Subject, caller: str, callee: str) -> int:
    name = conventions.env_prefix(callee) + conventions.RETRIES_SUFFIX
    return int(redact(subject.plan.workload(caller).env[name].value)) + 1


GATE = Gate(
    id="REL004",
    title=f"Retries along a path make at most {MOST} requests of one",
    phase="resilience",
    source="Google SRE book, Addressing Cascading Failures: retries of every layer multiply",
    check=check,
    looks_at="`retries` of each call along every path from a service that nobody calls. The kit's "
    "retry budget, which holds the sum down under load, is not counted.",
)
