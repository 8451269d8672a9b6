"""Serves one drill: its requests, and the end of its connection, which undoes all that it did."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tarmac.run.local.supervisor.cpu_limits import CpuLimits
from tarmac.run.local.supervisor.disturbances import Disturbances
from tarmac.run.local.supervisor.handlers import Handlers, failure
from tarmac.run.local.supervisor.notes import Notes
from tarmac.run.local.supervisor.read_only_stores import ReadOnlyStores
from tarmac.run.local.supervisor.recoveries import Recoveries
from tarmac.run.local.supervisor.replications import Replications
from tarmac.run.local.supervisor.responses import success_line
from tarmac.run.local.supervisor.store_disks import StoreDisks
from tarmac.run.local.supervisor.store_holds import StoreHolds
from tarmac.run.local.supervisor.store_servers import StoreServers
from tarmac.run.local.supervisor.supervisor import Supervisor
from tarmac.run.local.supervisor.temporary_options import TemporaryOptions


class DrillPart(Protocol):
    """What answers some of a drill's requests, and undoes what they did."""

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""

    async def close(self) -> None:
        """Undo whatever is still done."""


def parts_of(supervisor: Supervisor) -> tuple[DrillPart, ...]:
    """List everything that one drill may do, in the order in which it is undone."""
    processes = supervisor.processes
    servers = StoreServers(supervisor, processes, supervisor.spawner)
    return (
        Disturbances(processes, supervisor.wiring),
        *(Recoveries(servers), Replications(servers), ReadOnlyStores(servers)),
        StoreDisks(supervisor),
        StoreHolds(supervisor),
        TemporaryOptions(supervisor, supervisor.wiring),
        CpuLimits(processes),
        Notes(supervisor.state),
    )


def handlers_of(parts: tuple[DrillPart, ...]) -> Handlers:
    """Join what the parts answer."""
    handlers = Handlers()
    for part in parts:
        part.register(handlers)
    return handlers


async def serve(
    supervisor: Supervisor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests until the connection ends, then undo what is left."""
    parts = parts_of(supervisor)
    handlers = handlers_of(parts)
    try:
        writer.write(success_line(None))
        while line := await reader.readline():
            try:
                writer.write(await handlers.answer(handlers.read(line)))
            except Exception as error:  # noqa: BLE001 - reported to the client
                writer.write(failure(error))
            await writer.drain()
    except (OSError, ValueError):
        pass  # it was killed, or a line is endless
    finally:
        for part in parts:
            await part.close()
