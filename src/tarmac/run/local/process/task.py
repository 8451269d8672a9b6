"""A task: run to its end, once before its service or whenever its schedule says.

A task that runs once is tried again with backoff until it ends with 0; only then does what waits
for it start. A scheduled one runs when it is due, one run at a time; a run that fails waits for the
next.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tarmac.base import cron
from tarmac.base.errors import TarmacError
from tarmac.base.launch import reveal, secrets_of
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import diagnosis
from tarmac.run.local.process import start
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.prepare import folder_of, prepare
from tarmac.run.local.process.spawn import RunningProcess
from tarmac.run.local.state import state
from tarmac.run.local.state.logs import SHOWN_LINES, LogFile
from tarmac.run.local.state.state import NodeState, transition

#: Between tries of a task that must succeed once: doubles from the first to the longest.
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 15.0
#: Failures in a row after which it is shown as a crash loop.
LOOP_AFTER = 5


class Task:
    """A node that runs to its end."""

    running = False

    def __init__(self, node: Node, position: int, context: ProcessContext) -> None:
        self.node = node
        self.context = context
        self.ready = asyncio.Event()
        secret_values = {context.secrets[s.path] for s in secrets_of(node.launch) if not s.is_known}
        self.log = LogFile(context.home.logs / f"{node.name}.log", secret_values)
        self._running: RunningProcess | None = None
        #: Cleared while a process is being made.
        self._spawned = asyncio.Event()
        self._spawned.set()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.state = NodeState(
            name=node.name,
            role=node.role,
            about=node.about,
            since=time.time(),
            position=position,
        )
        self.context.record(self.state)

    def start(self) -> None:
        """Start it."""
        live = self._on_schedule() if self.node.schedule else self._once()
        self._task = asyncio.create_task(live, name=self.node.name)

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan; try at once what failed."""
        self.node = node
        self.state = replace(self.state, position=position, about=node.about)
        if self.state.state in (state.BACKOFF, state.CRASH_LOOP):
            # What it failed on may be repaired: `up` waits for what this try comes to.
            self.state = transition(self.state, state.WAITING, detail="tries again")
        self.context.record(self.state)
        self._wake.set()

    def drain(self) -> None:
        """Nothing is sent to a task."""

    async def stop(self) -> None:
        """Let a run in flight end within its grace period."""
        await self._spawned.wait()  # a process that is just being made must be known to be stopped
        running = self._running
        if running is not None and not running.exited.done():
            self._move(state.STOPPING)
            group = self.node.launch.signal_group
            with contextlib.suppress(OSError):
                await running.signal(signal.SIGTERM, group)
                done, _ = await asyncio.wait([running.exited], timeout=self.node.launch.grace_s)
                if not done:
                    await running.signal(signal.SIGKILL, False)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._move(state.STOPPED, pid=None, detail="")
        self.log.close()

    def _move(self, to: str, **changes: object) -> None:
        for key in ("detail", "cause"):
            if key in changes:
                changes[key] = self.log.redact(str(changes[key]))
        self.state = transition(self.state, to, **changes)
        self.context.record(self.state)

    async def _once(self) -> None:
        failures = 0
        while True:
            status, failure = await self._try()
            if status == 0:
                self._move(state.DONE, pid=None, exit_status=0, detail="", cause="", last_lines=())
                self.ready.set()
                self.context.changed()
                return
            failures += 1
            pause_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (failures - 1))
            to = state.CRASH_LOOP if failures >= LOOP_AFTER else state.BACKOFF
            self._failed(to, status, failure, f"; next try in {pause_s:.1f} s")
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _on_schedule(self) -> None:
        self.ready.set()  # nothing waits for it
        failed = ""
        while True:
            due = next(cron.runs(self.node.schedule, datetime.now(UTC)))
            self._move(state.SCHEDULED, pid=None, detail=f"{failed}next run {due:%F %H:%M} UTC")
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            status, failure = await self._try()
            failed = f"{failure}; " if status else ""
            if status:
                self._failed(state.SCHEDULED, status, failure)
            else:
                self._move(state.SCHEDULED, exit_status=0, cause="", last_lines=())

    def _failed(self, to: str, status: int | None, failure: str, then: str = "") -> None:
        lines = tuple(line for line in self.log.tail if not line.startswith("[tarmac]"))
        self._move(
            to,
            pid=None,
            exit_status=status,
            restarts=self.state.restarts + 1,
            detail=failure + then,
            cause=diagnosis.cause(self.node, self.context.host, failure, status, lines),
            last_lines=lines[-SHOWN_LINES:],
        )

    async def _try(self) -> tuple[int | None, str]:
        """Run it once; return its exit status (None: it could not start) and what went wrong."""
        context, launch = self.context, self.node.launch
        try:
            for name in self.node.after:
                if context.not_ready((name,)):
                    self._move(state.WAITING, detail=f"waits for {name}")
                    await context.wait_ready(name)
            folder = folder_of(context.home, self.node.name, launch)
            await prepare(folder, launch, context.secrets, context.spawner)
            self.log.tail.clear()
            env = {name: reveal(value, context.secrets) for name, value in launch.env.items()}
            cwd = Path(launch.cwd.replace("{folder}", str(folder)))
            self._spawned.clear()
            running, output = await start.start(
                self.node, context, env=env, cwd=cwd, folder=folder, log=self.log
            )
            self._running = running
        except (TarmacError, OSError) as error:
            self.log.note(str(error))
            return None, str(error)
        finally:
            self._spawned.set()
        self._move(state.STARTING, pid=running.pid, detail="runs")
        status = await asyncio.shield(running.exited)
        self._running = None
        await output.drain()
        self.log.note(f"ended with exit status {status}")
        return status, f"ended with exit status {status}"
