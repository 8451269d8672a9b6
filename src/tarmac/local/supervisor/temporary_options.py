"""Runs a system with other options, as a drill asks; undone when its connection ends.

{"op": "scale", "service": "orders", "instances": 3}
{"op": "set-environment", "service": "orders", "env": {"FAKETIME": "+90s"}}       {}: as before
{"op": "start-version", "service": "orders", "file": "", "env": {"SLOW": "yes"}}     no request yet
{"op": "split", "service": "orders", "share": 0.1, "rule": null}      its requests, from now on
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarmac.errors import TarmacError
from tarmac.local.network.wiring import Wiring
from tarmac.local.state.options import NewVersion, Options
from tarmac.local.supervisor import new_version

if TYPE_CHECKING:
    from tarmac.local.supervisor.supervisor import Supervisor


class TemporaryOptions:
    """What one connection has changed."""

    def __init__(self, supervisor: Supervisor, wiring: Wiring) -> None:
        self._supervisor = supervisor
        self._wiring = wiring
        #: How the system was run before; None: nothing was changed.
        self._before: Options | None = None
        #: The services that are tried in a new version.
        self._tried: set[str] = set()
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "scale": self._scale,
            "set-environment": self._set_environment,
            "start-version": self._start_version,
            "split": self._split,
        }

    async def close(self) -> None:
        """Run as before."""
        for service in self._tried:
            await self._send(service, 0.0, None)
        if self._before is not None:
            with contextlib.suppress(TarmacError):  # the system is being stopped, too
                await self._supervisor.apply(self._before)

    async def _scale(self, request: dict[str, Any]) -> dict[str, Any]:
        options = self._options()
        wanted = {**options.scale, request["service"]: request["instances"]}
        return await self._apply(options, replace(options, scale=wanted))

    async def _set_environment(self, request: dict[str, Any]) -> dict[str, Any]:
        options = self._options()
        others = {name: env for name, env in options.environment.items() if env}
        wanted = {**others, request["service"]: request["env"]}
        return await self._apply(options, replace(options, environment=wanted))

    async def _start_version(self, request: dict[str, Any]) -> dict[str, Any]:
        options, service = self._options(), request["service"]
        version = NewVersion(request["file"], request["env"])
        self._tried.add(service)
        await self._send(service, 0.0, None)  # before it is there
        wanted = replace(options, versions={**options.versions, service: version})
        await self._apply(options, wanted)
        return {"name": new_version.name_of(service)}

    async def _split(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._send(request["service"], request["share"], request["rule"])
        return {}

    async def _send(self, service: str, share: float, rule: Mapping[str, Any] | None) -> None:
        now = self._supervisor.now
        for wire in now.plan.wires if now is not None else ():
            if wire.target == service:
                names = [new_version.name_of(service)]
                await self._wiring.split(wire.id, names, share, rule)
        await self._wiring.settle()  # it does so from now on

    def _options(self) -> Options:
        if self._supervisor.options is None:
            raise TarmacError("the system is still starting; try again")
        return self._supervisor.options

    async def _apply(self, before: Options, wanted: Options) -> dict[str, Any]:
        await self._supervisor.apply(wanted)
        self._before = self._before or before
        return {}
