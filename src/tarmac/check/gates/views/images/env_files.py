"""Files of variables as Compose reads them: `env_file` of services, and `.env` beside its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from posixpath import dirname, join, normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, items, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import ComposeService
from tarmac.check.gates.views.on_disk import on_disk

_EXPORT = re.compile(r"\Aexport\s+")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'", re.DOTALL)
_FILLED = re.compile(r"\$(?:\{(\w+)(?::?[-?+][^}]*)?\}|(\w+))")


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


def named_files(service: ComposeService) -> Iterator[tuple[str, bool]]:
    """Yield the files of variables that a service names, and whether each is taken as it stands."""
    given = dig(service.data, "env_file")
    for one in given if isinstance(given, list) else texts(given):
        entry = fields(one)
        yield str(entry.get("path") if entry else one), entry.get("format") == "raw"


def text_of(files: Files, path: str) -> str | None:
    """Read a file in the folder that is judged; None where there is none."""
    place = None if path.startswith("..") else on_disk(files, path)
    return place.read_text("utf-8", "replace") if place is not None and place.is_file() else None


def given(files: Files, service: ComposeService) -> Mapping[str, EnvValue]:
    """Find the variables of a service: those of its files, and its own, filled in from `.env`."""
    folder, found = dirname(service.artifact.path), dict[str, EnvValue]()
    for name, _ in named_files(service):
        found |= _of_file(files, normpath(join(folder, name)))
    beside = _of_file(files, normpath(join(folder, ".env")))
    written = dig(service.data, "environment")
    bare = {key for key, value in fields(written).items() if value is None}
    bare |= {str(one) for one in items(written) if "=" not in str(one)}
    for name, value in service.environment.items():
        asked = _FILLED.fullmatch(value)
        own = name if name in bare else (asked[1] or asked[2]) if asked else ""
        found[name] = beside.get(own, EnvValue("" if own else value, ""))
    return found


def _of_file(files: Files, path: str) -> dict[str, EnvValue]:
    read = _read(text_of(files, path) or "")
    return {one.name: EnvValue(one.value, f"{path}:{one.line}") for one in read if not one.fault}


@lru_cache(maxsize=32)
def _read(text: str) -> tuple[Entry, ...]:
    return tuple(entries(text))
