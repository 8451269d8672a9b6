"""Leaks: no rendered file contains a secret's value."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import counted

#: Each begins with a fixed text: a `\b` before them would make the search thirty times as long.
PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS key": re.compile(r"A(?:KIA|SIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"gh[pousr]_[A-Za-z0-9]{36,}\b"),
    "a Slack token": re.compile(r"xox[abprs]-[A-Za-z0-9-]{10,}"),
    "a Stripe key": re.compile(r"[rs]k_live_[A-Za-z0-9]{16,}"),
    "a signed token": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    # `${NAME}`, `$(NAME)`, `{{ name }}` and `<...>` stand for a value and are none.
    "a URL with a password": re.compile(r"://[^\s:/@'\"]+:(?![$<{%])[^\s/@'\"$<{]+@"),
}
SENSITIVE = re.compile(r"(?i)(password|passwd|secret|token|api_?key|private_?key|credential)s?$")
#: In text: NAME=value and NAME: value; not the ARN of an entry, `:ACCOUNT:secret:NAME`.
ASSIGNED = re.compile(
    r"(?im)(?<![\d*]:)\b(\w*(?:password|secret|token|api_?key))\s*[:=]\s*['\"]?([\w+/=-]{16,})"
)
#: The end of all of these, and little else: it tells at once that a text has none.
LONG_VALUE = re.compile(r"[:=]\s*['\"]?[\w+/=-]{16}")
#: Where such a value may begin: few places, each found by its first character.
VALUE_BEGINS = re.compile(r"[:=](?=\s*['\"]?[\w+/=-]{16})")
NAME_ENDS = re.compile(r"(?i)(password|secret|token|api_?key)\s*\Z|\A\s*\Z")
#: Characters before it in which its name ends, unless all of them are blank.
NEAR = 40
#: Bits a character; English words have 3, random hexadecimal digits nearly 4.
RANDOM_BITS = 3.2


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what looks like a secret's value; the value itself is not repeated."""
    for artifact in subject.raw:
        if artifact.data.get("kind") == "Secret":
            parts = (artifact.data.get(key) for key in ("data", "stringData"))
            held = [part for part in parts if isinstance(part, Mapping)]
            for key in sorted({str(key) for part in held for key, value in part.items() if value}):
                yield Finding(
                    artifact.path,
                    f"{title(artifact)} has a value of {key}; name its path (ExternalSecret), "
                    "or have a script generate it in the cluster",
                )
            continue
        for what in sorted({*_found(_texts(artifact))}):
            yield Finding(artifact.path, f"holds {what}; refer to a secret by its name instead")


def _found(texts: list[tuple[str, str]]) -> Iterator[str]:
    # Each pattern reads a file's texts as one first: nearly none has any, and a file has hundreds.
    whole = "\n".join(text for _, text in texts)
    for what, pattern in PATTERNS.items():
        if pattern.search(whole):
            found = (key for key, text in texts if pattern.search(text))
            yield from (f"{what} ({key})" if key else what for key in found)
    for key, text in texts:
        if len(text) >= 16 and _is_sensitive(key) and _bits(text) > RANDOM_BITS:
            yield f"text like the value of a secret ({key})"
    # By itself that search takes as long as all others together: it begins at every word.
    begins = (found.start() for found in VALUE_BEGINS.finditer(whole))
    if not any(NAME_ENDS.search(whole[max(0, at - NEAR) : at]) for at in begins):
        return
    for text in (text for _, text in texts if LONG_VALUE.search(text)):
        for name, value in ASSIGNED.findall(text):
            if _bits(value) > RANDOM_BITS and any(map(str.isdigit, value)):
                yield f"text like the value of a secret ({name})"


@cache
def _is_sensitive(key: str) -> bool:
    return SENSITIVE.search(key) is not None


def _texts(artifact: Artifact) -> list[tuple[str, str]]:
    if isinstance(artifact.content, str):
        return [("", artifact.content)]
    found: list[tuple[str, str]] = []
    _gather("", artifact.content, found)
    return found


def _gather(key: str, value: Any, found: list[tuple[str, str]]) -> None:
    """Gather every text with its key; of a list of `name` and `value` the name is the key."""
    if isinstance(value, str):
        found.append((key, value))
    elif isinstance(value, dict):
        for inner, item in value.items():
            named = inner == "value" and isinstance(value.get("name"), str)
            _gather(value["name"] if named else str(inner), item, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(key, item, found)


def _bits(text: str) -> float:
    """Estimate how random a text is, in bits a character (Shannon); 0 for words with blanks."""
    if re.search(r"\s|://|\$|\.[a-z]", text) or re.fullmatch(r"[a-z/-]+", text):
        return 0.0
    counts, size = Counter(text).values(), len(text)
    return -sum(n / size * math.log2(n / size) for n in counts)


GATE = Gate(
    id="SEC002",
    title="No rendered file contains a secret's value",
    phase="security",
    source="a committed value stays in the history",
    check=check,
    scope=counted("files", lambda subject: {source.path for source in subject.raw}),
    reads="all files of the tree: known forms of keys and tokens, URLs with passwords, values "
    "of Secrets, and random text under a name that sounds secret. A weak password cannot be told "
    "from a word.",
)
