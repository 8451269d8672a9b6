"""Express behind a proxy that ends TLS trusts what that says of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.program_texts import program_texts
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.tls_ends import tls_ends

_FILE = re.compile(r"(.*/)?(server|app|main)\.[cm]?[jt]s")
_APP = re.compile(r"\bexpress\s*\(\s*\)|\bNestFactory\.create\b(?![^;]*\bFastify)")
_SESSION = re.compile(r"[\"'](express-session|cookie-session)[\"']")
_SECURE = re.compile(
    r"\bsecure\s*:\s*(true\b|(?:process\.env\.NODE_ENV|NODE_ENV)\s*===?\s*[\"']production[\"'])"
)
#: What has the program, or its session alone, take the scheme from a proxy.
_TRUSTS = re.compile(r"trust[ _]proxy|trustProxy|\bproxy\s*:\s*true\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield sessions whose cookie is never sent."""
    found = list(_servers(files))
    proxy = next(tls_ends(files), "") if found else ""
    for artifact, line in found if proxy else ():
        own = str(artifact.content)
        if _TRUSTS.search(own) or any(_TRUSTS.search(one.text) for one in program_texts(files)):
            return
        what = (
            f"{proxy} ends TLS, and Express does not take X-Forwarded-Proto from it: each request"
        )
        said = f"{what} counts as plain HTTP, so the secure cookie of the session is never sent;"
        advice = "write app.set('trust proxy', 1)"
        yield Finding(f"{artifact.path}:{line}", f"{said} {advice}", warning=True)


@once
def _servers(files: Files) -> Iterator[tuple[Artifact, int]]:
    """Yield servers with a session, and the line where its cookie is secure."""
    for artifact in files.artifacts:
        text = artifact.content
        if not _FILE.fullmatch(artifact.path) or not isinstance(text, str):
            continue
        secure = _SECURE.search(text)
        if secure and _APP.search(text) and _SESSION.search(text):
            yield artifact, text.count("\n", 0, secure.start()) + 1


GATE = Gate(
    id="SRV040",
    title="Express behind a proxy that ends TLS trusts what that says of a request",
    phase="services",
    source="https://expressjs.com/en/guide/behind-proxies.html; https://github.com/expressjs/session"
    "#cookiesecure: the cookie is not set where the request counts as plain HTTP",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with a session", _servers),
    targets=(),
    reads="server, app and main in JavaScript and TypeScript that make an Express and a session "
    "with a secure cookie, beside an Ingress with TLS or a server of nginx that ends it. Another "
    "proxy may be before the program, so all are warnings. Judges files without a plan only.",
)
