"""Rotations: a secret that is to be rotated can be, and its readers look for the next value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.base.written import duration, seconds
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.scope import counted

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

#: A reader looks so often at least while one value is used.
LOOKS = 4


def check(subject: Subject) -> Iterator[Finding]:
    """Yield secrets that nothing renews, and readers that look too seldom."""
    readers = [ExternalSecret(one) for one in subject.objects("ExternalSecret")]
    by_script = subject.plan.settings.secrets == "script"
    for workload, variable in _rotated(subject):
        period = workload.rotations[variable]
        what = f"{variable} of {workload.name} is to have another value every {duration(period)}"
        if by_script:
            yield Finding(
                workload.place,
                f"{what}, and a script makes it once; write `secrets: external` or `secrets: "
                "vault` in the environment, so that a next one reaches its Secret",
                warning=True,
            )
            continue
        own = [one for one in readers if one.target == f"{workload.name}-secrets"]
        if not own:
            yield Finding(workload.place, f"{what}, and no ExternalSecret reads it; render again")
        for one in own:
            looks_s = seconds(one.every)
            if not 0 < looks_s <= period / LOOKS:
                often = f"every {one.every}" if one.every else "as its operator likes"
                yield Finding(
                    one.artifact.path,
                    f"{what}, and its ExternalSecret looks for it {often}; let it look "
                    f"{LOOKS} times in that time (spec.refreshInterval)",
                )


def _rotated(subject: Subject) -> list[tuple[Workload, str]]:
    return [
        (workload, variable)
        for workload in subject.plan.services
        for variable in sorted(workload.rotations)
    ]


GATE = Gate(
    id="SEC012",
    title="A secret that is to be rotated is looked for in time",
    phase="security",
    source="NIST SP 800-57 part 1, 5.3: a cryptoperiod that nothing ends is none",
    check=check,
    scope=counted("rotated secrets", _rotated),
    reads="`rotate` of secrets, and what reads them in the environment.",
)
