"""The supervisor: holds one system in the state that its plan describes, until it is told to stop.

A process of its own, started by `client`; it owns the guard, the processes, the state file and the
control socket. What it is told to do comes over the socket; what it does is read from the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import time
import traceback
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tarmac import registry, stores
from tarmac.errors import BadInput, Problem, TarmacError
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
from tarmac.model.system import System
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


#: How often the supervisor looks whether its folder is still there.
HOME_CHECK_S = 1.0
#: Somebody who only looks whether the lock is held holds it for a moment.
LOCK_TRIES, LOCK_PAUSE_S = 20, 0.01


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
        self._ending = False
        home.create()
        self._lock = home.lock.open("a")
        _take_lock(self._lock, home)
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
            self._refuse_at_the_end()
            taken: set[int] = set()
            try:
                plan, secrets = self._resolve(options, taken)
                if self._spawner.guard_pid is None:
                    await self._spawner.start()
                new = {node.name: fingerprint(node.launch, secrets) for node in plan.nodes}
            except BaseException:
                self._reservations.release(taken)
                raise
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
                notes=plan.notes,
            )
            for position, node in enumerate(plan.nodes):
                if node.name in fresh:
                    self._processes[node.name].start()
                else:
                    self._processes[node.name].keep(node, position)
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
        async with self._changing:
            self._refuse_at_the_end()
            await self._restart(list(names) or list(self._processes))

    async def _restart(self, wanted: list[str]) -> None:
        unknown = [name for name in wanted if name not in self._processes]
        if unknown:
            known = ", ".join(self._processes)
            raise BadInput(
                [Problem(name, f"not part of the system; choose from {known}") for name in unknown]
            )
        old = {name: self._processes[name] for name in wanted}
        await self._stop(wanted)
        for name, process in old.items():
            self._processes[name] = Process(process.node, process.state.position, process.around)
            self._fingerprints[name] = fingerprint(process.node.launch, self._secrets)
            self._processes[name].start()

    async def shut_down(self) -> None:
        """Stop everything, dependents first, then the guard."""
        async with self._changing:
            self._ending = True
            try:
                await self._stop(list(self._processes))
                self._reservations.release_all()
                await self._spawner.close()  # whatever is still there ends with the guard
                with contextlib.suppress(sqlite3.Error):
                    self.state.set_meta(supervisor_pid=None, guard_pid=None)
                    self.state.close()
            finally:
                self.done.set()

    async def watch_home(self) -> None:
        """Return when the namespace's folder was deleted or replaced: nobody could stop us then."""
        ours = os.fstat(self._lock.fileno())
        while True:
            await asyncio.sleep(HOME_CHECK_S)
            try:
                there = self.home.lock.stat()
            except OSError:
                return
            if (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev):
                return

    def _refuse_at_the_end(self) -> None:
        if self._ending:
            raise TarmacError(f"{self.home.root}: the system is being stopped; try again")

    def _resolve(self, options: Options, taken: set[int]) -> tuple[Plan, dict[str, str]]:
        self._check_owner(options)

        def take(port: int) -> bool:
            if self._reservations.take(port):
                taken.add(port)
                return True
            return False

        kinds = registry.load(stores, "STORE")
        system = load(options.file, lambda path: Path(path).read_bytes())
        facts = gather.gather(
            system,
            kinds,
            self.home,
            namespace=options.namespace,
            running=self._held_ports(),
            take=take,
            fast_stores=options.fast_stores,
            strict_ports=options.strict_ports,
        )
        plan = resolve(system, LOCAL, facts, kinds)
        _check_seeds(system, plan)
        dotenv = vault.read_dotenv(Path(facts.folder) / ".env")
        secrets = vault.fill(self.home.secrets, plan.secrets, dotenv)
        gather.save(facts, self.home)
        return replace(plan, notes=(*plan.notes, *not_acted_on(system))), secrets

    def _check_owner(self, options: Options) -> None:
        """Refuse another system's file in the same folder: its data would be this one's."""
        before = self.state.meta().get("file", "")
        if before and before != options.file and Path(before).exists():
            raise BadInput(
                [
                    Problem(
                        options.file,
                        f"namespace '{options.namespace}' of this folder belongs to {before}; "
                        "choose another with --namespace",
                    )
                ]
            )

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
            stops = (left[name].stop() for name in group)
            for failed in await asyncio.gather(*stops, return_exceptions=True):
                if isinstance(failed, BaseException):
                    traceback.print_exception(failed)
        for name in left:
            del self._processes[name]

    def _port_lost(self, name: str) -> None:
        """Choose other ports for what lost its own: apply the same options again."""
        if not self._lost:
            self._in_background(self._choose_again())
        self._lost.add(name)

    async def _choose_again(self) -> None:
        await asyncio.sleep(0)  # the others that lost theirs at the same time join in
        try:
            if self._options is not None:
                await self.apply(self._options)
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


def _order(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Say who goes after whom; callers wait for what they call unless calls go in a circle."""
    needs = {name: node.needs for name, node in nodes.items()}
    return {name: node.after for name, node in nodes.items()} if graph.cycle(needs) else needs


def _take_lock(lock: IO[str], home: Home) -> None:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            time.sleep(LOCK_PAUSE_S)
    raise AlreadyRunning(f"{home.root}: another supervisor runs this namespace")


def _check_seeds(system: System, plan: Plan) -> None:
    """Find a seed file that is missing before anything starts, not when its turn comes."""
    missing = [seed for seed in plan.seeds if not Path(seed.file).is_file()]
    if missing:
        raise BadInput(
            Problem(
                str(system.locate(("stores", seed.store, "seed"))),
                f"the seed of {seed.store} is no file ({seed.file}); correct its path",
            )
            for seed in missing
        )
