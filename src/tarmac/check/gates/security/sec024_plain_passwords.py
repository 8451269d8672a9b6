"""Passwords are in Secrets, and not in ConfigMaps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_NAME = (
    r"(?:[\w.-]*[._-])?(?:password|passwd|api[_-]?key|secret[_-]?key|auth[_-]?token|access[_-]?key)"
)
_KEY = re.compile(rf"(?i){_NAME}")
_LINE = re.compile(
    rf"(?im)^[ \t]*[\"']?({_NAME})[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"'#,;]+)[\"']?[ \t]*,?[ \t]*$"
)
#: What stands for a value, says where one is, or is none.
_NONE = re.compile(
    r"(?i).*[${}<>%*()\[\]].*|true|false|null|none|nil|yes|no|\d+|(?-i:[A-Z0-9_]+)|.*(change.?me|example|your"
    r"|placeholder|xxx|todo|dummy|redacted|secret|password|passwd|token|insert|replace|test|demo"
    r"|default|postgres|admin|root|user).*|(vault|env|file|ref|sm|ssm|aws|gcp|op|awssm):.*|.*/.*|[.~].*|"
    r"ENC\[.*|!.*|https?:.*"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield ConfigMaps with what looks like a password; it is not repeated."""
    for artifact, key, text in _judged(files):
        name = key if _KEY.fullmatch(key) and _is_value(text.strip()) else ""
        if not name and "\n" in text:
            name = next((one for one, value in _LINE.findall(text) if _is_value(value)), "")
        if name:
            inside = "" if name == key else f" in {key}"
            what = f"{title(artifact)} has a value of {name}{inside}: each reader of ConfigMaps"
            said = f"{what} sees it; keep it in a Secret"
            yield Finding(artifact.at("data", key), said, warning=True)


def _is_value(text: str) -> bool:
    """Tell whether a text is more than a word, a name or what stands for a value."""
    is_mixed = re.search(r"\d|[A-Z]", text) is not None and re.search(r"[a-z]", text) is not None
    return len(text) >= 8 and is_mixed and not re.search(r"\s", text) and not _NONE.fullmatch(text)


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, str, str]]:
    for artifact in files.objects("ConfigMap"):
        for key, text in ConfigMap(artifact).data.items():
            if isinstance(text, str):
                yield artifact, str(key), text


GATE = Gate(
    id="SEC024",
    title="Passwords are in Secrets, and not in ConfigMaps",
    phase="security",
    source="https://kubernetes.io/docs/concepts/configuration/configmap: a ConfigMap does not "
    "provide secrecy; use a Secret for what is confidential",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("texts of ConfigMaps", _judged),
    #: SEC002 reads more of a plan's files.
    targets=(),
    reads="keys of ConfigMaps, and lines of their texts, that name a password or a key, with a "
    "value of small letters and others. Words that stand for a value are none. "
    "Judges files without a plan only.",
)
