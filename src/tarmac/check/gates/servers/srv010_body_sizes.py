"""nginx lets through what the program behind it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)
from tarmac.check.gates.views.servers.nginx_settings import for_all, is_open, is_plain, whole

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_UNITS = {"": 1, "b": 1, "k": _KIB, "m": _MIB, "g": _GIB}
#: What nginx lets through where nothing is said.
_DEFAULT, _SETTING = _MIB, "client_max_body_size"
#: Variables with the most that a program takes; how much it keeps in memory is something else.
_NAME = re.compile(
    r"(?=.*(MAX|LIMIT))(?=.*(UPLOAD|BODY|FILE_?SIZE|CONTENT_LENGTH|REQUEST_SIZE|POST|ATTACHMENT))"
    r"(?!.*(MEMORY|COUNT|NUMBER|RATE|TIME|AGE|DAYS|CONCURREN|PARALLEL|CHUNK|TOTAL|LOG)).*",
    re.IGNORECASE,
)
_UNIT_OF_NAME = re.compile(r".*_(K|M|G)(I?B|BYTES)?", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,15})[ ]?([kmg]?)(i?b)?", re.IGNORECASE)
_PASSED = re.compile(r"https?://([a-z][\w.-]*)(:\d+)?(/.*)?")
#: Smaller numbers without a unit may be of another one.
_LEAST_BYTES = 1_000_000


class Way(NamedTuple):
    """A location that leads to a host."""

    own: Configuration
    location: Directive
    host: str
    #: The most that it lets through in bytes; None: all, or that is not known.
    most: int | None


class UploadSize(NamedTuple):
    """What a service says that it takes."""

    service: ComposeService
    variable: str
    value: str
    size: int


def check(files: Files) -> Iterator[Finding]:
    """Yield locations that refuse what the service behind them takes."""
    taken = {one.service.name: one for one in _taken(files)}
    if not taken or for_all(files, _SETTING):
        return
    ways: dict[str, list[Way]] = {}
    for way in _ways(files):
        ways.setdefault(way.host, []).append(way)
    is_known = is_plain(files)
    for host, found in ways.items():
        one = taken.get(host)
        most = [way.most for way in found]
        if one is None or None in most or max(way.most or 0 for way in found) >= one.size:
            continue
        way = max(found, key=lambda place: len(place.location.words[-1]))
        what = f"{way.own.name}: the location {way.location.words[-1]} takes bodies of"
        said = f"{what} {(way.most or 0) / _MIB:g} MB at most, and {host} behind it takes"
        advice = f"{one.size / _MIB:g} MB ({one.variable}): larger ones are refused with 413"
        where = way.own.where(way.location.line)
        is_reached = bool(one.service.ports)
        yield Finding(
            where,
            f"{said} {advice}; write {_SETTING} {one.size // _MIB}m",
            warning=is_reached or not is_known or len(found) > 1,
        )


def _taken(files: Files) -> Iterator[UploadSize]:
    """Yield services with a variable for the most that they take."""
    for service in compose_services(files):
        sizes = [
            UploadSize(service, name, value, size)
            for name, value in service.environment.items()
            if _NAME.fullmatch(name) and (size := _bytes(name, value)) > _DEFAULT
        ]
        if sizes:
            yield max(sizes, key=lambda one: one.size)


def _bytes(name: str, value: str) -> int:
    """Read a size; 0 where its unit is not known."""
    found, unit = _SIZE.fullmatch(value.strip()), _UNIT_OF_NAME.fullmatch(name)
    if found is None:
        return 0
    size = int(found[1])
    if found[2]:
        return size * _UNITS[found[2].lower()]
    if unit is not None:
        return size * _UNITS[unit[1].lower()]
    return size if size >= _LEAST_BYTES else 0


@once
def _ways(files: Files) -> Iterator[Way]:
    for own in configurations(files):
        top = Directive((), 0, whole(directives(own.text)))
        yield from _below(own, top, _DEFAULT)


def _below(own: Configuration, block: Directive, above: int | None) -> Iterator[Way]:
    told = [one.words[1] for one in block.body if one.words[:1] == (_SETTING,) and one.words[1:]]
    here = above if not told else _limit(told[-1])
    here = None if block.words and is_open(block) and not told else here
    for one in block.body:
        if block.words[:1] == ("location",) and one.words[:1] == ("proxy_pass",):
            found = _PASSED.fullmatch(one.words[-1])
            if found is not None:
                yield Way(own, block, found[1], here)
        elif one.body:
            yield from _below(own, one, here)


def _limit(text: str) -> int | None:
    found = _SIZE.fullmatch(text)
    size = int(found[1]) * _UNITS[found[2].lower()] if found is not None else 0
    return size or None


GATE = Gate(
    id="SRV010",
    title="nginx lets through what the program behind it takes",
    phase="services",
    source="https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size: 1m by "
    "default, and 413 for what is larger",
    check=check,
    of_files=check,
    scope=counted_in_files("locations that lead to a host", _ways),
    targets=(),
    reads="client_max_body_size of locations that lead to a Compose service, beside variables of "
    "that which name the most that it takes (MAX_UPLOAD_MB). Where a block includes another file, "
    "nothing is told. Judges files without a plan only.",
)
