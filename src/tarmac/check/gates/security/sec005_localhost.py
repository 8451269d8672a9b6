"""Localhost: a public system does not trust pages of a visitor's own machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.launch import redact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload
    from tarmac.plan.settings import EnvVariable

#: Variables that name the pages, links and tokens which the system trusts.
TRUSTED = re.compile(
    r"(^|_)(CORS|ORIGINS?|ALLOWED|REDIRECT|CALLBACK|PUBLIC|ISSUER|AUDIENCE)(_|$)", re.IGNORECASE
)
#: A host that is the client itself; after `://`, at the start, or alone in a list. A network
#: (127.0.0.0/8) is none.
OWN = re.compile(
    r"(?:^|(?<=[\s,/@]))(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\])"
    r"(?=[:\s,]|/(?!\d)|$)",
    re.IGNORECASE,
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield such variables where the environment is for more than one machine."""
    for workload, name, setting in _trusting(subject):
        if found := OWN.search(redact(setting.value)):
            yield Finding(
                setting.origin,
                f"{name} of {workload.name} allows {found[0]} in {subject.plan.environment}: any "
                "program on a client's own machine can use it; set another value there, "
                f"`env: {{{workload.name}: {{{name}: ...}}}}`",
            )


def _trusting(subject: Subject) -> Iterator[tuple[Workload, str, EnvVariable]]:
    """Yield the variables that grant trust, where the environment is for many machines."""
    settings = subject.plan.settings
    if settings.cloud or settings.ingress.tls:
        for workload in subject.plan.services:
            for name, setting in workload.env.items():
                if TRUSTED.search(name):
                    yield workload, name, setting


GATE = Gate(
    id="SEC005",
    title="No shared environment trusts localhost",
    phase="security",
    source="an origin of localhost lets any program on a visitor's machine read responses with "
    "that visitor's rights (OWASP: CORS OriginHeaderScrutiny)",
    check=check,
    scope=counted("variables that grant trust", _trusting),
    reads="in an environment with a cloud or a certificate, variables of services whose name "
    "has CORS, ORIGIN, ALLOWED, REDIRECT, CALLBACK, PUBLIC, ISSUER or AUDIENCE in it. Networks of "
    "proxies and addresses that a service itself asks grant nothing and are not judged.",
)
