"""Connections of WebSockets last through HAProxy for as long as they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import Configuration, written

_FILE = re.compile(r"(^|/)haproxy[\w.-]*\.(cfg|conf)$")
_IS_HAPROXY = re.compile(r"^(defaults|backend|listen|frontend)\b(?!.*\{)", re.MULTILINE)
#: What a configuration asks to tell WebSockets from other requests.
_SOCKETS = re.compile(
    r"^[ \t]*(?!#)[^\n#]*(?:path_beg(?:\s+-i)?\s+/(?:wss?|websockets?|socket\.io)\b|hdr(?:_\w+)?"
    r"\(upgrade\)[^\n]*websocket|(?:use_backend|backend)\s+\S*(?:websockets?|_ws)\b)",
    re.MULTILINE | re.IGNORECASE,
)
_TUNNEL = re.compile(r"^[ \t]*timeout\s+tunnel\s", re.MULTILINE)
_CLIENT = re.compile(r"^[ \t]*timeout\s+client\s+(\S+)", re.MULTILINE)
#: Clients that keep a connection ask more often than that.
_SHORT_S = 300


def check(files: Files) -> Iterator[Finding]:
    """Yield configurations that end a WebSocket after the time of a plain request."""
    for own in _with_sockets(files):
        found = _CLIENT.search(own.text)
        seconds = duration_s(found[1] if not found[1].isdecimal() else "") if found else None
        if found and seconds and seconds <= _SHORT_S and not _TUNNEL.search(own.text):
            what = f"{own.name}: WebSockets are passed on, and there is no timeout tunnel, so one"
            said = f"{what} that is silent for {found[1]} is closed, as timeout client says"
            line = own.text.count("\n", 0, found.start(1)) + 1
            yield Finding(own.where(line), f"{said}; write timeout tunnel 1h", warning=True)


@once
def _with_sockets(files: Files) -> Iterator[Configuration]:
    for own in written(files, lambda path: _FILE.search(path) is not None, _IS_HAPROXY):
        if _SOCKETS.search(own.text):
            yield own


GATE = Gate(
    id="SRV022",
    title="WebSockets last through HAProxy for as long as they are used",
    phase="services",
    source="https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20tunnel: with it, client "
    "and server timeouts do not hold once a connection is a tunnel; without it, they do",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("configurations with WebSockets", _with_sockets),
    targets=(),
    reads="haproxy*.cfg and keys of ConfigMaps that tell WebSockets by a path or by Upgrade. "
    "Clients may ping more often, so all are warnings. Judges files without a plan only.",
)
