"""The supervisor: holds one system in the state that its plan describes, until it is told to stop.

A process of its own, started by `client`; it owns the guard, the processes, the state file and the
control socket. What it is told to do comes over the socket; what it does is read from the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tarmac.errors import BadInput, Problem, TarmacError
from tarmac.local.client import PATIENCE_S
from tarmac.local.data import sql
from tarmac.local.edges.connections import undeclared
from tarmac.local.edges.wiring import Wiring
from tarmac.local.fingerprint import fingerprint
from tarmac.local.ground import Ground
from tarmac.local.machine import gather
from tarmac.local.machine.sockets import LOOPBACK, Reservations
from tarmac.local.nodes.lives import Life, begin
from tarmac.local.nodes.rolling import Rolls
from tarmac.local.nodes.roster import Roster
from tarmac.local.nodes.surroundings import Pulse, Surroundings
from tarmac.local.resolving import Options, Resolved, Resolver
from tarmac.plan.plan import Node

#: How long one that was replaced still listens: a connection that was made just before stands in
#: its queue, and ends with a reset if nobody takes it from there. Its user waits for nothing.
LET_IN_S = 0.2


@dataclass(frozen=True)
class Applied:
    """What a call of `apply` changed."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    notes: tuple[str, ...]
    #: Nodes whose new form does not start, and why; the old one serves on.
    failed: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """One namespace of one system."""

    def __init__(self, ground: Ground) -> None:
        self.home = ground.home
        self.state = ground.state
        self.done = asyncio.Event()
        #: Set once somebody asks that edits be served.
        self.watched = asyncio.Event()
        self.options: Options | None = None
        self._now: Resolved | None = None
        #: Nodes whose port somebody else took since it was chosen.
        self._lost: set[str] = set()
        self._fingerprints: dict[str, str] = {}
        #: Ports by key that what runs has.
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        self._pulse = Pulse()
        self._lives = Roster(self._pulse)
        self._reservations = Reservations()
        self._changing = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        #: Predecessors that finish what they have in hand.
        self._leaving: set[asyncio.Task[None]] = set()
        self._ending = False
        self._ground = ground
        self._spawner = ground.spawner
        self._spawner.on_guard_lost = self._guard_lost
        self._forks = ground.forks
        self._wiring = Wiring(self._spawner, self.home.logs / "wires.log", self._reservations)
        self._rolls = Rolls(self._exchange)

    @property
    def now(self) -> Resolved | None:
        """What runs, as it was last resolved."""
        return self._now

    async def apply(self, options: Options | None = None) -> Applied:
        """Load the model anew and bring what runs into line; what did not change stays as it is.

        What changed is replaced without a gap where it can be: its successor starts beside it.

        Args:
            options: how it is to be run from now on; None: as it is when its turn comes.

        Raises:
            TarmacError: the model is wrong or something is missing; nothing has changed then.
        """
        self._rolls.give_up("a newer change came")
        async with self._changing:
            self._refuse_at_the_end()
            self._rolls.allow()
            if (options := options or self.options) is None:
                raise TarmacError("the system is still starting; try again")
            self._check(options)
            resolver = Resolver(options, self.home, self._reservations)
            now = resolver.resolve(self._held())
            changed = [
                name
                for name in self._lives
                # What has none was never started: an earlier call was cut short.
                if name in now.fingerprints
                and now.fingerprints[name] != self._fingerprints.get(name)
            ]
            moving = [
                node
                for node in map(now.plan.node, changed)
                if resolver.can_be_two(node)
                and self._rolls.can(self._lives[node.name], node, now.plan.wires)
            ]
            if moving:  # their successors listen elsewhere
                resolver.give_back()
                now = resolver.resolve(self._held(without=moving))
            try:
                return await self._carry_out(options, now, changed, [n.name for n in moving])
            except BaseException:
                resolver.give_back(keep=frozenset(self._ports.values()))
                raise

    async def _carry_out(
        self, options: Options, now: Resolved, changed: list[str], rolled: list[str]
    ) -> Applied:
        plan, before, ports = now.plan, self._now, self._ports
        gone = [name for name in self._lives if name not in now.fingerprints]
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
        await self._wiring.apply(plan.wires)
        fresh = [node.name for node in plan.nodes if node.name not in self._lives]
        for position, node in enumerate(plan.nodes):
            if node.name not in self._lives:
                self._lives[node.name] = begin(node, position, self._surroundings())
        self._describe(options, now)
        for position, node in enumerate(plan.nodes):
            if node.name in fresh:
                self._fingerprints[node.name] = now.fingerprints[node.name]
                self._lives[node.name].start()
            elif node.name not in rolled:
                self._lives[node.name].keep(node, position)
        await self._point()
        gather.save(now.facts, self.home)
        failed = await self._rolls.run(plan, rolled, self._lives, self._surroundings())
        for name in rolled:
            if name not in failed:
                self._fingerprints[name] = now.fingerprints[name]
        self._keep_ports(ports, failed)
        return Applied(
            started=tuple(name for name in fresh if name not in changed),
            restarted=tuple(name for name in changed if name not in failed),
            stopped=tuple(gone),
            notes=plan.notes,
            failed=failed,
        )

    def _describe(self, options: Options, now: Resolved) -> None:
        self.state.set_meta(
            system=now.plan.system,
            file=str(Path(options.file).resolve()),
            namespace=now.plan.namespace,
            supervisor_pid=os.getpid(),
            guard_pid=self._spawner.guard_pid,
            notes=now.plan.notes,
            forked=now.plan.interpreters,
            patience_s=max(PATIENCE_S, now.plan.slowest_s + PATIENCE_S / 2),
            options=asdict(options),
        )

    def _keep_ports(self, before: Mapping[str, int], failed: Mapping[str, str]) -> None:
        """Go on with the old ports of what could not be replaced."""
        if not failed or self._now is None:
            return
        kept = {port for name in failed for port in self._lives[name].node.listening}
        self._ports |= {key: port for key, port in before.items() if port in kept}
        gather.save(replace(self._now.facts, ports=self._ports), self.home)

    async def _exchange(self, old: Life, new: Life) -> None:
        """Put a successor in its predecessor's place, and let that one drain."""
        name = old.node.name
        self._lives[name] = new
        await self._point()
        await self._wiring.counts()  # it has heard of it
        self._pulse.beat()
        self._leaving.add(leaving := asyncio.create_task(_retire(old)))
        leaving.add_done_callback(self._leaving.discard)

    async def restart(
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
            wanted = self._lives.named(names)
            old = {name: self._lives[name] for name in wanted}
            await self._stop(wanted)
            try:
                if between is not None:
                    await between()
            finally:
                for name, life in old.items():
                    again = begin(life.node, life.state.position, self._surroundings())
                    self._lives[name] = again
                    self._fingerprints[name] = fingerprint(life.node, self._secrets)
                    again.start()

    async def edges(self) -> dict[str, Any]:
        """Say what went over each edge, and which connections nobody declared."""
        if self._now is None:
            return {"edges": [], "undeclared": []}
        counted = await self._wiring.counts()
        plan = self._now.plan
        pids = {name: life.state.pid for name, life in self._lives.items() if life.state.pid}
        return {
            "edges": [asdict(wire) | counted.get(wire.id, {}) for wire in plan.wires],
            "undeclared": [asdict(each) for each in undeclared(plan, pids)],
        }

    async def shut_down(self) -> None:
        """Stop everything, dependents first, then the guard."""
        self._ending = True
        self._rolls.give_up("the system is being stopped")
        self._forks.give_up("the system is being stopped")
        async with self._changing:
            try:
                await asyncio.gather(*self._leaving, return_exceptions=True)
                self._lives.hasty = self.options is not None and self.options.temporary
                await self._stop(list(self._lives))
                await self._wiring.close()
                await self._forks.close()
                self._reservations.release_all()
                await self._spawner.close()  # whatever is still there ends with the guard
                with contextlib.suppress(sqlite3.Error, TarmacError):
                    self.state.set_meta(supervisor_pid=None, guard_pid=None)
                    self.state.close()
            finally:
                self.done.set()

    def _refuse_at_the_end(self) -> None:
        if self._ending:
            raise TarmacError(f"{self.home.root}: the system is being stopped; try again")

    def _check(self, options: Options) -> None:
        """Refuse another system's file in the same folder, and what cannot change while it runs."""
        before = self.state.meta().get("file", "")
        if before and before != options.file and Path(before).exists():
            what = f"namespace '{options.namespace}' of this folder belongs to {before}"
            advice = "choose another with --namespace"
            raise BadInput([Problem(options.file, f"{what}; {advice}")])
        if self.options is not None and self.options.direct != options.direct:
            given = "without wires (--direct)" if self.options.direct else "with wires"
            raise BadInput([Problem("--direct", f"the system runs {given}; stop it first")])

    def _held(self, without: Iterable[Node] = ()) -> dict[str, int]:
        """List the ports of what runs; those that were lost, or are to be others, are not held.

        What the world knows stays with the wire; only where an instance itself listens is another.
        """
        lost = [self._lives[name].node for name in self._lost if name in self._lives]
        others = {port for node in (*lost, *without) for port in node.listening}
        return {key: port for key, port in self._ports.items() if port not in others}

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            home=self.home,
            host=LOOPBACK,
            spawner=self._spawner,
            forks=self._forks,
            secrets=self._secrets,
            record=self.state.put,
            not_ready=self._lives.not_ready,
            pulse=self._pulse,
            changed=self._changed,
            wait_ready=self._lives.wait_ready,
            reservations=self._reservations,
            port_lost=self._port_lost,
            once_ready=self._sow,
        )

    def _changed(self) -> None:
        self._pulse.beat()
        self._in_background(self._point())

    async def _point(self) -> None:
        """Tell the wires which instances there are."""
        if self._now is not None:
            wires = self._now.plan.wires
            await self._wiring.point({wire: self._lives.targets(wire) for wire in wires})

    async def _stop(self, names: Iterable[str]) -> None:
        names = list(names)
        await self._lives.stop(names, self._point)  # nobody is sent to them any more
        for name in names:
            self._fingerprints.pop(name, None)

    async def _sow(self, node: Node) -> None:
        for seed in self._now.plan.seeds if self._now is not None else ():
            if seed.service == node.name:
                await sql.sow(seed, self._secrets)

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
            print(f"no other port yet: {error}", flush=True)
        finally:
            self._lost.clear()

    def _guard_lost(self) -> None:
        """Start another guard: the processes have seen their ends and will try again."""
        self._in_background(self._start_guard())

    async def _start_guard(self) -> None:
        while not self._ending:
            try:
                await self._spawner.start()
                self.state.set_meta(guard_pid=self._spawner.guard_pid)
                return
            except OSError as error:
                print(f"no guard yet: {error}", flush=True)
                await asyncio.sleep(1.0)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _retire(old: Life) -> None:
    """Stop who was replaced, once it has taken in what was connected to it before that."""
    await asyncio.sleep(LET_IN_S)
    await old.stop()
