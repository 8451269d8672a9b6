"""A socket of a service is where the server before it can see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.nginx import configurations
from tarmac.check.gates.views.servers.systemd_units import Unit, UnitSetting, units

_ON = ("yes", "true", "on", "1", "disconnected")
_SOCKET = re.compile(r"(?<![\w/])((?:/var)?/tmp/[\w./-]+)")
#: Where a server asks a program by a socket.
_ASKS = re.compile(r"unix:/{0,2}((?:/var)?/tmp/[\w./-]+)")


class OwnSocket(NamedTuple):
    """A path of temporary files that a service which has its own is started with."""

    unit: Unit
    setting: UnitSetting
    path: str


def check(files: Files) -> Iterator[Finding]:
    """Yield sockets that only their own service sees."""
    asked: dict[str, str] = {}
    for own in configurations(files):
        for path in _ASKS.findall(own.text):
            asked.setdefault(path.rstrip(":"), own.name)
    for one in _sockets(files):
        if one.path in asked:
            what = f"the service has a /tmp of its own (PrivateTmp), so {asked[one.path]}, which"
            said = f"{what} asks {one.path}, does not find that: 502; put the socket below"
            yield Finding(one.unit.at(one.setting), f"{said} RuntimeDirectory, in /run")


@once
def _sockets(files: Files) -> Iterator[OwnSocket]:
    for unit in units(files):
        private = [v.lower() for v in unit.values("Service", "PrivateTmp")][-1:]
        dynamic = [v.lower() for v in unit.values("Service", "DynamicUser")][-1:]
        is_own = any(value in _ON for value in (*private, *dynamic))
        is_shared = any(one.name == "JoinsNamespaceOf" for one in unit.settings)
        for setting in unit.settings if is_own and not is_shared else ():
            if setting.section == "Service" and setting.name in ("ExecStart", "Environment"):
                for path in _SOCKET.findall(setting.value):
                    yield OwnSocket(unit, setting, path)


GATE = Gate(
    id="SRV042",
    title="A socket of a service is where the server before it can see it",
    phase="services",
    source="https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#PrivateTmp=: "
    "the service has /tmp and /var/tmp of its own, which no other process sees",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services with a socket in /tmp", _sockets),
    targets=(),
    reads="ExecStart and Environment of units with PrivateTmp or DynamicUser, beside "
    "configurations of nginx here. Judges files without a plan only.",
)
