"""The chassis: what a part asks for, and the order in which a process starts and stops it.

`create_app` builds one per process and hands it to each part's `mount`, which declares; nothing
is opened before the process starts. It knows no part by name.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from fastapi import APIRouter, FastAPI

from tarmac_kit import cache as caches
from tarmac_kit import conventions, settings
from tarmac_kit.background import keep_running, pruning
from tarmac_kit.breaker import Breaker
from tarmac_kit.bus import make_bus
from tarmac_kit.cache import Cache
from tarmac_kit.client import Client, Transport
from tarmac_kit.consuming import observed
from tarmac_kit.database import Database
from tarmac_kit.health import Health, Probe
from tarmac_kit.idempotency import Idempotency
from tarmac_kit.inbox import Inbox
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Bus, Handler
from tarmac_kit.metrics import Metrics
from tarmac_kit.middleware import ASGIApp
from tarmac_kit.outbox import Outbox
from tarmac_kit.relay import Relay
from tarmac_kit.settings import M, Settings, SettingsError
from tarmac_kit.tokens import TokenVerifier
from tarmac_kit.transport import HttpTransport, json_fetcher

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Part:
    """A piece of a service: its name and the function that wires it into a process."""

    name: str
    #: Wires routes, stores and handlers; synchronous; opens nothing.
    mount: Callable[[Chassis], None]


class Chassis:
    """One per process: declared in `mount`, opened when the process starts."""

    def __init__(
        self,
        app: FastAPI,
        environ: Mapping[str, str],
        settings_: Settings,
        *,
        bus: Bus | None = None,
        transport: Transport | None = None,
        verifier: TokenVerifier | None = None,
    ) -> None:
        """Take the last three in place of those that the environment names."""
        self.app = app
        self.settings = settings_
        self.health = Health()
        self.metrics = Metrics(settings_.service_name)
        self._http = HttpTransport()
        self.transport: Transport = transport or self._http
        #: What is missing in the environment, collected over all parts.
        self.missing: list[str] = []
        #: Called when the process cannot go on; `serve` sets it.
        self.on_failure: Callable[[], None] = lambda: None
        self.wraps: list[Callable[[ASGIApp], ASGIApp]] = []
        self.mounting = ""
        self._environ = environ
        self._databases: dict[str, Database] = {}
        self._caches: dict[str, Cache] = {}
        self._clients: dict[str, Client] = {}
        self._outboxes: dict[int, Outbox] = {}
        self._inboxes: dict[int, Inbox] = {}
        self._idempotencies: dict[int, Idempotency] = {}
        self._verifier = verifier
        self._consumers: list[tuple[str, str, Handler]] = []
        self._backgrounds: list[tuple[str, Hook]] = []
        self._start_hooks: list[Hook] = []
        self._stop_hooks: list[Hook] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._opening: asyncio.Task[None] | None = None
        self._started = False
        self._failure = ""
        self.bus = bus
        if bus is None and settings_.broker_url:
            self.bus = make_bus(settings_.broker_url, service=settings_.service_name)
        if self.bus is not None:
            # Without it what is bound stands still: the outbox keeps, but nothing moves.
            bound = bool(settings_.publishes or settings_.consumes)
            self.check("broker", self.bus.ping, required=bound)
        self.check("started", self._has_started)

    # What a part asks for.

    def read(self, model: type[M]) -> M:
        """Return the part's own settings from the environment.

        A missing or wrong variable ends the process with a line for each, once all parts have
        said what they miss.
        """
        try:
            return settings.load(model, self._environ, service=self.settings.service_name)
        except SettingsError as error:
            self.missing.extend(error.lines)
            return settings.without_missing(model, self._environ)

    def database(
        self,
        url_env: str = "DATABASE_URL",
        *,
        migrations: Traversable | None = None,
        part: str = "",
    ) -> Database:
        """Return the database whose URL is in `url_env`; parts that name the same one share it."""
        found = self._databases.get(url_env)
        if found is None:
            url = self._require(url_env, f"bind a postgres store to the slot with env {url_env}")
            found = Database(
                url,
                name=url_env,
                pool_max=self.settings.database_pool_max,
                max_age_s=self.settings.database_connection_max_age_s,
            )
            self._databases[url_env] = found
            name = "database" if url_env == "DATABASE_URL" else url_env.removesuffix("_URL").lower()
            self.check(name, found.ping)
        if migrations is not None:
            found.add_migrations(part or self.mounting, migrations)
        return found

    def redis(self, url_env: str = "REDIS_URL") -> Cache | None:
        """Return the cache whose URL is in `url_env`, or None when no store is bound."""
        url = self._environ.get(url_env)
        if not url:
            return None
        found = self._caches.get(url_env)
        if found is None:
            found = caches.connect(
                url,
                prefix=f"{self.settings.service_name}:",
                count=self.metrics.cache,
                max_age_s=self.settings.redis_connection_max_age_s,
            )
            self._caches[url_env] = found
            name = "cache" if url_env == "REDIS_URL" else url_env.removesuffix("_URL").lower()
            self.check(name, found.ping, required=False)
        return found

    def client(self, role: str) -> Client:
        """Return the client for whoever plays `role`: `<ROLE>_URL`, `_TIMEOUT_S`, `_RETRIES`."""
        found = self._clients.get(role)
        if found is None:
            name = conventions.env_prefix(role)
            url = self._require(
                f"{name}_URL",
                f"let {self.settings.service_name} call a service that has the part {role}",
            )
            found = Client(
                role,
                url,
                self.transport,
                timeout_s=self._number(f"{name}_TIMEOUT_S", 2.0),
                retries=int(self._number(f"{name}_RETRIES", 1)),
                breaker=Breaker(),
                count=self.metrics.call,
            )
            self._clients[role] = found
        return found

    def bound(self, name: str) -> bool:
        """Say whether the variable `name` is set, for a call or store that may be left out."""
        return bool(self._environ.get(name))

    def outbox(self, database: Database) -> Outbox:
        """Return the outbox of `database`; its relay runs when a broker is bound."""
        found = self._outboxes.get(id(database))
        if found is None:
            found = Outbox(database, publishes=self.settings.publishes)
            self._outboxes[id(database)] = found
            if self.bus is not None:
                relay = Relay(
                    database,
                    self.bus,
                    keep_s=self.settings.outbox_keep_s,
                    published=self.metrics.published,
                )
                found.on_commit = relay.wake
                self.background("relay", relay.run)
        return found

    def inbox(self, database: Database) -> Inbox:
        """Return the inbox of `database`; its old rows are deleted in the background."""
        found = self._inboxes.get(id(database))
        if found is None:
            found = Inbox(database)
            self._inboxes[id(database)] = found
            self.background("inbox pruning", pruning(found.prune, self.settings.inbox_keep_s))
        return found

    def idempotency(self, database: Database) -> Idempotency:
        """Return the idempotency keys of `database`; they are kept for a day."""
        found = self._idempotencies.get(id(database))
        if found is None:
            found = Idempotency(database)
            self._idempotencies[id(database)] = found
            self.background("idempotency pruning", pruning(found.prune, 86_400.0))
        return found

    def consume(self, topic: str, handler: Handler, *, group: str) -> None:
        """Hand each message of `topic` to one `handler` per `group`; nothing if it is not bound."""
        if self.bus is not None and topic in self.settings.consumes:
            self._consumers.append((topic, group, observed(handler, group, self.metrics)))

    def include(self, router: APIRouter) -> None:
        """Serve the routes of `router`."""
        self.app.include_router(router)

    def check(self, name: str, probe: Probe, *, required: bool = True) -> None:
        """Let `/health/ready` ask `probe`, which raises when something is wrong.

        One that is not required is reported, and the service stays ready without it.
        """
        self.health.add(name, probe, required=required)

    def background(self, name: str, run: Hook) -> None:
        """Run `run` from start to stop; started again, with backoff, when it raises or returns."""
        self._backgrounds.append((name, run))

    def on_start(self, hook: Hook) -> None:
        """Call `hook` once the stores are open, before the service is ready."""
        self._start_hooks.append(hook)

    def on_stop(self, hook: Hook) -> None:
        """Call `hook` after the last request, before the stores are closed."""
        self._stop_hooks.append(hook)

    def verifier(self) -> TokenVerifier:
        """Return the verifier of access tokens: JWKS_URL, JWT_ISSUER, JWT_AUDIENCE."""
        if self._verifier is None:
            names = (conventions.JWKS_URL, conventions.JWT_ISSUER, conventions.JWT_AUDIENCE)
            url, issuer, audience = (
                self._require(name, "give it in the service's env") for name in names
            )
            fetch = json_fetcher(self.transport, url)
            self._verifier = TokenVerifier(fetch, issuer=issuer, audience=audience)
        return self._verifier

    def wrap(self, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put an ASGI app around FastAPI's, inside trace, log and metrics; the last is outer."""
        self.wraps.append(middleware)

    # Start and stop, called by `create_app`'s lifespan and by `serve`.

    async def start(self) -> None:
        """Begin to open everything and return: the port answers while stores are awaited."""
        if self.bus is not None:
            await self.bus.open()
        self._opening = asyncio.create_task(self._open(), name="open")
        self._tasks.append(self._opening)

    async def opened(self) -> None:
        """Wait until everything is open; raise RuntimeError when the process cannot start."""
        if self._opening is not None:
            await asyncio.shield(self._opening)
        if not self._started:
            raise RuntimeError(self._failure)

    async def _open(self) -> None:
        log = get_logger()
        try:
            async with asyncio.TaskGroup() as group:
                for database in self._databases.values():
                    group.create_task(database.open())
            for hook in self._start_hooks:
                await hook()
            for topic, group_name, handler in self._consumers:
                assert self.bus is not None  # noqa: S101 - consume() asked
                await self.bus.consume((topic,), group_name, handler)
        except Exception as error:
            reasons = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
            for reason in reasons:
                log.critical("cannot start", error=str(reason), exc_info=reason)
            self._failure = f"cannot start: {reasons[0]}"
            self.on_failure()
            return
        for name, run in self._backgrounds:
            self._tasks.append(asyncio.create_task(keep_running(name, run), name=name))
        self._started = True
        self.health.forget_failures()
        log.info("started", pid=os.getpid(), port=self.settings.port)

    def drain(self) -> None:
        """Say `draining` on `/health/ready` and close connections with their next answer."""
        self.health.draining = True

    async def stop(self) -> None:
        """Stop consumers and background tasks, run the stop hooks, close what was opened."""
        self.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.bus is not None:
            await self.bus.close()
        for hook in self._stop_hooks:
            await hook()
        await self._http.close()
        for cache in self._caches.values():
            await cache.close()
        for database in self._databases.values():
            await database.close()

    async def _has_started(self) -> None:
        if not self._started:
            raise RuntimeError(self._failure or "still opening its stores")

    def _require(self, name: str, what_to_do: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            service = self.settings.service_name
            line = f"{service}: {name} is not set; the system file must {what_to_do}"
            if line not in self.missing:
                self.missing.append(line)
        return value

    def _number(self, name: str, default: float) -> float:
        text = self._environ.get(name, "")
        try:
            return float(text) if text else default
        except ValueError:
            self.missing.append(
                f"{self.settings.service_name}: {name} is wrong ({text}): not a number; correct it"
            )
            return default
