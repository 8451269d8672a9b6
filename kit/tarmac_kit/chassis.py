"""The chassis: what a part asks for, and the order in which a process starts and stops it.

`create_app` builds one per process and hands it to each part's `mount`, which declares; nothing
is opened before the process starts. It knows no part by name.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI

from tarmac_kit import cache as caches
from tarmac_kit import conventions, documents, settings, trace
from tarmac_kit.admission import CrossOrigin
from tarmac_kit.background import end, keep_running
from tarmac_kit.breaker import Breaker
from tarmac_kit.bus import make_bus, system_of
from tarmac_kit.cache import Cache
from tarmac_kit.callers import CallerCheck, CallerSettings, CallerTokens
from tarmac_kit.capture_owner import CaptureOwner
from tarmac_kit.client import Client, Transport
from tarmac_kit.consuming import guarded
from tarmac_kit.database import Database, until_reachable
from tarmac_kit.documents import Documents
from tarmac_kit.documents.memory import MemoryDocuments
from tarmac_kit.health import Health, Probe
from tarmac_kit.idempotency import Idempotency
from tarmac_kit.inbox import Inbox
from tarmac_kit.jobs import Jobs
from tarmac_kit.limits import Limits, LimitSettings
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Bus, Handler
from tarmac_kit.metrics import Metrics
from tarmac_kit.middleware import ASGIApp, Scope
from tarmac_kit.outbox import Outbox
from tarmac_kit.queries import has_parameters, refuse_unknown
from tarmac_kit.saga import Sagas, Step
from tarmac_kit.settings import M, Settings, SettingsError
from tarmac_kit.tables import Tables
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
        #: What is taken from callers; a part may allow larger bodies on some of its routes.
        self.limits = Limits(
            settings.load(LimitSettings, environ, service=settings_.service_name), self.metrics
        )
        #: Makes spans that are sent; `create_app` sets it, where they are.
        self.spans: trace.SpanSource | None = None
        named = settings.load(CallerSettings, environ, service=settings_.service_name)
        self.caller_tokens = CallerTokens(named)
        self.callers = CallerCheck(named, service=settings_.service_name, metrics=self.metrics)
        self.cross_origin = CrossOrigin(settings_.allowed_origins)
        self._http = HttpTransport()
        self.transport: Transport = transport or self._http
        #: What is missing in the environment, collected over all parts.
        self.missing: list[str] = []
        #: Requests come from browsers and programs of others: none of them sets our deadline.
        self.is_public = False
        #: Called when the process cannot go on; `serve` sets it.
        self.on_failure: Callable[[], None] = lambda: None
        self.wraps: list[Callable[[ASGIApp], ASGIApp]] = []
        self.mounting = ""
        self._environ = environ
        self._databases: dict[str, Database] = {}
        self._documents: dict[str, Documents] = {}
        self._caches: dict[str, Cache] = {}
        self._clients: dict[str, Client] = {}
        self._tables: dict[int, Tables] = {}
        self._inbox_of: dict[str, Database] = {}  # by part
        self._verifier = verifier
        #: Of which part each is, its topic and group.
        self._consumers: list[tuple[str, str, str, Handler]] = []
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
        """Return the database whose URL is in `url_env`; parts that name the same one share it.

        Or in the file that `<url_env>_FILE` names: that is read for each new connection.
        """
        if (found := self._databases.get(url_env)) is None:
            file = self._environ.get(url_env + conventions.FILE_SUFFIX)
            how = f"bind a postgres store to the slot with env {url_env}"
            url = Path(file) if file else self._require(url_env, how)
            found = Database(
                url,
                name=url_env,
                pool_max=self.settings.database_pool_max,
                max_age_s=self.settings.database_connection_max_age_s,
                acquire_s=self.settings.database_acquire_timeout_s,
            )
            self._databases[url_env] = found
            if self.spans is not None:
                from tarmac_kit import statements  # noqa: PLC0415 - where spans are sent

                found.on_statement = statements.seen
            name = "database" if url_env == "DATABASE_URL" else url_env.removesuffix("_URL").lower()
            self.check(name, found.ping)
        if migrations is not None:
            found.add_migrations(part or self.mounting, migrations)
        return found

    def documents(self, url_env: str = "MONGODB_URL") -> Documents:
        """Return the store of documents whose URL is in `url_env`; parts that name it share it."""
        found = self._documents.get(url_env)
        if found is None:
            url = self._require(url_env, f"bind a mongodb store to the slot with env {url_env}")
            try:
                traced = self.spans is not None
                found = documents.connect(url, name=url_env, settings=self.settings, traced=traced)
            except SettingsError as error:
                self.missing.extend(error.lines if url else ())
                found = MemoryDocuments()  # for the rest of this mount, which ends the process
            self._documents[url_env] = found
            self.check("documents", found.ping)
        return found

    def redis(self, url_env: str = "REDIS_URL") -> Cache | None:
        """Return the cache whose URL is in `url_env`, or None when no store is bound."""
        url = self._environ.get(url_env)
        if not url:
            return None
        if (found := self._caches.get(url_env)) is None:
            found = caches.connect(
                url,
                prefix=f"{self.settings.service_name}:",
                count=self.metrics.cache,
                max_age_s=self.settings.redis_connection_max_age_s,
            )
            self._caches[url_env] = found
            self.metrics.will_cache()
            name = "cache" if url_env == "REDIS_URL" else url_env.removesuffix("_URL").lower()
            self.check(name, found.ping, required=False)
        return found

    def client(self, role: str) -> Client:
        """Return the client of `role`: `<ROLE>_URL`, `_TIMEOUT_S`, `_RETRIES`."""
        if (found := self._clients.get(role)) is None:
            name = conventions.env_prefix(role)
            url = self._require(
                f"{name}_URL",
                f"let {self.settings.service_name} call a service that has the part {role}",
            )
            breaker = Breaker()
            found = Client(
                role,
                url,
                self.transport,
                timeout_s=self._number(
                    name + conventions.TIMEOUT_SUFFIX, conventions.TIMEOUT_DEFAULT_S
                ),
                retries=int(
                    self._number(name + conventions.RETRIES_SUFFIX, conventions.RETRIES_DEFAULT)
                ),
                breaker=breaker,
                count=self.metrics.call,
                count_retry=self.metrics.retry,
                caller_token=self.caller_tokens.for_url(url),
            )
            self.metrics.will_call(role)
            self.metrics.breaker(role, breaker)
            self._clients[role] = found
        return found

    def bound(self, name: str) -> bool:
        """Return whether the variable `name` is set, for a call or store that may be left out.

        Or the one that names a file with its value.
        """
        return any(self._environ.get(one) for one in (name, name + conventions.FILE_SUFFIX))

    def outbox(self, database: Database) -> Outbox:
        """Return the outbox of `database`; its relay runs when a broker is bound.

        With OUTBOX_RELAY=capture another service reads it from the log, and none runs here.
        """
        return self._tables_of(database).outbox()

    def inbox(self, database: Database) -> Inbox:
        """Return the inbox of `database`; its old rows are deleted in the background."""
        self._inbox_of.setdefault(self.mounting, database)
        return self._tables_of(database).inbox()

    def idempotency(self, database: Database) -> Idempotency:
        """Return the idempotency keys of `database`; they are kept for a day."""
        return self._tables_of(database).idempotency()

    def jobs(self, database: Database) -> Jobs:
        """Return the jobs of `database`; what is handled here runs in the background."""
        return self._tables_of(database).jobs()

    def saga(
        self, database: Database, name: str, *, steps: Sequence[Step], deadline_s: float
    ) -> Sagas:
        """Return the sagas `name` of `database`; see `saga` for steps and deadline."""
        return self._tables_of(database).saga(name, steps=steps, deadline_s=deadline_s)

    def _tables_of(self, database: Database) -> Tables:
        if (found := self._tables.get(id(database))) is None:
            found = self._tables[id(database)] = Tables(
                database,
                settings=self.settings,
                metrics=self.metrics,
                bus=self.bus,
                background=self.background,
            )
        return found

    def consume(self, topic: str, handler: Handler, *, group: str) -> None:
        """Hand each message of `topic` to one `handler` per `group`; nothing if it is not bound.

        In a part with an inbox, a failed one is stored for retry in that database; see
        `dead_letters`.
        """
        if self.bus is not None and topic in self.settings.consumes:
            self._consumers.append((self.mounting, topic, group, handler))
            self.metrics.will_consume(topic, group)

    def include(self, router: APIRouter) -> None:
        """Serve the routes of `router`; those with parameters in the query refuse others."""
        asked = [Depends(refuse_unknown)] if has_parameters(router) else None
        self.app.include_router(router, dependencies=asked)

    def accept(self, *media_types: str) -> None:
        """Take bodies of these media types besides JSON; `*/*` where each route checks its own."""
        self.cross_origin.media_types.update(media_types)

    def check(self, name: str, probe: Probe, *, required: bool = True) -> None:
        """Let `/health/ready` ask `probe`, which raises when something is wrong.

        One that is not required is reported, and the service stays ready without it.
        """
        self.metrics.checked(name, self.health.add(name, probe, required=required))

    def background(self, name: str, run: Hook) -> None:
        """Run `run` from start to stop; started again, with backoff, when it raises or returns."""
        self._backgrounds.append((name, run))

    def on_start(self, hook: Hook) -> None:
        """Call `hook` once the stores are open, before the service is ready.

        It is called again when it raises DatabaseUnavailable: a store may be away for a moment.
        """
        self._start_hooks.append(hook)

    def on_stop(self, hook: Hook) -> None:
        """Call `hook` after the last request, before the stores are closed."""
        self._stop_hooks.append(hook)

    def verifier(self) -> TokenVerifier:
        """Return the verifier of access tokens: JWKS_URL, JWT_ISSUER, JWT_AUDIENCE."""
        if self._verifier is None:
            names = (conventions.JWKS_URL, conventions.JWT_ISSUER, conventions.JWT_AUDIENCE)
            url, issuer, audience = (
                self._require(name, "set it in the service's env") for name in names
            )
            fetch = json_fetcher(self.transport, url)
            self._verifier = TokenVerifier(fetch, issuer=issuer, audience=audience)
        return self._verifier

    def believes_deadline(self, scope: Scope) -> bool:
        """Return whether a request's X-Request-Timeout-Ms counts.

        A client of a public service could fail its own requests with it, at the service's cost:
        the 504 would count against its objectives, and against those of what it calls.
        """
        del scope
        return not self.is_public

    def wrap(self, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put an ASGI app around FastAPI's, inside trace, log and metrics; the last is outer."""
        self.wraps.append(middleware)

    # Start and stop, called by `create_app`'s lifespan and by `serve`.

    async def start(self) -> None:
        """Begin to open everything and return: the port answers while stores are awaited."""
        trace.source.set(self.spans)  # every task of the process begins here
        if self.callers.enforced:
            self.metrics.will_check_callers()
            if (server := self.callers.key_server) is not None:
                # Not awaited: a control plane that is away must not keep a service from its start.
                asking = keep_running("caller keys", server.run)
                self._tasks.append(asyncio.create_task(asking, name="caller keys"))
        else:
            get_logger().info("caller tokens are not checked: TARMAC_CALLER_JWKS_FILE is not set")
        if self.bus is not None:
            await self.bus.open()
        self._opening = asyncio.create_task(self._open(), name="open")
        self._tasks.append(self._opening)

    async def migrate(self) -> int:
        """Apply the migrations of every database and open nothing; return how many were new."""
        return sum([await database.migrate() for database in self._databases.values()])

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
                for store in self._documents.values():
                    group.create_task(store.open())
            for hook in self._start_hooks:
                await until_reachable("start hook", hook)
            for part, topic, group_name, handler in self._consumers:
                assert self.bus is not None  # noqa: S101 - consume() asked
                inbox_in = self._inbox_of.get(part)
                kept = guarded(
                    handler,
                    topic,
                    group_name,
                    metrics=self.metrics,
                    dead_letters=self._tables_of(inbox_in).dead_letters if inbox_in else None,
                    attempts=self.settings.message_attempts,
                    system=system_of(self.settings.broker_url),
                )
                await self.bus.consume((topic,), group_name, kept)
            self._let_capture()
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

    def _let_capture(self) -> None:
        """Publish the tables that another service captures, and settle the outbox with it."""
        settings_ = self.settings
        for name, database in self._databases.items():
            kept = self._tables.get(id(database))
            has_outbox = kept is not None and kept.has_outbox
            outbox = settings_.outbox_relay == "capture" and has_outbox
            tables = settings_.captured_tables if name == "DATABASE_URL" else ()
            if outbox or tables:
                settling = CaptureOwner(
                    database,
                    outbox=outbox,
                    tables=tables,
                    slot=settings_.capture_slot,
                    keep_s=settings_.outbox_keep_s,
                )
                self.background("settling", settling.run)

    def drain(self) -> None:
        """Say `draining` on `/health/ready` and close connections with their next answer."""
        self.health.draining = True

    async def stop(self) -> None:
        """Stop consumers and background tasks, run the stop hooks, close what was opened."""
        self.drain()
        await end(*self._tasks)
        if self.bus is not None:
            await self.bus.close()
        for hook in self._stop_hooks:
            await hook()
        await self._http.close()
        for cache in self._caches.values():
            await cache.close()
        for store in self._documents.values():
            await store.close()
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
