"""What the telemetry process does: receives and reads what services tell, writes and shows it.

The supervisor keeps its listening socket: while the process starts again, connections wait in its
queue. It ends at SIGTERM, when what it has received is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.routing import BaseRoute

from tarmac.run.telemetry import runs
from tarmac.run.telemetry.identity import Identities
from tarmac.run.telemetry.intake import Intake
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.receiver import create_app
from tarmac.run.telemetry.scraper import Scraper
from tarmac.run.telemetry.storage import Storage
from tarmac.run.telemetry.transport import http_or_grpc
from tarmac.run.telemetry.writer import Writer

#: Seconds that requests in flight have at the end.
FINISH_S = 2
#: How often it is written down that the run goes on.
MARK_S = 2.0


class Files(NamedTuple):
    """What the process reads and writes."""

    #: What all is written to.
    telemetry: Path
    #: The instances that have metrics.
    targets: Path
    #: The namespace's secrets, with the tokens of its services.
    secrets: Path


def say(line: str) -> None:
    """Write one line to the log at once."""
    print(line, flush=True)


async def serve(
    files: Files,
    listener: socket.socket,
    pages: Sequence[BaseRoute] = (),
    *,
    run: str,
) -> None:
    """Receive, read metrics and write until SIGTERM.

    Args:
        files: of the namespace whose services send.
        pages: routes that show what is there, served beside the receiver's.
        run: the name of the run that is under way.
    """
    storage = Storage(files.telemetry)
    writer = Writer(storage, say=say)
    writing = asyncio.create_task(writer.run())
    readings = ReadingLog(storage)
    intake = Intake(writer, readings, Identities(files.secrets, say))
    scraping = asyncio.create_task(
        Scraper(storage, files.targets, readings=readings, say=say).run()
    )
    config = uvicorn.Config(
        create_app(intake, pages),
        http=http_or_grpc(intake),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=FINISH_S,
    )
    server = uvicorn.Server(config)
    # Without its writer it would take spans and lose them, without its scraper see nothing:
    # the supervisor starts it again.
    marking = asyncio.create_task(_mark(storage, run))
    for task in (writing, scraping, marking):
        task.add_done_callback(lambda _: setattr(server, "should_exit", True))
    for number in (signal.SIGTERM, signal.SIGINT):
        # One that comes before the server listens to signals must end it as well; the server raises
        # those of later once it has ended, and what waits is to be written.
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    try:
        await server.serve(sockets=[listener])
    finally:
        scraping.cancel()
        marking.cancel()
        await asyncio.wait([scraping, marking])
        writer.close()
        await writing
        storage.close()


async def _mark(storage: Storage, run: str) -> None:
    """Write down again and again that a run goes on; a full disk is the writer's to tell of."""

    def mark(stored: sqlite3.Connection) -> None:
        runs.mark(stored, run, time.time_ns() // 1_000_000)

    while True:
        with contextlib.suppress(sqlite3.Error):
            await asyncio.to_thread(storage.write, mark)
        await asyncio.sleep(MARK_S)
