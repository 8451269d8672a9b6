"""The ports of a program's container: where people reach them, and which are its debugger's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tarmac.adopt.containers.compose_parts import checked_port, ports_of
from tarmac.adopt.survey.found import Service

#: Where debuggers of Node, Java and Python and a reloading browser listen.
DEBUGGERS = frozenset({9229, 9222, 5005, 5678, 35729})


def port_pairs(
    spec: Mapping[str, Any],
    base: Service,
    command: tuple[str, ...],
    dockerfile: str,
    told_port: int,
) -> list[tuple[int, int]]:
    """List the (number that people use, number in the container) of a program's ports.

    Args:
        told_port: the value of PORT; 0 for none.
    """
    # Another command than the image's own need not listen where the image says, nor does a program
    # that is told another port: the image is of several.
    is_told = any(told_port == target for _, target in ports_of(spec))
    exposed = () if command or is_told else base.ports.values()
    told = " ".join(command or base.container_command)
    is_go = re.search(r"(?im)^FROM\s+(?:--\S+\s+)*(?:\S*/)?golang\b", dockerfile)
    debuggers = frozenset[int]() if is_go else DEBUGGERS
    pairs = [p for p in ports_of(spec) if p[1] not in debuggers or _is_told(p[1], told)]
    # A number that people use is one that the image may name in the place of its own.
    known = {number for pair in pairs for number in pair}
    pairs += [(p, p) for p in exposed if p not in (*known, *debuggers)]
    return pairs or [(port, port) for port in (checked_port(spec),) if port]


def _is_told(port: int, command: str) -> bool:
    """Tell whether a program is told by its command to listen on a port, and not its debugger."""
    return bool(re.search(rf"(?:bind|listen|port)[= ]\S*\b{port}\b", command)) and not re.search(
        r"inspect|debug|jdwp", command.replace("--log-level debug", "")
    )
