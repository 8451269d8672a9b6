"""The world around the hosted services, as a test sees it: customers, rows, and crashes.

Made by `crashing`. It knows no service but those that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import json as jsonlib
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from tarmac_kit.client import Response
from tarmac_kit.jsons import to_json
from tarmac_kit.tokens import TokenVerifier
from tarmac_kit_testing.crashing import rows
from tarmac_kit_testing.crashing.hosting import POLL_S, START_S, ServiceHost
from tarmac_kit_testing.crashing.report import CrashFinding, CrashReport, spread
from tarmac_kit_testing.crashing.service import HostedService
from tarmac_kit_testing.fake_tokens import signing_key, static_verifier

#: How long what is awaited may take to come: the end of an order, rest after a crash.
REST_S = 20.0
#: Between two polls for unfinished work.
LONGEST_PAUSE_S = 0.1

#: Checks the quiescent world, given what the journey returned; a sentence for each thing wrong.
Check = Callable[["World", Any], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Journey:
    """What a user does, from the first request to the last."""

    name: str
    #: Called again for each crash; retries, as a real user or client would.
    run: Callable[[World], Awaitable[Any]]
    check: Check


class World:
    """Services that run, and can be crashed."""

    def __init__(self, hosting: ServiceHost, rest_s: float | None) -> None:
        self.services = hosting.services
        self.broker = hosting.broker
        #: By host name, what answers calls in place of a service.
        self.outside = hosting.outside
        self.databases = hosting.databases
        self._hosting = hosting
        self._rest_s = rest_s
        #: Whether the last run went wrong, so that something of it may still be under way.
        self._doubtful = False
        #: The steps of the last start.
        self._started: tuple[str, ...] = ()

    @property
    def rest_s(self) -> float:
        """How long what is awaited may take to come."""
        return REST_S if self._rest_s is None else self._rest_s

    # What journeys and checks use.

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Response:
        """Send one request; raise ConnectionError when the service ends before it answers."""
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        body = ""
        if json is not None:
            body = jsonlib.dumps(json, default=to_json)
            sent.setdefault("content-type", "application/json")
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        frame = {"method": method, "path": path, "headers": sent, "body": body}
        return await self._hosting.call(service, frame)

    async def insist(
        self, service: str, method: str, path: str, *, within_s: float | None = None, **options: Any
    ) -> Response:
        """Repeat a request until it is answered, and not with 5xx, 409 in progress or 429."""
        end = time.monotonic() + (START_S if within_s is None else within_s)
        while True:
            try:
                answer = await self.request(service, method, path, **options)
                if answer.status < 500 and answer.status not in (425, 429):
                    busy = answer.status == 409 and answer.json()["code"] == "request_in_progress"
                    if not busy:
                        return answer
                said = f"{answer.status} {answer.body.decode()[:300]}"
            except ConnectionError as error:
                said = str(error)
            if time.monotonic() > end:
                raise TimeoutError(f"{method} {service}{path}: {said}")
            await asyncio.sleep(POLL_S)

    async def until(
        self, service: str, path: str, good: Callable[[Any], bool], **options: Any
    ) -> Any:
        """GET until the JSON answer is good; return it."""
        end = time.monotonic() + self.rest_s
        while True:
            answer = await self.insist(service, "GET", path, **options)
            found = answer.json()
            if answer.ok and good(found):
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"GET {service}{path}: still {found}")
            await asyncio.sleep(POLL_S)

    async def rows(self, database: str, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Look into a database; one that was not named has its service's name."""
        return await self.databases[database].fetch(query, *args)

    def steps(self, service: str) -> tuple[str, ...]:
        """Return what each step was that a service took in the last run."""
        return self._hosting.counters[service].words

    def log(self, service: str) -> str:
        """Read what a service has printed, in all its lives."""
        return self._hosting.log(service)

    # Crashing.

    async def crash_everywhere(
        self,
        service: str,
        journey: Journey,
        *,
        most: int | None = None,
        only: str = "",
        starting: bool = False,
    ) -> CrashReport:
        """Run the journey, and again for each of its steps with the service dying there.

        Args:
            starting: the service dies at the steps of its start on an empty database, migrations
                and all, and the journey begins when it is up at last.
            most: how many steps to try, spread evenly by the World's seed; None: every one.
            only: a regular expression; the steps that it is found in, as `publish|COMMIT`.
        """
        began = time.monotonic()
        found: list[CrashFinding] = []
        await self.crash_at(service, journey, 0)  # what is asked once only, and kept
        wrong, _ = await self.crash_at(service, journey, 0, starting=starting)
        steps = self._started if starting else self.steps(service)
        name = f"start, {journey.name}" if starting else journey.name
        report = CrashReport(name, service, len(steps))
        if wrong:
            return replace(report, findings=(CrashFinding(0, "", wrong),))
        fit = [number for number, words in enumerate(steps, 1) if re.search(only, words)]
        tried = spread(len(fit), most, self._hosting.seed)
        if starting:  # the same at each start: no sweep is in between
            tried, only = tuple(fit[place - 1] for place in tried), ""
        missed = []
        for number in tried:
            wrong, words = await self.crash_at(
                service, journey, number, only=only, starting=starting
            )
            if not words:
                missed.append(number)
            if wrong:
                found.append(CrashFinding(number, words or "not reached", wrong))
        return replace(
            report,
            tried=tried,
            not_reached=tuple(missed),
            findings=tuple(found),
            took_s=time.monotonic() - began,
        )

    async def crash_at(
        self,
        service: str,
        journey: Journey,
        number: int,
        *,
        only: str = "",
        starting: bool = False,
    ) -> tuple[tuple[str, ...], str]:
        """Run the journey once, with the service dying at step `number`; 0 is never.

        Args:
            only: a regular expression; it is the `number`th of the steps that it is found in.
            starting: of its start on an empty database, instead of the journey.

        Returns:
            What is wrong at the end, and the step at which it died ("" if it was not reached).
        """
        await self.fresh()
        try:
            if starting:
                await self._hosting.restart_at(service, number)
                self._started = self.steps(service)
                await self._put_back()
            else:
                await self._hosting.arm(service, number, only)
            async with asyncio.timeout(self.rest_s + START_S):
                result = await journey.run(self)
        except (TimeoutError, ConnectionError, AssertionError, LookupError, ValueError) as error:
            wrong = [f"the journey failed: {type(error).__name__}: {error}"]
            with contextlib.suppress(ConnectionError):
                await self._hosting.all_up()
        else:
            wrong = [*await self._when_quiescent(journey.check, result)]
        await self._hosting.disarm(service)
        wrong += self._hosting.trouble
        self._doubtful = bool(wrong)
        return tuple(wrong), self._hosting.died_at(service, number, "" if starting else only)

    async def fresh(self) -> None:
        """Put all rows back and drop all messages; services that died are started again."""
        if self._doubtful:
            await self._hosting.replace_all()
        for name in self.services:
            await self._hosting.arm(name, 0)
        self._hosting.trouble.clear()
        self.broker.forget()
        await self._put_back()

    async def _put_back(self) -> None:
        await asyncio.gather(*(database.put_back() for database in self.databases.values()))

    async def _when_quiescent(self, check: Check, result: Any) -> Sequence[str]:
        """Wait until nothing is under way and nothing is wrong, as long as that may take."""
        end, pause_s = time.monotonic() + self.rest_s, POLL_S
        while True:
            wrong: Sequence[str] = [*await self._hosting.under_way()]
            if not wrong:
                wrong = await check(self, result)
                if not wrong and not await self._hosting.under_way():
                    return ()
                # Nothing is under way: a sweep is awaited, and looking costs it time.
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            if time.monotonic() > end:
                return wrong or ["work is still in progress"]
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def crashing(
    server_url: str,
    services: Sequence[HostedService],
    *,
    verifier: TokenVerifier | None = None,
    seed: int = 1,
    rest_s: float | None = None,
) -> AsyncIterator[World]:
    """Run services, each in a process of its own, with databases on a PostgreSQL server.

    Args:
        server_url: of a role that may create databases; they are deleted at the end. A server
            without fsync does: processes crash here, not machines.
        verifier: checks access tokens; without one, those of `issue_token`.
        seed: of the sample of steps, and of `random` in the services.
        rest_s: how long `until` and the way to rest may take before what is not there or not
            right counts as wrong; your slowest sweep is faster. None: 20.
    """
    signing_key()  # made here, once: the services must believe the test's tokens
    prefix = f"crash_{uuid4().hex[:8]}"
    names: list[str] = []
    with tempfile.TemporaryDirectory(prefix="crashing-") as folder:
        believed = verifier or static_verifier()
        hosting = ServiceHost(services, believed, Path(folder), seed)
        try:
            for store in dict.fromkeys(
                store for service in services for store in service.stores.values()
            ):
                names.append(f"{prefix}_{len(names)}")
                hosting.databases[store] = await rows.create(server_url, names[-1])
            for service in services:
                await hosting.start(service.name)
            for service in services:
                for store in [*service.stores.values()][:1]:
                    await hosting.databases[store].apply_seed(service.seed)
            for database in hosting.databases.values():
                await database.keep()
            yield World(hosting, rest_s)
        finally:
            await hosting.end()
            for database in hosting.databases.values():
                await database.close()
            for name in names:
                await rows.drop(server_url, name)
