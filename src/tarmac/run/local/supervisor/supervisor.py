"""The supervisor: holds one system in the state that its plan describes, until it is stopped.

A process of its own, started by `client`; it owns the guard, the processes, the state file and the
control socket. What it is told to do comes over the socket; what it does is read from the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.plan import scrape
from tarmac.plan.callers import issuer
from tarmac.plan.plan import Node
from tarmac.plan.ports import TELEMETRY
from tarmac.run.local.host import gather
from tarmac.run.local.host.sockets import LOOPBACK
from tarmac.run.local.network.connections import look
from tarmac.run.local.process.context import ProcessContext, ReadinessChanged
from tarmac.run.local.process.managed import ManagedProcess, manage
from tarmac.run.local.process.rolling_update import RollingUpdate
from tarmac.run.local.process.table import ProcessTable
from tarmac.run.local.state.options import Options
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor import caller_tokens
from tarmac.run.local.supervisor.context import SupervisorContext
from tarmac.run.local.supervisor.fingerprint import fingerprint
from tarmac.run.local.supervisor.resolver import ResolvedSystem, Resolver
from tarmac.run.local.supervisor.results import ApplyResult, EdgeCounts
from tarmac.run.local.supervisor.status import STARTUP_TIMEOUT_S
from tarmac.run.local.supervisor.telemetry import TelemetryProcess

#: How long a replaced instance goes on untold: some servers close a connection that was just made
#: and has not brought its request yet. (What is not even accepted, `Process.stop` waits for.)
SETTLE_S = 0.2
STARTING = "the system is still starting; try again"


class Supervisor:
    """One namespace of one system."""

    def __init__(self, context: SupervisorContext) -> None:
        self.home = context.home
        self.state = context.state
        self.done = asyncio.Event()
        #: Set once a client asks for --watch.
        self.watched = asyncio.Event()
        self.options: Options | None = None
        self._now: ResolvedSystem | None = None
        #: The model as it was last applied; asked again where instances get other ports.
        self._resolver: Resolver | None = None
        #: Nodes whose port another process took since it was chosen.
        self._lost: set[str] = set()
        self._fingerprints: dict[str, str] = {}
        #: Ports by key that what runs has.
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        self._readiness_changed = ReadinessChanged()
        self.processes = ProcessTable(self._readiness_changed)
        self._reservations = context.reservations
        self._changing = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        #: Previous instances that drain.
        self._leaving: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None
        self._context = context
        self.spawner = context.spawner
        self.spawner.on_guard_lost = self._guard_lost
        self._forks = context.forks
        self.wiring = context.wiring
        self._telemetry = TelemetryProcess(
            self.spawner, self.home, self._reservations, self.processes.wait_all_ready
        )
        self._rolling_update = RollingUpdate(self._exchange)
        self.caller_tokens = caller_tokens.CallerTokens(self.home)

    @property
    def now(self) -> ResolvedSystem | None:
        """What runs, as it was last resolved."""
        return self._now

    def required(self) -> ResolvedSystem:
        """Return what runs. Raises TarmacError while it starts."""
        if self._now is None:
            raise TarmacError(STARTING)
        return self._now

    @property
    def resolver(self) -> Resolver:
        """The model as it was last applied. Raises TarmacError while it starts."""
        if self._resolver is None:
            raise TarmacError(STARTING)
        return self._resolver

    async def apply(self, options: Options | None = None) -> ApplyResult:
        """Load the model again and apply what changed; the rest keeps running.

        What changed is replaced without downtime where possible: the new instance starts beside it.

        Args:
            options: how it is to be run from now on; None: as it is when its turn comes.

        Raises:
            TarmacError: the model is wrong or something is missing; nothing has changed then.
        """
        self._rolling_update.give_up("a newer change came")
        async with self._changing:
            self._refuse_at_the_end()
            self._rolling_update.allow()
            if (options := options or self.options) is None:
                raise TarmacError(STARTING)
            self._check(options)
            last = self.state.meta().get("options")
            before = Options.of(last) if last else None
            resolver = Resolver(options, self.home, self._reservations, self._secrets, before)
            now = resolver.resolve(self._held())
            changed = [
                name
                for name in self.processes
                # What has none was never started: an earlier call was cut short.
                if name in now.fingerprints
                and now.fingerprints[name] != self._fingerprints.get(name)
            ]
            self._resolver = resolver
            return await self._replace(options, now, changed)

    async def _replace(
        self, options: Options, now: ResolvedSystem, changed: list[str]
    ) -> ApplyResult:
        """Restart what changed, beside its previous instance where both can run at once."""
        resolver = self._resolver
        assert resolver is not None  # noqa: S101 - both callers have one
        moving = [
            node
            for node in map(now.plan.node, changed)
            if resolver.can_overlap(node)
            and self._rolling_update.can(self.processes[node.name], node, now.plan.wires)
        ]
        try:
            if moving:  # their new instances listen elsewhere
                resolver.release_ports()
                now = resolver.resolve(self._held(without=moving))
            applied = await self._carry_out(options, now, changed, [n.name for n in moving])
        except BaseException:
            resolver.release_ports(keep=frozenset(self._ports.values()))
            raise
        resolver.taken.clear()  # they are the processes' own now
        return applied

    async def _carry_out(
        self, options: Options, now: ResolvedSystem, changed: list[str], rolled: list[str]
    ) -> ApplyResult:
        plan, before, ports = now.plan, self._now, self._ports
        gone = [name for name in self.processes if name not in now.fingerprints]
        self._secrets.update(now.secrets)
        if before is not None and before.preloaded != now.preloaded:
            self._forks.retire()
        self._forks.warm(plan.interpreters)
        self.options, self._now = options, now
        if options.watch:
            self.watched.set()
        await self._stop([*gone, *(name for name in changed if name not in rolled)])
        for name in gone:
            self.state.remove(name)
        self._lost.clear()
        self._ports = dict(now.facts.ports)
        if before is None:
            self._in_background(self._renew_caller_tokens())
        self.caller_tokens.hand_out(plan.caller_edges, issuer(now.facts, now.system))
        await self.wiring.inspect(on=options.inspect)
        await self.wiring.apply(plan.wires)
        await self._telemetry.apply(now.facts.ports.get(TELEMETRY))
        fresh = [node.name for node in plan.nodes if node.name not in self.processes]
        for position, node in enumerate(plan.nodes):
            if node.name not in self.processes:
                self.processes[node.name] = manage(node, position, self._process_context())
        self._describe(options, now)
        for position, node in enumerate(plan.nodes):
            if node.name in fresh:
                self._fingerprints[node.name] = now.fingerprints[node.name]
                self.processes[node.name].start()
            elif node.name not in rolled:
                self.processes[node.name].keep(node, position)
        await self._point()
        gather.save(now.facts, self.home)
        failed = await self._rolling_update.run(
            plan, rolled, self.processes, self._process_context()
        )
        for name in rolled:
            if name not in failed:
                self._fingerprints[name] = now.fingerprints[name]
        self._keep_ports(ports, failed)
        return ApplyResult(
            started=tuple(name for name in fresh if name not in changed),
            restarted=tuple(name for name in changed if name not in failed),
            stopped=tuple(gone),
            notes=plan.notes,
            failed=failed,
        )

    def _describe(self, options: Options, now: ResolvedSystem) -> None:
        self.state.set_meta(
            system=now.plan.system,
            file=str(Path(options.file).resolve()),
            namespace=now.plan.namespace,
            supervisor_pid=os.getpid(),
            guard_pid=self.spawner.guard_pid,
            notes=(*self._context.notes, *now.plan.notes),
            dashboard=self._telemetry.link(now.facts.public_host),
            forked=now.plan.interpreters,
            startup_timeout_s=max(STARTUP_TIMEOUT_S, now.plan.slowest_s + STARTUP_TIMEOUT_S / 2),
            options=options.as_data(),
            off=sorted(now.facts.shape.off),
            groups={n: s.group for n, s in now.system.file.services.items() if s.group},
            commands={n: [*s.commands] for n, s in now.system.file.services.items() if s.commands},
            replaced=now.system.replaced,
        )

    def _keep_ports(self, before: Mapping[str, int], failed: Mapping[str, str]) -> None:
        """Go on with the old ports of what could not be replaced."""
        if not failed or self._now is None:
            return
        kept = {port for name in failed for port in self.processes[name].node.listening}
        self._ports |= {key: port for key, port in before.items() if port in kept}
        gather.save(replace(self._now.facts, ports=self._ports), self.home)

    async def _exchange(self, old: ManagedProcess, new: ManagedProcess) -> None:
        """Put a new instance in place of the previous instance, and let that one drain."""
        name = old.node.name
        self.processes[name] = new
        await self._point()
        await self.wiring.counts()  # it has applied the new targets
        self._readiness_changed.notify()
        self._leaving.add(leaving := asyncio.create_task(_retire(old)))
        leaving.add_done_callback(self._leaving.discard)

    async def restart(self, names: Iterable[str]) -> Mapping[str, str]:
        """Restart these nodes, or all of a service, by the model as it was last applied.

        Services are replaced without downtime where possible. With a store among the names, all
        are stopped before any is started: its users would lose it meanwhile.

        Returns:
            Why, for each that could not be replaced: its previous instance keeps serving.

        Raises:
            TarmacError: a name that is not part of the system.
        """
        names = list(names)
        self._rolling_update.give_up("a newer change came")
        async with self._changing:
            self._refuse_at_the_end()
            self._rolling_update.allow()
            wanted = self.processes.named(names)
            roles = {self.processes[name].node.role for name in wanted}
            options, resolver = self.options, self._resolver
            if options is not None and resolver is not None and not roles & {"store", "broker"}:
                now = resolver.resolve(self._held())
                return (await self._replace(options, now, wanted)).failed
        await self.restart_stopped(names)
        return {}

    async def renew(self, services: Collection[str], stores: Collection[str]) -> Mapping[str, str]:
        """Replace these services, which have other secrets now, as far as they have.

        Their stores go on: they know these already. Returns once no previous instance is left.

        Returns:
            Why, for each that could not be replaced: its previous instance keeps serving.
        """
        self._rolling_update.give_up("a newer change came")
        async with self._changing:
            self._refuse_at_the_end()
            self._rolling_update.allow()
            resolver = self.resolver
            resolver.read_given_again()
            edited = {
                name
                for name, process in self.processes.items()
                if fingerprint(process.node, self._secrets) != self._fingerprints.get(name)
            }
            now = resolver.resolve(self._held())
            changed, kept = [], []
            for name, process in self.processes.items():
                if now.fingerprints.get(name) == self._fingerprints.get(name):
                    continue
                if process.node.role == "service" and process.node.service in services:
                    changed.append(name)
                # A task that has run does not run again for this.
                elif process.node.service in {*services, *stores} and name not in edited:
                    kept.append(name)
            assert self.options is not None  # noqa: S101 - there is a resolver
            failed = (await self._replace(self.options, now, changed)).failed
            for name in kept:
                self._fingerprints[name] = now.fingerprints[name]
        await asyncio.gather(*self._leaving, return_exceptions=True)
        return failed

    async def restart_stopped(
        self, names: Iterable[str], between: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Stop these nodes, or all of a service, and start them again, in the graph's order.

        Args:
            between: done while they are stopped; they start again even if it fails.

        Raises:
            TarmacError: a name that is not part of the system.
        """
        async with self._changing:
            self._refuse_at_the_end()
            wanted = self.processes.named(names)
            old = {name: self.processes[name] for name in wanted}
            await self._stop(wanted)
            try:
                if between is not None:
                    await between()
            finally:
                for name, process in old.items():
                    again = manage(process.node, process.state.position, self._process_context())
                    self.processes[name] = again
                    self._fingerprints[name] = fingerprint(process.node, self._secrets)
                    again.start()

    async def edges(self) -> EdgeCounts:
        """Return what went over each edge, and which connections are undeclared."""
        if self._now is None:
            return EdgeCounts((), ())
        counted = await self.wiring.counts()
        plan = self._now.plan
        pids = {
            name: process.state.pid for name, process in self.processes.items() if process.state.pid
        }
        unseen = look(plan, pids)
        return EdgeCounts(
            tuple(
                asdict(wire) | {"direct": unseen.direct.get(wire.id, 0)} | counted.get(wire.id, {})
                for wire in plan.wires
            ),
            tuple(asdict(connection) for connection in unseen.undeclared),
        )

    @property
    def is_ending(self) -> bool:
        """Whether it was told to stop everything."""
        return self._ending is not None

    def begin_shut_down(self, by: str = "") -> asyncio.Task[None]:
        """Stop everything, once, however often it is requested; `by` is the first one's reason."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._shut_down(by))
        return self._ending

    async def _shut_down(self, by: str) -> None:
        """Stop everything, dependents first, then the guard; `by` is for clients that wait."""
        self._rolling_update.give_up("the system is being stopped")
        self._forks.give_up("the system is being stopped")
        async with self._changing:
            try:
                await asyncio.gather(*self._leaving, return_exceptions=True)
                self.processes.skip_drain = self.options is not None and self.options.temporary
                await self._stop(list(self.processes))
                await self.wiring.close()
                await self._telemetry.close()
                await self._forks.close()
                self._reservations.release_all()
                await self.spawner.close()  # whatever is still there ends with the guard
                with contextlib.suppress(sqlite3.Error, TarmacError):
                    self.state.set_meta(supervisor_pid=None, guard_pid=None, ended_by=by)
                    self.state.close()
            finally:
                self.done.set()

    def _refuse_at_the_end(self) -> None:
        if self.is_ending:
            raise TarmacError(f"{self.home.root}: the system is being stopped; try again")

    def _check(self, options: Options) -> None:
        """Refuse another system's file in the same folder, and what cannot change while it runs."""
        before = self.state.meta().get("file", "")
        if before and before != options.file and Path(before).exists():
            what = f"namespace '{options.namespace}' of this folder belongs to {before}"
            advice = "choose another with --namespace"
            raise BadInput([Problem(options.file, f"{what}; {advice}")])
        if problems := options.problems(self.options):
            raise BadInput([Problem(f"--{name}", what) for name, what in problems.items()])

    def _held(self, without: Iterable[Node] = ()) -> dict[str, int]:
        """List the ports of what runs; those that were lost, or are to be others, are not held.

        What the world knows stays with the wire; only where an instance itself listens is another.
        """
        lost = [self.processes[name].node for name in self._lost if name in self.processes]
        others = {port for node in (*lost, *without) for port in node.listening}
        return {key: port for key, port in self._ports.items() if port not in others}

    def _process_context(self) -> ProcessContext:
        return ProcessContext(
            home=self.home,
            host=LOOPBACK,
            spawner=self.spawner,
            forks=self._forks,
            secrets=self._secrets,
            record=self.state.put,
            not_ready=self.processes.not_ready,
            readiness_changed=self._readiness_changed,
            changed=self._changed,
            wait_ready=self.processes.wait_ready,
            reservations=self._reservations,
            port_lost=self._port_lost,
            once_ready=self._apply_seeds,
        )

    def _changed(self) -> None:
        self._readiness_changed.notify()
        self._in_background(self._point())

    async def _point(self) -> None:
        """Tell the wires and the telemetry process which instances there are."""
        if self._now is not None:
            wires = self._now.plan.wires
            if self._telemetry.is_wanted:
                nodes = [process.node for process in self.processes.values()]
                host = self._now.facts.host
                self._telemetry.observe(scrape.targets(nodes, self._now.system, host))
            await self.wiring.point({wire: self.processes.targets(wire) for wire in wires})

    async def _redirect(self) -> None:
        """Tell the wires which instances there are, and return once they connect to these only."""
        await self._point()
        await self.wiring.settle()

    async def _stop(self, names: Iterable[str]) -> None:
        names = list(names)
        await self.processes.stop(names, self._redirect)  # the wires send them no more connections
        for name in names:
            self._fingerprints.pop(name, None)

    async def _apply_seeds(self, node: Node) -> None:
        for seed in self._now.plan.seeds if self._now is not None else ():
            if seed.service == node.name:
                await contents.apply_seed(seed, self._secrets)

    def _port_lost(self, name: str) -> None:
        """Choose other ports for what lost its own: apply what there is again."""
        if not self._lost:
            self._in_background(self._choose_again())
        self._lost.add(name)

    async def _choose_again(self) -> None:
        await asyncio.sleep(0)  # the others that lost theirs at the same time join in
        try:
            await self.apply()
        except (TarmacError, OSError) as error:
            print(f"no other port found yet: {error}", flush=True)
        finally:
            self._lost.clear()

    def _guard_lost(self) -> None:
        """Start another guard: the processes have seen their ends and will try again."""
        self._in_background(self._start_guard())

    async def _renew_caller_tokens(self) -> None:
        while not self.is_ending:
            await asyncio.sleep(caller_tokens.CHECK_S)
            try:
                self.caller_tokens.renew()
            except OSError as error:  # they have half their life left
                print(f"caller tokens are not renewed yet: {error}", flush=True)

    async def _start_guard(self) -> None:
        while not self.is_ending:
            try:
                await self.spawner.start()
                self.state.set_meta(guard_pid=self.spawner.guard_pid)
                return
            except OSError as error:
                print(f"the guard did not start: {error}", flush=True)
                await asyncio.sleep(1.0)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _retire(old: ManagedProcess) -> None:
    """Stop a replaced instance, once the requests on their way to it have arrived."""
    await asyncio.sleep(SETTLE_S)
    await old.stop()
