"""Servers that HAProxy knows by a name are resolved for as long as it runs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Configuration, written

_FILE = re.compile(r"(^|/)haproxy[\w.-]*\.(cfg|conf)$")
_IS_HAPROXY = re.compile(r"^(defaults|backend|listen|frontend)\b(?!.*\{)", re.MULTILINE)
_SERVES = re.compile(r"^[ \t]*(server|bind|use_backend|default_backend)\s", re.MULTILINE)
_SECTIONS = (
    "global", "defaults", "frontend", "backend", "listen", "resolvers", "peers", "mailers",
    "userlist", "cache", "program", "http-errors", "ring", "log-forward", "fcgi-app", "crt-store",
    "traces", "acme", "log-profile",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z][\w-]*(\.[\w-]+)*")
#: Other ways of a configuration to ask the same resolvers.
_ASKS = re.compile(r"do-resolve\(|httpclient\.resolvers\.id")


class Line(NamedTuple):
    """A line of a section."""

    number: int
    words: tuple[str, ...]


class Section(NamedTuple):
    """A section, and what `default-server` says in the defaults that it has."""

    words: tuple[str, ...]
    lines: tuple[Line, ...]
    above: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that are known by a name, and asked for it once."""
    for own in _configurations(files):
        sections = tuple(_sections(own.text))
        names = [one.words[1] for one in sections if one.words[0] == "resolvers" and one.words[1:]]
        unresolved = [
            (line, name, number)
            for one in sections
            if names and one.words[0] in ("backend", "listen")
            for line, name, number in _unresolved(one)
        ]
        is_used = _ASKS.search(own.text) or _is_used(sections)
        for line, name, number in unresolved:
            what = f"{own.name}: server {line.words[1]} is known by the name {name}, and neither it"
            said = f"{what} nor default-server names the resolvers {names[0]}, so that is asked for"
            advice = f"once, at the start; write resolvers {names[0]}"
            yield Finding(own.where(number), f"{said} {advice}", warning=bool(is_used))


def _unresolved(section: Section) -> Iterator[tuple[Line, str, int]]:
    """Yield the first server of a section that is known by a name alone."""
    default = [line for line in section.lines if line.words[0] == "default-server"]
    given = {*section.above, *(word for line in default for word in line.words)}
    for line in section.lines:
        if line.words[0] not in ("server", "server-template") or len(line.words) < 3:
            continue
        address = line.words[2 if line.words[0] == "server" else 3 if line.words[3:] else 2]
        host = re.sub(r"^(ipv4|ipv6|tcp[46]?)@", "", address).partition(":")[0]
        is_plain = _NAME.fullmatch(host) and host != "localhost" and not _is_address(host)
        if is_plain and "resolvers" not in given | {*line.words}:
            yield line, host, default[0].number if default else line.number
            return


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_used(sections: tuple[Section, ...]) -> bool:
    return any(
        "resolvers" in line.words[1:]
        for section in sections
        for line in section.lines
        if line.words[0] in ("server", "server-template", "default-server")
    )


def _sections(text: str) -> Iterator[Section]:
    words: tuple[str, ...] = ()
    lines: list[Line] = []
    above: tuple[str, ...] = ()
    for number, written_line in enumerate([*text.splitlines(), "global"], 1):
        found = tuple(re.sub(r"(?<!\\)#.*", "", written_line).split())
        if not found:
            continue
        if found[0] not in _SECTIONS or (written_line[:1].isspace() and found[0] == "cache"):
            lines.append(Line(number, found))
            continue
        if words:
            yield Section(words, tuple(lines), above)
        if words[:1] == ("defaults",):
            own = (line.words for line in lines if line.words[0] == "default-server")
            above = tuple(word for one in own for word in one)
        words, lines = found, []


def _configurations(files: Files) -> Iterator[Configuration]:
    for own in written(files, lambda path: _FILE.search(path) is not None, _IS_HAPROXY):
        if _SERVES.search(own.text):
            yield own


def _judged(files: Files) -> Iterator[object]:
    for own in _configurations(files):
        yield from (one for one in _sections(own.text) if one.words[0] in ("backend", "listen"))


GATE = Gate(
    id="SRV005",
    title="Servers that HAProxy knows by a name are resolved for as long as it runs",
    phase="services",
    source="https://docs.haproxy.org/3.0/configuration.html#5.3.1: a name is resolved at the "
    "start, and again only by the resolvers that its server names",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("backends of HAProxy", _judged),
    targets=(),
    reads="haproxy*.cfg and keys of ConfigMaps with a section `resolvers`: servers by name, and "
    "default-server of their section and of the defaults before it. Judges files without a plan "
    "only.",
)
