"""Own machine: what the world reaches lets no page of somebody's own machine act for its users."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.launch import redact
from tarmac.report import Finding

#: Variables that say whose pages, links and tokens are taken for the system's own.
TRUSTED = re.compile(
    r"(^|_)(CORS|ORIGINS?|ALLOWED|REDIRECT|CALLBACK|PUBLIC|ISSUER|AUDIENCE)(_|$)", re.IGNORECASE
)
#: A host that is whoever asks; after `://`, at the start, or alone in a list. A network
#: (127.0.0.0/8) is none.
OWN = re.compile(
    r"(?:^|(?<=[\s,/@]))(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\])"
    r"(?=[:\s,]|/(?!\d)|$)",
    re.IGNORECASE,
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield such variables where the environment is for more than one machine."""
    settings = subject.plan.settings
    if not (settings.cloud or settings.ingress.tls):
        return
    for workload in subject.plan.services:
        for name, setting in workload.env.items():
            if TRUSTED.search(name) and (found := OWN.search(redact(setting.value))):
                yield Finding(
                    setting.origin,
                    f"{workload.name} trusts {found[0]} by {name} in {subject.plan.environment}: "
                    "any program of a visitor's own machine is that; give it another value there, "
                    f"`env: {{{workload.name}: {{{name}: ...}}}}`",
                )


GATE = Gate(
    id="SEC005",
    title="No environment of the world trusts an address of one's own machine",
    phase="security",
    source="an origin of localhost lets whatever listens on a visitor's machine read answers with "
    "that visitor's rights (OWASP: CORS OriginHeaderScrutiny)",
    check=check,
    looks_at="in an environment with a cloud or a certificate, variables of services whose name "
    "has CORS, ORIGIN, ALLOWED, REDIRECT, CALLBACK, PUBLIC, ISSUER or AUDIENCE in it. Networks of "
    "proxies and addresses that a service itself asks grant nothing and are not judged.",
)
