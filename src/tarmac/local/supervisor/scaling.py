"""Runs another number of a service's instances, as a drill asks; undone when its connection ends.

{"op": "scale", "service": "orders", "instances": 3}
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarmac.errors import TarmacError
from tarmac.local.state.options import Options

if TYPE_CHECKING:
    from tarmac.local.supervisor.supervisor import Supervisor


class Scaling:
    """What one connection has scaled."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        #: How the system was run before; None: nothing was scaled.
        self._before: Options | None = None
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "scale": self._scale
        }

    async def close(self) -> None:
        """Run as many instances as before."""
        if self._before is not None:
            with contextlib.suppress(TarmacError):  # the system is being stopped, too
                await self._supervisor.apply(self._before)

    async def _scale(self, request: dict[str, Any]) -> dict[str, Any]:
        options = self._supervisor.options
        if options is None:
            raise TarmacError("the system is still starting; try again")
        wanted = replace(options, scale={**options.scale, request["service"]: request["instances"]})
        await self._supervisor.apply(wanted)
        self._before = self._before or options
        return {}
