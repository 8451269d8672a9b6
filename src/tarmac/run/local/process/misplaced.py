"""Finds a service that serves at another port than its own, before its probe's time is over.

Used by `process.py` while a service starts. A program that reads no PORT serves within a second
where its author wrote it to: its user need not wait a minute to hear that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tarmac.base.launch import HttpProbe
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import diagnosis
from tarmac.run.local.host import listeners
from tarmac.run.local.process import probes

#: How often its ports are looked at.
LOOK_S = 1.0
#: How long it has been elsewhere when that is shown, and when it is given up. A slow program may
#: open its port for debuggers or metrics first; one that answers like the service is at its end.
SHOWN_S, GIVEN_UP_S = 3.0, 15.0


async def misplaced(node: Node, pid: int, host: str, show: Callable[[str], None]) -> str:
    """Return that it serves elsewhere once it has for some time; never where it does not.

    Args:
        show: told where it listens instead, as soon as that lasts; "" where it no longer does.
    """
    asked = diagnosis.probed_port(node)
    asked = asked if asked in node.listening else min(node.listening)
    seen, times = "", 0
    while True:
        await asyncio.sleep(LOOK_S)
        found = diagnosis.wrong_port(node, pid, host)
        # One that listens where it is asked is slow, whatever other ports it has.
        if "listens on no port" in found or not diagnosis.is_about(found, asked):
            found = ""
        times = times + 1 if found == seen else 0
        seen = found
        lasted_s = times * LOOK_S
        show(seen if lasted_s >= SHOWN_S else "")
        if seen and lasted_s >= GIVEN_UP_S and await _serves(node, pid, host):
            return f"nothing listens on port {asked} and it serves elsewhere"


async def _serves(node: Node, pid: int, host: str) -> bool:
    """Tell whether one of its ports answers as its probe wants it."""
    ready = node.launch.ready
    path = ready.path if isinstance(ready, HttpProbe) else "/"
    for port in {socket.port for socket in listeners.of_program(pid)}:
        try:
            async with asyncio.timeout(probes.LIMIT_S):
                status, _ = await probes.get(host, port, path)
        except (OSError, TimeoutError):
            continue
        if status is not None and status < 400:
            return True
    return False
