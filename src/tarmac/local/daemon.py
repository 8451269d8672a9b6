"""The supervisor's process: `python -m tarmac.local.daemon OPTIONS REPORT_FD`.

Started by `client`, detached from the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from tarmac.errors import TarmacError
from tarmac.local.control import Control, answer_of, failure_of
from tarmac.local.paths import Home
from tarmac.local.resolving import Options
from tarmac.local.supervisor import Supervisor
from tarmac.local.watch import Watch


async def serve(options: Options, report: int) -> int:
    """Run a system until it is told to stop.

    Args:
        report: a descriptor that gets one JSON line: what was started, or why nothing was.

    Returns:
        The exit code.
    """
    os.umask(0o077)
    home = Home.of(Path(options.file), options.namespace)
    try:
        supervisor = Supervisor(home)
    except (TarmacError, OSError) as error:
        os.write(report, failure_of(error))
        return 1
    control = Control(supervisor, home)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, control.begin_shut_down)
    try:
        applied = await supervisor.apply(options)
        await control.listen()
    except (TarmacError, OSError) as error:
        await supervisor.shut_down()
        os.write(report, failure_of(error))
        return error.exit_code if isinstance(error, TarmacError) else 1
    with contextlib.suppress(OSError):  # whoever asked for it has gone: it runs all the same
        os.write(report, answer_of(applied))
    os.close(report)
    lost_home = asyncio.create_task(supervisor.watch_home())
    lost_home.add_done_callback(lambda _: control.begin_shut_down())
    watch = asyncio.create_task(_watch(supervisor))
    await supervisor.done.wait()
    lost_home.cancel()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await control.close()
    return 0


async def _watch(supervisor: Supervisor) -> None:
    """Watch for edits from the moment that somebody asks for it."""
    await supervisor.watched.wait()
    await Watch(supervisor).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(Options(**json.loads(sys.argv[1])), int(sys.argv[2]))))
