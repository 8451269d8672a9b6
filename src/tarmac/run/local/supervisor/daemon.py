"""The supervisor's process: `python -m tarmac.run.local.supervisor.daemon OPTIONS REPORT_FD`.

Started by `client`, detached from the terminal. It imports little before the guard, the fork
servers and the wires' process have been started: they load while it does.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base import garbage
from tarmac.base.errors import TarmacError
from tarmac.run.local.process import store_mounts
from tarmac.run.local.state.journal import Journal
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.context import SupervisorContext
from tarmac.run.local.supervisor.remove import delete
from tarmac.run.local.supervisor.responses import failure_line, success_line

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.supervisor import Supervisor


async def serve(options: Options, report: int, *, attached: bool = False) -> int:
    """Run a system until it is stopped.

    Args:
        options: how to run it.
        report: a descriptor that gets one JSON line: what was started, or why nothing was.
        attached: stop when the other end of `report` closes, from the first moment on.

    Returns:
        The exit code.
    """
    os.umask(0o077)
    try:
        context = SupervisorContext(Home.of(Path(options.file), options.namespace))
        if options.disks:  # before anything is started: what is started sees them
            store_mounts.mount(context.home, options.disks)
        await context.start(options)
    except (TarmacError, OSError) as error:
        _tell(report, failure_line(error))
        return 1
    from tarmac.run.local.supervisor.supervisor import (  # noqa: PLC0415 - the guard is started
        Supervisor,
    )

    supervisor = Supervisor(context)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.begin_shut_down, signal.Signals(number).name)
    if attached:  # nothing ever comes from there but its end
        gone = "the end of the `tarmac up` that started it"
        stop = partial(supervisor.begin_shut_down, gone)
        loop.add_reader(report, partial(_ended, loop, report, stop))
    try:
        applied = await supervisor.apply(options)
        from tarmac.run.local.supervisor.control import (  # noqa: PLC0415 - programs start meanwhile
            Control,
        )

        control = Control(supervisor, context.home)
        await control.listen()
    except Exception as error:  # noqa: BLE001 - reported to the client, whatever it is
        if not isinstance(error, TarmacError | OSError):
            traceback.print_exc()
        await supervisor.begin_shut_down()
        _tell(report, failure_line(error))
        if options.temporary:
            store_mounts.unmount(context.home, options.disks)
            delete(context.home)
        return error.exit_code if isinstance(error, TarmacError) else 1
    _tell(report, success_line(applied))
    if not attached:
        os.close(report)
    lost_home = asyncio.create_task(context.wait_until_lost())
    lost_home.add_done_callback(lambda _: supervisor.begin_shut_down("the end of its folder"))
    watch = asyncio.create_task(_watch(supervisor))
    await supervisor.done.wait()
    lost_home.cancel()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await control.close()
    if options.temporary:
        store_mounts.unmount(context.home, options.disks)
        delete(context.home)
    return 0


def _tell(report: int, line: bytes) -> None:
    """Answer the client that started this; it may have gone."""
    with contextlib.suppress(OSError):
        os.write(report, line)


def _ended(loop: asyncio.AbstractEventLoop, report: int, then: Callable[[], object]) -> None:
    loop.remove_reader(report)
    then()


async def _watch(supervisor: Supervisor) -> None:
    """Watch for edits once a client asks for it."""
    from tarmac.run.local.supervisor.watch import (  # noqa: PLC0415 - only where it is asked for
        Watch,
    )

    await supervisor.watched.wait()
    while True:
        try:
            await Watch(supervisor).run()
        except Exception:  # noqa: BLE001 - edits must be served again, whatever it was
            traceback.print_exc()  # into the supervisor's own log
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    garbage.look_seldom()
    sys.stdout = sys.stderr = Journal(sys.stderr)
    attached = "attached" in sys.argv[3:]
    given = Options.of(json.loads(sys.argv[1]))
    code = asyncio.run(serve(given, int(sys.argv[2]), attached=attached))
    garbage.leave_all()  # clients wait for the end of this process
    sys.exit(code)
