"""One long-running process: prepared, started, watched, restarted, drained and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.launch import AliveProbe, Hook, TcpProbe, reveal, secrets_of
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import diagnosis
from tarmac.run.local.diagnostics.diagnosis import Failure
from tarmac.run.local.host import listeners
from tarmac.run.local.host.sockets import is_free
from tarmac.run.local.process import hooks, settled, start
from tarmac.run.local.process.accept_queue import wait_until_accepted
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.misplaced import misplaced
from tarmac.run.local.process.prepare import folder_of, prepare
from tarmac.run.local.process.prober import PATIENT_S, Prober, until_next_s
from tarmac.run.local.process.spawn import RunningProcess
from tarmac.run.local.process.watched import left_waiting, unless_left
from tarmac.run.local.state import state
from tarmac.run.local.state.logs import LogFile
from tarmac.run.local.state.state import NodeState, transition
from tarmac.run.local.stores import contents
from tarmac.run.local.stores.dialogue import set_up_server

#: Backoff before a restart: doubles from the first to the longest.
FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 10.0
#: Ends in a row, none of them after a healthy spell, that make a crash loop.
CRASH_LOOP_ENDS = 5
#: A process that was healthy for so long starts again with the first backoff.
SPELL_S = 10.0
#: Failed probes in a row that make a ready process unhealthy.
UNHEALTHY_AFTER = 2


class PortTaken(TarmacError):
    """Another process listens where this node is to listen."""


class Process:
    """A node that is kept running until `stop`.

    Args:
        replacement: a new version, started beside the instance that serves: nothing is recorded
            before `take_over`, and it is not restarted. `outcome` gets its first failure, or None.
    """

    def __init__(
        self, node: Node, position: int, context: ProcessContext, *, replacement: bool = False
    ) -> None:
        self.node = node
        self.ready = asyncio.Event()
        self.outcome: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self.context = context
        secret_values = {context.secrets[s.path] for s in secrets_of(node.launch) if not s.is_known}
        self.log = LogFile(context.home.logs / f"{node.name}.log", secret_values)
        self._unseen = replacement
        self._running: RunningProcess | None = None
        self._stopping = False
        self._spawned = asyncio.Event()
        self._spawned.set()
        self._port_lost = False
        self._healthy_since: float | None = None
        #: How long it lived when it ended by itself, if that was soon; 0: it did not.
        self._ended_after_s = 0.0
        #: Where it listened when it was given up.
        self._seen = ""
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        #: Where its hooks run; None before its first start.
        self._place: hooks.HookPlace | None = None
        #: Cleared while a fault keeps it down.
        self._allowed = asyncio.Event()
        self._allowed.set()
        #: Cleared while it follows the server of another copy, and takes no writes: its users wait.
        self._leads = asyncio.Event()
        self._leads.set()
        self.state = NodeState(
            name=node.name,
            role=node.role,
            about=node.about,
            since=time.time(),
            url=node.url,
            page=node.page_link(context.secrets),
            ports=node.ports,
            position=position,
            zone=node.zone,
            machine=node.machine,
            by_port=isinstance(node.launch.ready, TcpProbe),
        )
        self._record()

    @property
    def running(self) -> bool:
        """Whether there is a process that is not stopping."""
        return self._running is not None and not self._stopping

    @property
    def _well(self) -> str:
        """The state of one that nothing is wrong with, as far as its probe can tell."""
        unknown = self.node.role == "service" and isinstance(self.node.launch.ready, AliveProbe)
        return state.RUNNING if unknown else state.HEALTHY

    def start(self) -> None:
        """Start it."""
        self._task = asyncio.create_task(self._live(), name=self.node.name)

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan but does not concern how it runs; try at once."""
        self.node = node
        hidden = (secret for secret in secrets_of(node.launch) if not secret.is_known)
        self.log.hide(self.context.secrets[secret.path] for secret in hidden)
        self.state = replace(
            self.state,
            position=position,
            about=node.about,
            url=node.url,
            page=node.page_link(self.context.secrets),
        )
        if self.ready.is_set():  # what a replacement complained of is not wanted any more
            self.state = replace(self.state, detail="", cause="", last_lines=())
        if self.state.state in (state.BACKOFF, state.CRASH_LOOP):
            # What it ran into may be gone: `up` waits for what this try comes to.
            self.state = transition(self.state, state.WAITING, detail="tries again")
        self._record()
        self._wake.set()

    def take_over(self, restarts: int) -> None:
        """Become the current instance: the previous one is about to be drained."""
        self._unseen = False
        self.state = replace(self.state, restarts=restarts)
        self._record()

    def drain(self) -> None:
        """Take no more work: it is about to be stopped."""
        self._stopping = True

    def step_back(self) -> None:
        """Stop being the current instance: the replacement serves."""
        self._unseen = True

    def show_failed_update(self, failure: Failure) -> None:
        """Show why the new version failed; this instance keeps serving."""
        self._move(
            self.state.state,
            detail=f"new version failed to start; this instance keeps serving: {failure.detail}",
            cause=failure.cause,
            last_lines=failure.last_lines,
        )

    async def hold_down(self) -> None:
        """Kill it and start it no more, as a fault wants it, until `let_up`."""
        self._allowed.clear()
        if self._running is not None:
            await self._signal(self._running, signal.SIGKILL)
            await self._running.exited
            self._move(self.state.state, pid=None)  # at once: a drill looks at it next

    def let_up(self) -> None:
        """Let it start again, at once."""
        self._allowed.set()
        self._wake.set()

    async def follow(self) -> None:
        """Make its users wait until `lead`; a running process is stopped, and started again."""
        self._leads.clear()
        self._set_ready(False)
        if self._running is not None:
            await self._signal(self._running, signal.Signals[self.node.launch.stop_signal])
            await self._running.exited

    def lead(self) -> None:
        """Set it up, as it takes writes from now on, and serve."""
        self._leads.set()

    async def stop(self) -> None:
        """Send the stop signal once its queue is accepted, give it time to drain, then kill it."""
        self._stopping = True
        self._wake.set()
        await self._spawned.wait()  # a process that is just being made must be known to be stopped
        running = self._running
        if running is not None and not running.exited.done():
            self._move(state.STOPPING)
            began, grace_s = time.monotonic(), self.node.launch.grace_s
            await self._signal(running, signal.SIGCONT)  # a stopped one (SIGSTOP) receives nothing
            await self._hook(self.node.launch.before_stop, grace_s)
            if self.ready.is_set():  # what does not answer accepts nothing more
                ports = self.node.listening
                await wait_until_accepted(ports, running.exited, self.log, grace_s / 2)
            left_s = grace_s - (time.monotonic() - began)
            own = self.node.launch.stop_command
            if own is None or not await self._hook(own, left_s):
                await self._signal(running, signal.Signals[self.node.launch.stop_signal])
            left_s = grace_s - (time.monotonic() - began)
            done, _ = await asyncio.wait([running.exited], timeout=max(0.0, left_s))
            if not done:
                self.log.note(f"still running after {grace_s:g} s: SIGKILL")
                await self._signal(running, signal.SIGKILL)
        if self._task is not None:
            if running is None:
                self._task.cancel()
            await asyncio.wait([self._task])
        self.context.reservations.release(self.node.listening)
        self._come_out(Failure("it was stopped", ""))
        self._move(state.STOPPED, pid=None, detail="")
        self.log.close()

    async def _hook(self, hook: Hook | None, at_most_s: float) -> bool:
        """Run a hook of its end; return whether it ended with 0, and note why not."""
        if hook is None or self._place is None:
            return False
        failure = await hooks.run(hook, self._place, at_most_s)
        if failure:
            self.log.note(failure)
        return not failure

    def _come_out(self, failure: Failure | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(failure)

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready.is_set():
            self.ready.set() if ready else self.ready.clear()
            self.context.changed()

    async def _signal(self, running: RunningProcess, number: int) -> None:
        group = self.node.launch.signal_group and number != signal.SIGKILL
        with contextlib.suppress(OSError):  # the guard is gone, and its children with it
            await running.signal(number, group)

    def _record(self) -> None:
        if not self._unseen:
            self.context.record(self.state)

    def _move(self, to: str, **changes: object) -> None:
        for key in ("detail", "cause"):  # a probe's answer may hold anything
            if key in changes:
                changes[key] = self.log.redact(str(changes[key]))
        self.state = transition(self.state, to, **changes)
        self._record()

    def _report(self, detail: str) -> None:
        if self.state.detail != detail:
            self._move(self.state.state, detail=detail)

    async def _live(self) -> None:
        ends = lost = 0
        while not self._stopping:
            self._port_lost = False
            healthy_since, failure, status = None, "", None
            try:
                await self._wait_for_others()
                self._move(state.PREPARING, detail="")
                folder = folder_of(self.context.home, self.node.name, self.node.launch)
                await prepare(folder, self.node.launch, self.context.secrets, self.context.spawner)
                self._take_over_ports()
                healthy_since, failure, status = await self._run_once(folder)
            except (TarmacError, OSError) as error:
                failure = str(error) or type(error).__name__
                self.log.note(failure)
                if isinstance(error, PortTaken):
                    self._lose_port()
            except Exception as error:  # noqa: BLE001 - whatever it is, the node must not be lost
                traceback.print_exc()  # into the supervisor's own log
                failure = f"{type(error).__name__}: {error}"
            self._set_ready(False)
            if self._stopping:
                break
            for port in self.node.listening:
                self.context.reservations.take(port)
            host, seen = self.context.host, self._seen
            explained = diagnosis.explain(self.node, host, failure, status, self.log, seen)
            self._come_out(explained)
            if self._unseen:
                break  # the previous instance keeps serving
            spell_s = time.monotonic() - healthy_since if healthy_since is not None else 0.0
            lost = lost + 1 if self._port_lost else 0
            # It has another port then; one that cannot move finds the same one taken again.
            ends = 1 if spell_s > SPELL_S or lost == 1 else ends + 1
            await self._back_off(ends, explained, status)

    def _take_over_ports(self) -> None:
        self.context.reservations.release(self.node.listening)
        for port in sorted(self.node.listening):
            if not is_free(port):
                raise PortTaken(f"port {port} is taken by {listeners.holder(port)}")

    def _lose_port(self) -> None:
        self._port_lost = True
        self.context.port_lost(self.node.name)

    async def _wait_for_others(self) -> None:
        if not self._allowed.is_set():
            self._move(state.WAITING, pid=None, detail="held down by a fault")
            await self._allowed.wait()
        for name in self.node.after:
            if self.context.not_ready((name,)):
                self._move(state.WAITING, pid=None, detail=f"waits for {name}")
                await self.context.wait_ready(name)

    async def _run_once(self, folder: Path) -> tuple[float | None, str, int | None]:
        """Start and watch until the end.

        Returns:
            When it became healthy (monotonic) or None; what failed; the exit status.
        """
        launch, context = self.node.launch, self.context
        env = {name: reveal(value, context.secrets) for name, value in launch.env.items()}
        cwd = Path(launch.cwd.replace("{folder}", str(folder)))
        self._healthy_since = None
        self._seen = ""
        self.log.tail.clear()  # the last lines of an earlier try explain nothing
        prober = Prober(launch, context, env=env, cwd=cwd)
        self._place = hooks.HookPlace(env, cwd, context.spawner, self.log)
        self.log.on_line = prober.look
        if self._stopping:  # `stop` has looked for a process already, and found none
            return None, "it was stopped", None
        self._spawned.clear()
        try:
            running, output = await start.start(
                self.node, context, env=env, cwd=cwd, folder=folder, log=self.log
            )
            self._running = running
        finally:
            self._spawned.set()
        self._move(state.STARTING, pid=running.pid, exit_status=None, detail="")
        started = time.monotonic()
        watch = asyncio.create_task(self._watch(prober))
        either: list[asyncio.Future[Any]] = [watch, running.exited]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            failure = ""
            if watch.done() and not running.exited.done():
                failure = watch.result()
                if "nothing listens" in failure:
                    self._seen = diagnosis.wrong_port(self.node, running.pid, self.context.host)
                self.log.note(f"{failure}: it is stopped")
                await self._signal(running, signal.SIGKILL)
            status = await running.exited
        finally:
            watch.cancel()
            if not running.exited.done():  # something went wrong here: it must not run on unseen
                await self._signal(running, signal.SIGKILL)
                await running.exited
            self._running = None
        lived_s = time.monotonic() - started
        is_soon = lived_s < settled.LONGEST_START_S and not self._stopping
        self._ended_after_s = lived_s if is_soon else 0.0
        await output.drain()
        ending = f"ended {diagnosis.ending(status)}"
        self.log.note(ending)
        return self._healthy_since, failure or ending, status

    async def _back_off(self, ends: int, failure: Failure, status: int | None) -> None:
        looping = ends >= CRASH_LOOP_ENDS
        delay_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (ends - 1))
        if looping:
            delay_s = LONGEST_BACKOFF_S
        self._move(
            state.CRASH_LOOP if looping else state.BACKOFF,
            pid=None,
            exit_status=status,
            restarts=self.state.restarts + 1,
            detail=f"{failure.detail}; next try in {delay_s:.1f} s",
            cause=failure.cause,
            last_lines=failure.last_lines,
        )
        self._wake.clear()
        try:
            async with asyncio.timeout(delay_s * random.uniform(0.8, 1.2)):  # noqa: S311 - jitter
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _watch(self, prober: Prober) -> str:
        """Probe it through booted, ready and healthy; return why it must be ended."""
        if late := await self._answers_or_misplaced(prober):
            return late
        if wrong := self._foreign_listener():
            self._lose_port()
            return wrong
        if not self._leads.is_set():
            self._report("follows the server of another copy")
            await self._leads.wait()
        try:
            for step in self.node.launch.setup:
                await contents.say(step.url, step.statements, self.context.secrets)
            if (told := self.node.launch.post_start) is not None:
                await set_up_server(self.context.host, told, self.context.secrets)
            await self.context.once_ready(self.node)
        except TarmacError as error:
            return str(error)
        self._move(state.READY, detail="", cause="", last_lines=())
        self._set_ready(True)
        self._come_out(None)
        soon_s = settled.LONGEST_START_S if self._well == state.RUNNING else 0.0
        if left := await unless_left(self._stay_healthy(prober), self.log.tail, soon_s):
            return left
        await asyncio.Event().wait()  # it is being stopped: its end ends this too
        return ""

    async def _answers(self, prober: Prober, report: Callable[[str], None]) -> str:
        """Wait until it is booted and ready, and its hook has ended; return why not."""
        hook, place = self.node.launch.after_start, self._place
        if hook is None or place is None:
            return await self._probed(prober, report)
        return await hooks.first_failure(hooks.run(hook, place), self._probed(prober, report))

    async def _probed(self, prober: Prober, report: Callable[[str], None]) -> str:
        if late := await prober.booted(report):
            return late
        self._move(state.BOOTED)
        if late := await prober.ready(report):
            return late
        if self._running is not None and self._well == state.RUNNING:
            await settled.until_settled(self._running.pid, self._ended_after_s)
        return ""

    async def _answers_or_misplaced(self, prober: Prober) -> str:
        """Wait until it is ready; return why not, early where it serves elsewhere or has ended."""
        running, elsewhere = self._running, ""

        def show(seen: str) -> None:
            nonlocal elsewhere
            elsewhere = seen

        answers = self._answers(prober, lambda detail: self._report(elsewhere or detail))
        ready = asyncio.create_task(answers)
        tasks = {ready}
        if self.node.role == "service":
            tasks.add(asyncio.create_task(left_waiting(self.log.tail)))
        if running is not None and self.node.role == "service" and self.node.listening:
            looking = misplaced(self.node, running.pid, self.context.host, show)
            tasks.add(asyncio.create_task(looking))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return (ready if ready in done else done.pop()).result()
        finally:
            for task in tasks:
                task.cancel()

    def _foreign_listener(self) -> str:
        """Say so if it is not our process that answers: another one was faster on the port."""
        port = getattr(self.node.launch.ready, "port", None)
        if port is None or self._running is None or self.node.launch.in_container:
            return ""
        return listeners.other_listener(port, self._running.pid, self.node.name)

    async def _stay_healthy(self, prober: Prober) -> None:
        failed = 0
        while not self._stopping:
            complaint = await prober.complaint()
            failed = failed + 1 if complaint else 0
            if self._stopping:
                break
            missing = self.context.not_ready(self.node.needs)
            if failed >= UNHEALTHY_AFTER:
                self._set_ready(False)
                self._move(state.UNHEALTHY, detail=complaint)
            elif not failed and missing:
                self._set_ready(True)
                self._move(state.READY, detail=f"waits for {', '.join(missing)}")
            elif not failed:
                self._set_ready(True)
                if self._healthy_since is None:
                    self._healthy_since = time.monotonic()
                if self.state.state != self._well:
                    self._move(self._well, detail="")
            steady = self.state.state == self._well and not failed
            if missing:
                await self.context.readiness_changed.wait(1.0)
            else:
                steady_s = self.node.launch.steady_s
                await asyncio.sleep(until_next_s(steady_s) if steady else PATIENT_S)
