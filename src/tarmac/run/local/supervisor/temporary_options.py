"""Runs a system with other options, as a drill asks; undone when its connection ends."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tarmac.base.errors import TarmacError
from tarmac.base.target import EdgeRule
from tarmac.plan.service_nodes import new_version_of
from tarmac.run.local.state.options import NewVersion, Options
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers

if TYPE_CHECKING:
    from tarmac.run.local.network.mutual_tls import MutualTls
    from tarmac.run.local.network.wiring import Wiring
    from tarmac.run.local.supervisor.supervisor import Supervisor


class TemporaryOptions:
    """What one connection has changed."""

    def __init__(self, supervisor: Supervisor, wiring: Wiring | MutualTls) -> None:
        self._supervisor = supervisor
        self._wiring = wiring
        #: How the system was run before; None: nothing was changed.
        self._before: Options | None = None
        #: The services that are tried in a new version.
        self._tried: set[str] = set()

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.Scale, self._scale)
        handlers.on(ask.SetEnvironment, self._set_environment)
        handlers.on(ask.StartVersion, self._start_version)
        handlers.on(ask.Split, self._split)

    async def close(self) -> None:
        """Run as before."""
        for service in self._tried:
            await self._send(service, 0.0, None)
        if self._before is not None:
            with contextlib.suppress(TarmacError):  # the system is being stopped, too
                await self._supervisor.apply(self._before)

    async def _scale(self, request: ask.Scale) -> None:
        options = self._options()
        wanted = {**options.scale, request.service: request.instances}
        await self._apply(options, replace(options, scale=wanted))

    async def _set_environment(self, request: ask.SetEnvironment) -> None:
        options = self._options()
        others = {name: env for name, env in options.environment.items() if env}
        wanted = {**others, request.service: request.env}
        await self._apply(options, replace(options, environment=wanted))

    async def _start_version(self, request: ask.StartVersion) -> str:
        options, service = self._options(), request.service
        version = NewVersion(request.file, request.env)
        self._tried.add(service)
        await self._send(service, 0.0, None)  # before it is there
        wanted = replace(options, versions={**options.versions, service: version})
        await self._apply(options, wanted)
        return new_version_of(service)

    async def _split(self, request: ask.Split) -> None:
        await self._send(request.service, request.share, request.rule)

    async def _send(self, service: str, share: float, rule: EdgeRule | None) -> None:
        now = self._supervisor.now
        for wire in now.plan.wires if now is not None else ():
            if wire.target == service:
                names = [new_version_of(service)]
                await self._wiring.split(wire.id, names, share, rule)
        await self._wiring.settle()  # it does so from now on

    def _options(self) -> Options:
        if self._supervisor.options is None:
            raise TarmacError("the system is still starting; try again")
        return self._supervisor.options

    async def _apply(self, before: Options, wanted: Options) -> None:
        await self._supervisor.apply(wanted)
        self._before = self._before or before
