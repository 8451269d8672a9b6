"""Callers: a service that takes changes from whatever reaches it is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload

#: Where a service has the keys by which it verifies callers.
KEYS = {conventions.CALLER_JWKS_FILE, conventions.CALLER_JWKS_URL}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a warning for each service that says so, and one for those that have no tokens here."""
    services = subject.system.file.services
    unchecked = []
    for workload in _listening(subject):
        if services[workload.name].trust == "network":
            place = subject.system.locate(("services", workload.name, "trust"), key=True)
            yield Finding(
                str(place),
                f"{workload.name} checks no callers (trust: network): every pod that reaches it "
                "may change its data; present and check caller tokens, and remove this line",
                warning=True,
            )
        elif workload.parts and not KEYS & workload.env.keys():
            unchecked.append(workload.name)
    if unchecked:
        yield Finding(
            subject.at(),
            f"Docker Compose issues no caller tokens, so services take changes from every "
            f"container that reaches them ({', '.join(unchecked)}); publish no port of theirs, "
            "and keep their networks as narrow as the declared edges",
            warning=True,
        )


def _listening(subject: Subject) -> list[Workload]:
    return [workload for workload in subject.plan.services if workload.ports]


GATE = Gate(
    id="SEC007",
    title="Services that take changes from every caller are named",
    phase="security",
    source="OWASP API5:2023, broken function level authorization: an inner route without a check "
    "is open to every pod that a policy lets through",
    check=check,
    scope=counted("services", _listening),
    reads="`trust` of services, and the variables that name caller tokens. On a laptop and in "
    "clusters they are issued and enforced (SEC008, SEC009); Docker Compose has nothing that "
    "issues them.",
)
