"""The supervisor: holds one system in the state that its plan describes, until it is told to stop.

A process of its own, started by `client`; it owns the guard, the processes, the state file and the
control socket. What it is told to do comes over the socket; what it does is read from the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac import registry, stores
from tarmac.errors import TarmacError
from tarmac.local import gather, sql, vault
from tarmac.local.fingerprint import fingerprint
from tarmac.local.guard import become_subreaper
from tarmac.local.ignored import not_acted_on
from tarmac.local.paths import Home
from tarmac.local.process import Process
from tarmac.local.sockets import LOOPBACK, Reservations
from tarmac.local.spawn import Spawner
from tarmac.local.state import StateFile
from tarmac.local.surroundings import Pulse, Surroundings
from tarmac.model.loader import load
from tarmac.plan import graph
from tarmac.plan.plan import Node, Plan
from tarmac.plan.resolve import LOCAL, resolve


@dataclass(frozen=True)
class Options:
    """How a system is to be run."""

    file: str
    namespace: str = "default"
    fast_stores: bool = False
    strict_ports: bool = False


@dataclass(frozen=True)
class Applied:
    """What a call of `apply` changed."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    notes: tuple[str, ...]


class AlreadyRunning(TarmacError):
    """Another supervisor holds this namespace."""


class Supervisor:
    """One namespace of one system."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.done = asyncio.Event()
        self._plan: Plan | None = None
        self._options: Options | None = None
        #: Nodes whose port somebody else took since it was chosen.
        self._lost: set[str] = set()
        self._processes: dict[str, Process] = {}
        self._fingerprints: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._pulse = Pulse()
        self._reservations = Reservations()
        self._changing = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        home.create()
        self._lock = home.lock.open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(f"{home.root}: another supervisor runs this namespace") from None
        become_subreaper()
        self.state = StateFile(home.state)
        self.state.clear()
        self._spawner = Spawner(self._guard_lost)

    async def apply(self, options: Options) -> Applied:
        """Load the model anew and bring what runs into line; what did not change stays as it is.

        Raises:
            TarmacError: the model is wrong or something is missing; nothing has changed then.
        """
        async with self._changing:
            try:
                plan, secrets = self._resolve(options)
            except BaseException:
                self._reservations.release_all()
                raise
            if self._spawner.guard_pid is None:
                await self._spawner.start()
            new = {node.name: fingerprint(node.launch, secrets) for node in plan.nodes}
            gone = [name for name in self._processes if name not in new]
            changed = [
                name
                for name in self._processes
                if name in new and new[name] != self._fingerprints[name]
            ]
            await self._stop([*gone, *changed])
            for name in gone:
                self.state.remove(name)
            self._options, self._plan, self._fingerprints = options, plan, new
            self._lost.clear()
            self._secrets.update(secrets)
            fresh = [node.name for node in plan.nodes if node.name not in self._processes]
            for position, node in enumerate(plan.nodes):
                if node.name not in self._processes:
                    process = Process(node, position, self._surroundings())
                    self._processes[node.name] = process
            self.state.set_meta(
                system=plan.system,
                file=str(Path(options.file).resolve()),
                namespace=plan.namespace,
                supervisor_pid=os.getpid(),
                guard_pid=self._spawner.guard_pid,
                started_at=time.time(),
                notes=plan.notes,
            )
            for name, process in self._processes.items():
                if name in fresh:
                    process.start()
                else:
                    process.try_now()
            return Applied(
                started=tuple(name for name in fresh if name not in changed),
                restarted=tuple(changed),
                stopped=tuple(gone),
                notes=plan.notes,
            )

    async def restart(self, names: Iterable[str]) -> None:
        """Stop these nodes and start them again, in the graph's order.

        Raises:
            TarmacError: a name that is not part of the system.
        """
        wanted = list(names) or list(self._processes)
        unknown = [name for name in wanted if name not in self._processes]
        if unknown:
            known = ", ".join(self._processes)
            raise TarmacError(f"{', '.join(unknown)}: not part of the system; choose from {known}")
        async with self._changing:
            old = {name: self._processes[name] for name in wanted}
            await self._stop(wanted)
            for name, process in old.items():
                around = process.around
                self._processes[name] = Process(process.node, process.state.position, around)
                self._processes[name].start()

    async def shut_down(self) -> None:
        """Stop everything, dependents first, then the guard."""
        async with self._changing:
            await self._stop(list(self._processes))
            self._reservations.release_all()
            await self._spawner.close()
            self.state.set_meta(supervisor_pid=None, guard_pid=None)
            self.state.close()
            self.done.set()

    def _resolve(self, options: Options) -> tuple[Plan, dict[str, str]]:
        kinds = registry.load(stores, "STORE")
        system = load(options.file, lambda path: Path(path).read_bytes())
        facts = gather.gather(
            system,
            kinds,
            self.home,
            namespace=options.namespace,
            running=self._held_ports(),
            take=self._reservations.take,
            fast_stores=options.fast_stores,
            strict_ports=options.strict_ports,
        )
        plan = resolve(system, LOCAL, facts, kinds)
        dotenv = vault.read_dotenv(Path(facts.folder) / ".env")
        secrets = vault.fill(self.home.secrets, plan.secrets, dotenv)
        gather.save(facts, self.home)
        return replace(plan, notes=(*plan.notes, *not_acted_on(system))), secrets

    def _held_ports(self) -> set[str]:
        return {
            f"{'services' if process.node.role == 'service' else 'stores'}/{name}/{port}"
            for name, process in self._processes.items()
            if name not in self._lost
            for port in (*process.node.ports, "health")
        }

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            home=self.home,
            host=LOOPBACK,
            spawner=self._spawner,
            secrets=self._secrets,
            record=self.state.put,
            not_ready=self._not_ready,
            pulse=self._pulse,
            wait_ready=self._wait_ready,
            reservations=self._reservations,
            port_lost=self._port_lost,
            once_ready=self._sow,
        )

    def _not_ready(self, names: tuple[str, ...]) -> list[str]:
        return [
            name
            for name in names
            if name not in self._processes or not self._processes[name].ready.is_set()
        ]

    async def _wait_ready(self, name: str) -> None:
        while self._not_ready((name,)):
            await self._pulse.wait(1.0)

    async def _sow(self, node: Node) -> None:
        if self._plan is None:
            return
        for seed in self._plan.seeds:
            if seed.service == node.name:
                await sql.sow(seed, self._secrets)

    async def _stop(self, names: Iterable[str]) -> None:
        """Stop in the reverse order of a start: what needs others goes first."""
        left = {name: self._processes[name] for name in names}
        order = graph.waves(_order({name: process.node for name, process in left.items()}))
        for group in reversed(order):
            await asyncio.gather(*(left[name].stop() for name in group))
        for name in left:
            del self._processes[name]

    def _port_lost(self, name: str) -> None:
        """Choose other ports for what lost its own: apply the same options again."""
        if not self._lost:
            self._in_background(self._choose_again())
        self._lost.add(name)

    async def _choose_again(self) -> None:
        await asyncio.sleep(0)  # the others that lost theirs at the same time join in
        if self._options is not None:
            with contextlib.suppress(TarmacError):  # the model is wrong now: its user will hear
                await self.apply(self._options)

    def _guard_lost(self) -> None:
        """Start another guard: the processes have seen their ends and will try again."""
        self._in_background(self._spawner.start())

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _order(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Say who goes after whom; callers wait for what they call unless calls go in a circle."""
    needs = {name: node.needs for name, node in nodes.items()}
    return {name: node.after for name, node in nodes.items()} if graph.cycle(needs) else needs
