"""The supervisor's side of the wires: keeps the listening sockets, starts the process, asks it.

Used by the supervisor only. It never carries data itself: that is `wires.py`, a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.base.target import WORLD
from tarmac.run.local.host.sockets import LOOPBACK_6, Reservations
from tarmac.run.local.network import wires
from tarmac.run.local.process.channel import Channel
from tarmac.run.local.process.spawn import RunningProcess, Spawner

if TYPE_CHECKING:  # the process is started before the model is loaded
    from tarmac.base.target import EdgeRule
    from tarmac.plan.plan import EdgeProxy
    from tarmac.run.local.process.table import Instance

NAME = "wires"
LOG = "wires.log"
ANSWER_S = 5.0
#: How long instances are not stopped because it may still connect to them.
SETTLE_S = 2.0
PAUSE_S = 0.2
#: How often to ask whether it lives, and after how many silences in a row it is given up.
CHECK_S = 2.0
SILENT_TIMES = 2
Counts = dict[str, dict[str, Any]]


class Wiring:
    """The wires of one system; the process is started by `begin`, or with the first of them."""

    def __init__(
        self, spawner: Spawner, log: Path, reservations: Reservations, name: str = NAME
    ) -> None:
        self._spawner = spawner
        self._log = log
        self._reservations = reservations
        self._name = name
        #: The sockets of each: that of its own port first, then those of its other addresses.
        self._listeners: dict[EdgeProxy, tuple[socket.socket, ...]] = {}
        self._targets: dict[EdgeProxy, tuple[Instance, ...]] = {}
        #: Those that come late, and listen at their names by now.
        self._named: set[EdgeProxy] = set()
        #: The process while it is not told of any wire.
        self._ahead: tuple[RunningProcess, Channel] | None = None
        self._channel: Channel | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._inspects = False
        #: How one end of a wire speaks TLS, by the wires' ids.
        self._tls: dict[str, Mapping[str, Any]] = {}
        self._pids: Mapping[str, Sequence[int]] = {}
        #: What faults do to wires, by their ids.
        self._rules: dict[str, Mapping[str, Any]] = {}
        #: How requests are split between two versions of a service, by the ids of its wires.
        self._splits: dict[str, Mapping[str, Any]] = {}
        #: Held while the process's settings change, or are sent to a new process.
        self._telling = asyncio.Lock()
        self._asks = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Counts]] = {}
        #: What the last process had counted before it was killed.
        self._before: Counts = {}
        self._latest: Counts = {}
        #: It did not answer the last time.
        self._silent = False

    async def begin(self) -> None:
        """Start the process before there is a wire: it loads while the supervisor does."""
        with contextlib.suppress(OSError):  # `_keep` tries again, and says why
            self._ahead = await self._spawn()

    async def apply(self, wanted: Iterable[EdgeProxy]) -> None:
        """Listen for the wanted wires and no others; those that stay keep their connections.

        The ports of new ones are held by the reservations, or are those of wires that go.
        """
        wanted = dict.fromkeys(wire for wire in wanted if wire.listen)
        async with self._telling:
            going: dict[int, socket.socket] = {}
            for wire in [wire for wire in self._listeners if wire not in wanted]:
                going[wire.listen], *named = self._listeners.pop(wire)
                for other in named:
                    other.close()
                self._targets.pop(wire, None)
                self._named.discard(wire)
                await self._tell({"op": "unwire", "id": wire.id})
            for wire in wanted:
                if wire not in self._listeners:
                    listener = going.pop(wire.listen, None)
                    listener = listener or self._reservations.hand_over(wire.listen)
                    # Connections of an earlier run may still be in TIME_WAIT; and those of this
                    # one inherit it, so that they do not keep the port from the next.
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    listener.listen(wires.BACKLOG)
                    self._listeners[wire] = (listener, *(() if wire.late else _elsewhere(wire)))
                    await self._tell_wire(wire, ())
            for listener in going.values():
                listener.close()
        if going:
            await self._ask()  # the next listener finds the port free
        if self._listeners and self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        elif self._keeper is None:
            self._let_go()

    async def secure(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        """Say how one end of each wire speaks TLS, by their ids, before `apply` makes new ones.

        One that is there goes on with its certificate, and takes the identities that it is told.
        """
        async with self._telling:
            for name, settings in wanted.items():
                if name in self._tls and self._tls[name] != settings:
                    change = {key: settings[key] for key in ("peers", "users")}
                    await self._tell({"op": "admit", "id": name, **change})
            self._tls = {**wanted}

    async def renew(self) -> None:
        """Read the certificates again."""
        await self._tell({"op": "renew"})

    async def own(self, pids: Mapping[str, Sequence[int]]) -> None:
        """Say which processes the system has, by the identity of their service."""
        async with self._telling:
            if pids != self._pids:
                self._pids = pids
                await self._tell({"op": "owners", "pids": pids})

    async def inspect(self, *, on: bool) -> None:
        """Count HTTP requests of connections that begin from now on, or no more."""
        async with self._telling:
            if on != self._inspects:
                self._inspects = on
                await self._tell({"op": "inspect", "on": on})

    async def disturb(self, wire: str, rule: EdgeRule | None) -> None:
        """Disturb a wire from now on; None ends the disturbance."""
        async with self._telling:
            if rule is None:
                self._rules.pop(wire, None)
            else:
                self._rules[wire] = asdict(rule)
            await self._tell({"op": "disturb", "id": wire, "rule": self._rules.get(wire)})

    async def split(
        self, wire: str, names: Iterable[str], share: float, rule: EdgeRule | None
    ) -> None:
        """Route a share of a wire's requests to these instances only.

        Args:
            share: of the requests that begin from now on, 0 to 1.
            rule: how the traffic of these instances is disturbed.
        """
        async with self._telling:
            data = None if rule is None else asdict(rule)
            wanted = {"op": "split", "names": sorted(names), "share": share, "rule": data}
            self._splits[wire] = wanted
            await self._tell({**wanted, "id": wire})

    async def point(self, targets: Mapping[EdgeProxy, tuple[Instance, ...]]) -> None:
        """Say which instances each wire may connect to now."""
        async with self._telling:
            for wire, instances in targets.items():
                if wire in self._listeners and self._targets.get(wire) != instances:
                    self._targets[wire] = instances
                    if wire.late and wire not in self._named and any(i.ready for i in instances):
                        await self._listen_late(wire)
                    await self._tell({"op": "targets", "id": wire.id, "targets": instances})

    async def _listen_late(self, wire: EdgeProxy) -> None:
        """Listen at a wire's names where its target, which listens by now, leaves them free."""
        self._named.add(wire)
        if named := (*_elsewhere(wire),):
            self._listeners[wire] += named
            await self._tell({"op": "unwire", "id": wire.id})
            await self._tell_wire(wire, self._targets[wire])

    async def counts(self) -> Counts:
        """Ask what went over each wire.

        While the process is started again, what it last said is what is known.
        """
        await self._ask()
        summed = {n: _sum(self._before.get(n), now) for n, now in self._latest.items()}
        return {**self._before, **summed}

    async def settle(self) -> None:
        """Return once it does what it was told; at once while it is known not to answer."""
        if not self._silent:
            await self._ask(SETTLE_S)

    async def _ask(self, within_s: float = ANSWER_S) -> bool:
        """Request its counts; return False if it runs but does not answer."""
        number = next(self._asks)
        answer: asyncio.Future[Counts] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            if self._channel is not None:
                async with asyncio.timeout(within_s):  # full of what was said, it takes no more
                    await self._tell({"op": "count", "ask": number})
                    self._latest = await answer
            self._silent = False
        except TimeoutError:
            self._silent = True
        except ConnectionError:
            self._silent = False
        finally:
            self._answers.pop(number, None)
        return not self._silent

    async def _look_after(self, running: RunningProcess) -> None:
        """Kill a process that does not answer any more: its users would wait for ever."""
        silent = 0
        while silent < SILENT_TIMES:
            await asyncio.sleep(CHECK_S)
            silent = 0 if await self._ask() else silent + 1
        print("wires: no answer; killed", flush=True)
        with contextlib.suppress(OSError):
            await running.signal(signal.SIGKILL, False)

    async def close(self) -> None:
        """End the process and let go of the ports."""
        self._let_go()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()
        self._listeners.clear()
        self._targets.clear()
        self._named.clear()

    def _let_go(self) -> None:
        """End a process that was told of no wire: it ends when its channel does."""
        if self._ahead is not None:
            self._ahead[1].close()
            self._ahead = None

    async def _tell(self, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        # If there is no process now, the next one gets all settings.
        if self._channel is not None:
            with contextlib.suppress(OSError):
                await self._channel.send(message, fds)

    async def _tell_wire(self, wire: EdgeProxy, targets: Sequence[Instance]) -> None:
        listeners = [listener.fileno() for listener in self._listeners[wire]]
        request = {
            "op": "wire",
            "id": wire.id,
            "targets": targets,
            "listeners": len(listeners),
            "tls": self._tls.get(wire.id),
        }
        await self._tell(request, listeners)

    async def _keep(self) -> None:
        """Start the process again whenever it ends: its listeners' queues wait meanwhile."""
        while True:
            try:
                await self._run_once()
            except OSError as error:
                print(f"wires: {error}", flush=True)
            await asyncio.sleep(PAUSE_S)

    async def _spawn(self) -> tuple[RunningProcess, Channel]:
        command = [sys.executable, "-I", wires.__file__]
        return await self._spawner.spawn_with_channel(self._name, command, env={}, log=self._log)

    async def _run_once(self) -> None:
        (running, channel), self._ahead = self._ahead or await self._spawn(), None
        looking = asyncio.create_task(self._look_after(running))
        try:
            async with self._telling:
                self._channel = channel
                if self._inspects:
                    await self._tell({"op": "inspect", "on": True})
                if self._pids:
                    await self._tell({"op": "owners", "pids": self._pids})
                for wire in self._listeners:
                    await self._tell_wire(wire, self._targets.get(wire, ()))
                for name, rule in self._rules.items():
                    await self._tell({"op": "disturb", "id": name, "rule": rule})
                for name, wanted in self._splits.items():
                    await self._tell({**wanted, "id": name})
            async for message in channel.messages():
                if (answer := self._answers.get(message["answer"])) and not answer.done():
                    answer.set_result(message["wires"])
            await running.exited
        finally:
            looking.cancel()
            self._channel = None
            channel.close()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the wires' process ended"))
            for name, now in self._latest.items():
                self._before[name] = {**_sum(self._before.get(name), now), "open": 0}
            self._latest = {}
            with contextlib.suppress(OSError):
                await running.signal(signal.SIGKILL, False)


def _elsewhere(wire: EdgeProxy) -> Iterator[socket.socket]:
    """Listen at the other addresses of a wire, as far as they can be had: those of its names.

    People say `localhost`, which is an address of IPv6, too. One that another process listens on at
    all addresses leads there already; below 1024 only root may listen.
    """
    if wire.source == WORLD:
        with contextlib.suppress(OSError):  # this machine has no IPv6
            yield _listener(socket.AF_INET6, LOOPBACK_6, wire.listen)
    for host, port in wire.named:
        try:
            yield _listener(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)
        except OSError as error:
            print(f"{wire.id}: not at {wire.target}:{port} ({error.strerror})", flush=True)


def _listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(wires.BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _sum(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """Add what an earlier process counted; `open` is only ever of now."""
    if before is None:
        return dict(now)
    summed = {
        key: before[key] + now[key]
        for key in ("connections", "errors", "bytes_sent", "bytes_received")
    }
    for key in ("requests", "durations", "admitted", "refused"):
        if key in before or key in now:
            summed[key] = Counter(before.get(key, {})) + Counter(now.get(key, {}))
    first = before["first_at"] or now["first_at"]
    return {**now, **summed, "first_at": first, "last_at": now["last_at"] or before["last_at"]}
