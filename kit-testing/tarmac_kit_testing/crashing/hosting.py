"""The hosted services: their lives one after the other, and the network between them.

Used by the World. Calls between services go through here, so that one that ends cuts them off; a
new call to a service that is down waits until it is back, as behind a balancer.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tarmac_kit.client import Response
from tarmac_kit.tokens import TokenVerifier
from tarmac_kit_testing.crashing.broker import MemoryBroker
from tarmac_kit_testing.crashing.counting import CRASHED, StepCounter
from tarmac_kit_testing.crashing.host import host
from tarmac_kit_testing.crashing.peer import Answer, Peer, PeerError, PeerGone
from tarmac_kit_testing.crashing.process import ServiceProcess
from tarmac_kit_testing.crashing.rows import DatabaseRows
from tarmac_kit_testing.crashing.service import HostedService

#: How long a service may take to start.
START_S = 20.0
POLL_S = 0.01

#: A third party: gets method, path, headers and body of a call, and answers it.
Outside = Callable[[dict[str, Any]], Awaitable[Response]]


class ServiceHost:
    """Processes that serve, are ended, and begin again."""

    def __init__(
        self, services: Sequence[HostedService], verifier: TokenVerifier, folder: Path, seed: int
    ) -> None:
        self.services = {service.name: service for service in services}
        self.seed = seed
        self.broker = MemoryBroker()
        self.outside: dict[str, Outside] = {}
        self.databases: dict[str, DatabaseRows] = {}
        self.counters = {name: StepCounter() for name in self.services}
        self.lives: dict[str, ServiceProcess] = {}
        #: What went wrong with a process that was not meant to end.
        self.trouble: list[str] = []
        self._folder = folder
        self._verifier = verifier
        self._tasks: set[asyncio.Task[None]] = set()
        self._up = {name: asyncio.Event() for name in self.services}
        self._died = dict.fromkeys(self.services, False)
        #: Those that are ended here, not by a step: whether their databases are emptied meanwhile.
        self._ended: dict[str, bool] = {}
        #: At which step of its start the next life is to end.
        self._next: dict[str, int] = {}
        #: Those that do not start.
        self._broken: set[str] = set()
        self._calling = 0
        self._ending = False

    # Lives.

    async def start(self, name: str) -> None:
        """Begin a life of a service and wait until it is ready."""
        urls = {store: database.url for store, database in self.databases.items()}
        service, counter = self.services[name], self.counters[name]
        if name in self._next:
            counter.arm(self._next.pop(name))
        log = self._folder / f"{name}.log"
        life = self.lives[name] = ServiceProcess(
            lambda sock: host(service, urls, counter, self._verifier, sock, log),
            partial(self._serve, name, lambda: self.lives[name].peer),
        )
        counter.disarm()  # here: the process has its own word of it
        task = asyncio.create_task(self._live(name, life))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        async with asyncio.timeout(START_S):
            await life.ready
        self._up[name].set()

    async def _live(self, name: str, life: ServiceProcess) -> None:
        code = await life.run()
        self._up[name].clear()
        self.broker.lost(life.peer)
        if self._ending:
            return
        self._died[name] = code == CRASHED
        if name not in self._ended and code != CRASHED:
            last = self.log(name).splitlines()[-3:]
            self.trouble.append(f"{name} ended by itself with {code}: {' | '.join(last)}")
            if not life.was_ready:
                self._broken.add(name)  # it would end so again
                return
        await self._start_again(name, emptied=self._ended.pop(name, False))

    async def _start_again(self, name: str, *, emptied: bool) -> None:
        """Begin the next life, with databases as the last one left them, or with empty ones."""
        try:
            others = [service for service in self.services.values() if service.name != name]
            for store in self.services[name].stores.values():
                alone = not any(store in other.stores.values() for other in others)
                await self.databases[store].bury(alone=alone)
                if emptied and alone:
                    await self.databases[store].empty()
            await self.start(name)
        except ConnectionError:
            return  # it ended before it was ready: `_live` of that life sees to it
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to say so
            self.trouble.append(f"{name} does not restart: {error}")
            self._broken.add(name)

    async def restart_at(self, name: str, die_at: int) -> None:
        """Start a service on empty databases, to die at step `die_at` of its start, and wait."""
        self._next[name] = die_at
        self._end(name, emptied=True)
        await self.all_up()
        await self.disarm(name)

    async def replace_all(self) -> None:
        """Restart all services: an interrupted one may still be running, or did not start."""
        broken = [*self._broken]
        for name in self.services:
            if name not in broken:
                self._end(name, emptied=False)
        for name in broken:
            self._broken.discard(name)
            self.lives[name].kill()
            await self._start_again(name, emptied=True)
        await self.all_up()

    def _end(self, name: str, *, emptied: bool) -> None:
        self._ended[name] = emptied
        self._up[name].clear()
        self.lives[name].kill()

    async def all_up(self) -> None:
        """Wait until every service is ready; raise ConnectionError for one that will not be."""
        end = time.monotonic() + START_S
        while down := [name for name, up in self._up.items() if not up.is_set()]:
            if self._broken or time.monotonic() > end:
                why = "; ".join(self.trouble) or "no output"
                raise ConnectionError(f"{', '.join(down)}: not ready: {why}")
            await asyncio.sleep(POLL_S)

    async def end(self) -> None:
        """End every process."""
        self._ending = True
        for life in self.lives.values():
            life.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def arm(self, name: str, number: int, only: str = "") -> None:
        """Have a service die at step `number` from now on; it may be dying of an earlier one.

        Args:
            only: the steps that are counted; see `Counter.arm`.
        """
        end = time.monotonic() + START_S
        while True:
            await self.all_up()
            self.counters[name].arm(0)
            try:
                await self.lives[name].peer.ask("arm", die_at=number, only=only, seed=self.seed)
                self._died[name] = False
                return
            except PeerGone:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(POLL_S)

    async def disarm(self, name: str) -> None:
        """Have a service die no more; it may have, at the last moment."""
        with contextlib.suppress(PeerGone):
            await self.lives[name].peer.ask("disarm")

    def died_at(self, service: str, number: int, only: str = "") -> str:
        """Return what the step was that ended a service; empty if it went on."""
        words = [word for word in self.counters[service].words if re.search(only, word)]
        return words[number - 1] if 0 < number <= len(words) and self._died[service] else ""

    def log(self, service: str) -> str:
        """Read what a service has printed, in all its lives."""
        path = self._folder / f"{service}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    async def under_way(self) -> list[str]:
        """List unfinished work: processes, messages, calls, and the kit's own work."""
        found = [f"{name} is down" for name, up in self._up.items() if not up.is_set()]
        found += [] if self.broker.idle else ["messages are not handled"]
        found += [f"{self._calling} calls are not answered"] if self._calling else []
        if not found:
            for name, database in self.databases.items():
                found += [f"{name}: {what}" for what in await database.undone()]
        return found

    # The network.

    async def call(self, service: str, frame: dict[str, Any]) -> Response:
        """Carry a request to a service; raise ConnectionError when it ends before it answers."""
        if service in self.outside:
            return await self.outside[service](frame)
        self._calling += 1
        try:
            async with asyncio.timeout(START_S):
                await self._up[service].wait()
            answer = await self.lives[service].peer.ask("request", **frame)
        except PeerError as error:
            raise ConnectionError(f"{service}: {error}") from error
        except PeerGone:
            raise ConnectionError(f"{service} ended") from None
        finally:
            self._calling -= 1
        return Response(answer["status"], answer["headers"], answer["body"].encode("latin-1"))

    async def _serve(
        self, name: str, peer: Callable[[], Peer], verb: str, what: dict[str, Any], answer: Answer
    ) -> None:
        if verb == "publish":
            self.broker.publish(what["message"])
            answer(None)
        elif verb == "consume":
            self.broker.consume(what["topic"], what["group"], peer())
        elif verb == "call":
            found = await self.call(what["to"], what["request"])
            answer(
                {
                    "status": found.status,
                    "headers": dict(found.headers),
                    "body": found.body.decode("latin-1"),
                }
            )
        elif verb == "ready":
            self.lives[name].ready.set_result(None)
        elif verb == "failed":
            self.lives[name].failed(what["error"])
