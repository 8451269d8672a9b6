"""Django behind a proxy that ends TLS is told that its requests are secure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_settings import PythonSettings, python_settings
from tarmac.check.gates.views.servers.tls_ends import tls_ends

_FILES = re.compile(r"\w+\.py")
#: A file by its name for production, or for all.
_OF_ALL = re.compile(r"(^|/)(settings|settings/(base|common|defaults|prod\w*|live|deploy\w*))\.py$")


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that take each request behind TLS for one that is not."""
    every = list(_judged(files))
    if not every or any("SECURE_PROXY_SSL_HEADER" in one.text for one in every):
        return
    proxy = next(tls_ends(files), "")
    for own in (one.settings for one in every) if proxy else ():
        redirects = own.values.get("SECURE_SSL_REDIRECT") is True
        is_secure = own.values.get("CSRF_COOKIE_SECURE") is True
        if not _OF_ALL.search(own.artifact.path) or not (redirects or is_secure):
            continue
        what = f"{proxy} ends TLS, and Django is not told by which header: it takes each request"
        if redirects:
            said = f"{what} for one by http and sends it to https again, for ever"
        else:
            said = f"{what} for one by http, so the origin of each form is refused"
        advice = 'write SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'
        name = "SECURE_SSL_REDIRECT" if redirects else "CSRF_COOKIE_SECURE"
        yield Finding(own.at(name), f"{said}; {advice}", warning=True)
        return


class DjangoFile:
    """A file of settings, and all of its text."""

    def __init__(self, settings: PythonSettings) -> None:
        self.settings = settings
        self.text = str(settings.artifact.content)


@once
def _judged(files: Files) -> Iterator[DjangoFile]:
    for own in python_settings(files, _FILES):
        text = str(own.artifact.content)
        if "ALLOWED_HOSTS" in text or "SECURE_" in text or "INSTALLED_APPS" in text:
            yield DjangoFile(own)


GATE = Gate(
    id="SRV023",
    title="Django behind a proxy that ends TLS is told that its requests are secure",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/settings/#secure-proxy-ssl-header: "
    "without it a request is secure only where the connection itself is; "
    "https://docs.djangoproject.com/en/stable/ref/settings/#secure-ssl-redirect",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of Django", _judged),
    targets=(),
    reads="settings.py and settings/*.py, which are parsed and not run, beside an Ingress with TLS "
    "or a server of nginx that ends it. Middleware may set the scheme, so all are warnings. Judges "
    "files without a plan only.",
)
