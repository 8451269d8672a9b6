"""Texts of variables as Compose reads them: files that a service names, and `.env`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import text_on_disk

_EXPORT = re.compile(r"\Aexport\s+")
#: A variable in a text, with what stands for it where it is not set.
_ASKED = re.compile(r"\$(?:(\$)|\{(\w+)(?::?-([^{}$]*))?\}|(\w+))")
#: One that Compose fills in: not what is written with two signs, and not what has another value.
_FILLED = re.compile(r"(?<!\$)(?:\$\$)*\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'", re.DOTALL)


class Entry(NamedTuple):
    """One variable of such a file, or the first line for which Compose refuses the file."""

    name: str
    value: str
    line: int
    #: Why it is refused; empty: it is read.
    fault: str = ""


class EnvValue(NamedTuple):
    """The value of a variable, and where it stands: `file:line`; empty: in the service."""

    value: str
    where: str


def filled_names(text: str) -> Iterator[str]:
    """Yield the variables that Compose fills into a text, and that have no other value there."""
    yield from (one or other for one, other in _FILLED.findall(text))


def entries(text: str) -> Iterator[Entry]:
    """Read such a file, up to the first line for which Compose refuses it."""
    rest, line = text.removeprefix("\ufeff").replace("\r\n", "\n"), 1
    while start := rest.lstrip():
        line += rest.count("\n", 0, len(rest) - len(start))
        if start.startswith("#"):
            rest = start.partition("\n")[2]
            line += 1
            continue
        found = _entry(_EXPORT.sub("", start, count=1), line)
        if found.has_value or found.one.fault:
            yield found.one
        if found.one.fault:
            return
        rest, line = found.rest, line + found.lines


class _Statement(NamedTuple):
    one: Entry
    rest: str
    lines: int
    has_value: bool


def _entry(start: str, line: int) -> _Statement:
    first = start.partition("\n")[0]
    sign = re.search(r"[=:]", first)
    name = (first[: sign.start()] if sign else first).rstrip()
    rest, written = start[len(first) + 1 :], first[sign.end() :].strip() if sign else ""
    fault = ""
    if odd := re.search(r"[^\w.\[\] \t-]", name):
        fault = f"has {odd[0]!r} in its name"
    elif " " in name:
        fault = "has a space in its name"
    elif sign and written[:1] in ("'", '"'):
        whole = start[start.index(written[0], sign.end()) :]
        if quoted := _QUOTED.match(whole):
            value, after = quoted[1] or quoted[2] or "", whole[quoted.end() :]
            return _Statement(
                Entry(name, value, line), after, quoted[0].count("\n"), has_value=True
            )
        fault = "has a quote that is not closed"
    value = re.split(r"\s#", written)[0].rstrip()
    return _Statement(Entry(name, value, line, fault), rest, 1, has_value=sign is not None)


def text_of(files: Files, path: str) -> str | None:
    """Read a file in the folder that is judged; None where there is none."""
    return None if path.startswith("..") else text_on_disk(files, path)


def variables_of(files: Files, path: str) -> dict[str, EnvValue]:
    """Read the variables of such a file; none of what is not there."""
    read = _read(text_of(files, path) or "")
    return {one.name: EnvValue(one.value, f"{path}:{one.line}") for one in read if not one.fault}


@lru_cache(maxsize=32)
def _read(text: str) -> tuple[Entry, ...]:
    return tuple(entries(text))


def filled(text: str, known: Mapping[str, EnvValue]) -> str:
    """Put the values of variables into a text; one that is not known stays as it is written."""

    def value(asked: re.Match[str]) -> str:
        own = known.get(asked[2] or asked[4] or "")
        fallback = asked[0] if asked[3] is None else asked[3]
        return "$$" if asked[1] else own.value if own and own.value else fallback

    return _ASKED.sub(value, text)
