"""Locations of nginx for WebSockets hand the handshake on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import (
    Configuration,
    Directive,
    configurations,
    directives,
)

_BLOCKS = ("http", "server", "location")
#: Parts of a path that are for WebSockets by their name; those of the second are asked without
#: them, too, or are of other things that are called so.
_NAMED = re.compile(r"/(wss?|websockets?)(?![\w.-])")
_PERHAPS = re.compile(r"/(socket\.io|sockjs|signalr|cable)(?![\w-])")
#: A part of a path that is called so with something else.
_PART = re.compile(r"/(wss?|websockets?)-\w")
#: What people write for Connection.
_OF_CONNECTION = ("upgrade", "$connection_upgrade", "$http_connection")
_PLAIN = ("", "close", "keep-alive")
#: Seconds that an answer takes only where a connection is kept.
_LONG_S = 300


class PassingLocation(NamedTuple):
    """A location that hands requests on by HTTP, with what holds in it."""

    own: Configuration
    location: Directive
    #: Headers in lower case, by what is nearest: a block with one has none of those above.
    headers: Mapping[str, str]
    #: What else is said in it or above.
    said: Mapping[str, str]
    #: Whether the headers may be written in what is included.
    is_open: bool

    @property
    def path(self) -> str:
        """What it matches."""
        return self.location.words[-1]

    @property
    def is_asked(self) -> bool:
        """Whether it is written for connections that last."""
        own = {one.words[0]: one.words[1] for one in self.location.body if len(one.words) > 1}
        lasts = (duration_s(own.get(f"proxy_{key}_timeout", "")) for key in ("read", "send"))
        is_long = any(one is not None and one >= _LONG_S for one in lasts)
        return is_long or self.said.get("proxy_http_version") == "1.1"


def check(files: Files) -> Iterator[Finding]:
    """Yield locations that lose the headers by which a connection becomes a WebSocket."""
    for one in _passed(files):
        where = one.own.where(one.location.line)
        what = f"{one.own.name}: the location {one.path}"
        is_named = _NAMED.search(one.path) is not None
        has = "upgrade" in one.headers
        if (wrong := one.headers.get("upgrade", "")).lower() in _OF_CONNECTION:
            said = f"{what} hands on Upgrade: {wrong}, which is what Connection says, so no"
            yield Finding(where, f"{said} handshake of a WebSocket succeeds; write $http_upgrade")
            continue
        if has and one.headers.get("connection", "").lower() in _PLAIN and not one.is_open:
            said = f"{what} hands Upgrade on without Connection, so no handshake of a WebSocket"
            advice = 'write proxy_set_header Connection "upgrade"'
            # Some write Upgrade in each location, of files and downloads, too.
            is_meant = one.is_asked or _is_for_them(one.path)
            yield Finding(where, f"{said} succeeds; {advice}", warning=not is_meant)
        elif has and "proxy_http_version" not in one.said and not one.is_open:
            said = f"{what} hands Upgrade on by HTTP/1.0, as nginx before 1.29.7 does by itself"
            yield Finding(where, f"{said}; write proxy_http_version 1.1", warning=True)
        elif not has and not one.is_open and _is_for_them(one.path):
            said = (
                f"{what} is for WebSockets and does not hand Upgrade on, so no handshake succeeds"
            )
            advice = 'write proxy_set_header Upgrade $http_upgrade and Connection "upgrade"'
            yield Finding(where, f"{said}; {advice}", warning=not (is_named and one.is_asked))


def _is_for_them(path: str) -> bool:
    return any(one.search(path) for one in (_NAMED, _PERHAPS, _PART))


@once
def _passed(files: Files) -> Iterator[PassingLocation]:
    for own in configurations(files):
        yield from _below(own, directives(own.text), {}, {}, is_open=False)


def _below(
    own: Configuration,
    found: tuple[Directive, ...],
    headers: Mapping[str, str],
    said: Mapping[str, str],
    *,
    is_open: bool,
) -> Iterator[PassingLocation]:
    for block in found:
        if block.words[:1] == () or block.words[0] not in _BLOCKS:
            continue
        plain = [one.words for one in block.body if len(one.words) > 1]
        written = {w[1].lower(): w[-1] for w in plain if w[0] == "proxy_set_header"}
        # nginx leaves out one that is empty, and hands another of its name on.
        given = {w[1].lower(): w[-1] for w in plain if w[0] == "proxy_set_header" and w[-1]}
        written |= {name: value for name, value in given.items() if not written[name]}
        here = {**said, **{w[0]: w[1] for w in plain if w[0] != "proxy_set_header"}}
        is_part = block.words[0] == "location" and any(w[0] == "include" for w in plain)
        may = is_part or (is_open and not written)
        passes = next((w[1] for w in plain if w[0] == "proxy_pass"), "")
        if block.words[0] == "location" and passes.startswith(("http://", "https://")):
            yield PassingLocation(own, block, written or headers, here, may)
        yield from _below(own, block.body, written or headers, here, is_open=may)


GATE = Gate(
    id="SRV004",
    title="Locations of nginx for WebSockets hand the handshake on",
    phase="services",
    source="https://nginx.org/en/docs/http/websocket.html: Upgrade and Connection are of one hop, "
    "so they are handed on only where that is written",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("locations that hand requests on", _passed),
    targets=(),
    reads="proxy_pass and proxy_set_header of locations in configurations of nginx in files that "
    "end in .conf or .conf.template and in ConfigMaps: a path is for WebSockets by its name. Where "
    "a location has an include, nothing is told. Judges files without a plan only.",
)
