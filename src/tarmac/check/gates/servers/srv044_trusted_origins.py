"""Origins that Django trusts have a scheme: from version 4 on it refuses others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.given_texts import given_texts
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_settings import python_settings

_FILES = re.compile(r"\w+\.py")
_SETTING = "CSRF_TRUSTED_ORIGINS"
#: The variable that it is read from, as it is, in one line.
_READ = re.compile(rf"^{_SETTING}\b[^\n]*?[\"'](\w*ORIGINS?\w*)[\"'][^\n]*$", re.MULTILINE)
_OLD = re.compile(r"(?i)\bdjango\s*(==|~=|<=?)\s*[\"']?[123]\.|\bdjango\s*<\s*4\b")


class Origin(NamedTuple):
    """A text that is to be an origin, and where it is."""

    text: str
    where: str


def check(files: Files) -> Iterator[Finding]:
    """Yield origins without a scheme."""
    found = [one for one in _origins(files) if "://" not in one.text and not is_mark(one.text)]
    texts = (one.content for one in files.artifacts if isinstance(one.content, str))
    if not found or any(map(_OLD.search, texts)):
        return
    for one in found:
        what = f"{_SETTING} has {one.text!r}, which has no scheme: Django 4 and later refuse it and"
        yield Finding(one.where, f"{what} do not start; write https://{one.text}")


@once
def _origins(files: Files) -> Iterator[Origin]:
    names = set[str]()
    for own in python_settings(files, _FILES):
        text = str(own.artifact.content)
        if _SETTING not in text:
            continue
        given = own.values.get(_SETTING)
        for one in given if isinstance(given, list) else ():
            if isinstance(one, str) and one:
                yield Origin(one, own.at(_SETTING))
        names |= {match[1] for match in _READ.finditer(text) if "http" not in match[0]}
    for name, text, where in _variables(files, names) if names else ():
        if "$" not in text and name in names:
            for one in re.split(r"[\s,]+", text.strip("[]")):
                if one.strip("\"'"):
                    yield Origin(one.strip("\"'"), where)


def _variables(files: Files, names: set[str]) -> Iterator[tuple[str, str, str]]:
    for service in compose_services(files):
        for name in names & service.environment.keys():
            yield name, str(service.environment[name] or ""), service.at("environment", name)
    known = given_texts(files)
    for own in pods(files):
        for container in own.containers:
            for name, given in known.variables(space_of(own.artifact), container).items():
                yield name, given.text, given.where


GATE = Gate(
    id="SRV044",
    title="Origins that Django trusts have a scheme",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/settings/#csrf-trusted-origins: since "
    "Django 4 each begins with a scheme, and the check 4_0.E001 refuses one without",
    check=check,
    of_files=check,
    scope=counted_in_files("origins that Django trusts", _origins),
    targets=(),
    reads="CSRF_TRUSTED_ORIGINS in settings.py, and the variable that it is read from in one line, "
    "in Compose files and pods. Judges files without a plan only.",
)
