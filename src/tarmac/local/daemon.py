"""The supervisor's process: `python -m tarmac.local.daemon OPTIONS REPORT_FD`.

Started by `client`, detached from the terminal. It imports little before the guard and the fork
servers have been started: they load while it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.errors import TarmacError
from tarmac.local.answers import answer_of, failure_of
from tarmac.local.ground import Ground
from tarmac.local.home.journal import Journal
from tarmac.local.home.paths import Home

if TYPE_CHECKING:
    from tarmac.local.supervisor import Supervisor


async def serve(options: dict[str, Any], report: int, *, attached: bool = False) -> int:
    """Run a system until it is told to stop.

    Args:
        options: what `resolving.Options` takes.
        report: a descriptor that gets one JSON line: what was started, or why nothing was.
        attached: stop when the other end of `report` closes, from the first moment on.

    Returns:
        The exit code.
    """
    os.umask(0o077)
    try:
        ground = Ground(Home.of(Path(options["file"]), options["namespace"]))
        await ground.start()
    except (TarmacError, OSError) as error:
        _tell(report, failure_of(error))
        return 1
    from tarmac.local.control import Control  # noqa: PLC0415 - the guard is started by now
    from tarmac.local.home.remove import delete  # noqa: PLC0415
    from tarmac.local.resolving import Options  # noqa: PLC0415
    from tarmac.local.supervisor import Supervisor  # noqa: PLC0415

    temporary = bool(options.get("temporary"))
    supervisor = Supervisor(ground)
    control = Control(supervisor, ground.home)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, control.begin_shut_down)
    if attached:  # nothing ever comes from there but its end
        loop.add_reader(report, lambda: _ended(loop, report, control.begin_shut_down))
    try:
        applied = await supervisor.apply(Options(**options))
        await control.listen()
    except Exception as error:  # noqa: BLE001 - the asker must hear of it, whatever it is
        if not isinstance(error, TarmacError | OSError):
            traceback.print_exc()
        await supervisor.shut_down()
        _tell(report, failure_of(error))
        if temporary:
            delete(ground.home)
        return error.exit_code if isinstance(error, TarmacError) else 1
    _tell(report, answer_of(**asdict(applied)))
    if not attached:
        os.close(report)
    lost_home = asyncio.create_task(ground.lost())
    lost_home.add_done_callback(lambda _: control.begin_shut_down())
    watch = asyncio.create_task(_watch(supervisor))
    await supervisor.done.wait()
    lost_home.cancel()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await control.close()
    if temporary:
        delete(ground.home)
    return 0


def _tell(report: int, line: bytes) -> None:
    """Answer the one who asked for it all; they may have gone."""
    with contextlib.suppress(OSError):
        os.write(report, line)


def _ended(loop: asyncio.AbstractEventLoop, report: int, then: Callable[[], object]) -> None:
    loop.remove_reader(report)
    then()


async def _watch(supervisor: Supervisor) -> None:
    """Watch for edits from the moment that somebody asks for it."""
    from tarmac.local.watch import Watch  # noqa: PLC0415 - only where it is asked for

    await supervisor.watched.wait()
    while True:
        try:
            await Watch(supervisor).run()
        except Exception:  # noqa: BLE001 - edits must be served again, whatever it was
            traceback.print_exc()  # into the supervisor's own log
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    sys.stdout = sys.stderr = Journal(sys.stderr)
    attached = "attached" in sys.argv[3:]
    sys.exit(asyncio.run(serve(json.loads(sys.argv[1]), int(sys.argv[2]), attached=attached)))
