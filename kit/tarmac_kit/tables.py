"""The kit's own tables in one database, and what runs on them beside the requests.

Made by the chassis for each database that a part asks them of: outbox, inbox, dead letters,
idempotency keys, jobs and sagas. Nothing is made before it is asked for. It opens nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tarmac_kit.background import pruning
from tarmac_kit.bus import system_of
from tarmac_kit.database import Database
from tarmac_kit.dead_letters import DeadLetters
from tarmac_kit.idempotency import Idempotency
from tarmac_kit.inbox import Inbox
from tarmac_kit.jobs import Jobs
from tarmac_kit.messages import Bus
from tarmac_kit.metrics import Metrics
from tarmac_kit.outbox import Outbox
from tarmac_kit.relay import Relay
from tarmac_kit.saga import Sagas, Step
from tarmac_kit.settings import Settings
from tarmac_kit.worker import Worker

#: Has what it is given run from start to stop, under a name.
Background = Callable[[str, Callable[[], Awaitable[None]]], None]

IDEMPOTENCY_KEEP_S = 86_400.0


class Tables:
    """One database's; each is made when it is first asked for."""

    def __init__(
        self,
        database: Database,
        *,
        settings: Settings,
        metrics: Metrics,
        bus: Bus | None,
        background: Background,
    ) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics
        self._bus = bus
        self._background = background
        self._outbox: Outbox | None = None
        self._inbox: Inbox | None = None
        self._idempotency: Idempotency | None = None
        self._worked: tuple[Jobs, Worker] | None = None
        #: The retry queue and dead letters: with an inbox and a broker.
        self.dead_letters: DeadLetters | None = None

    @property
    def has_outbox(self) -> bool:
        """Return whether a part asked for the outbox."""
        return self._outbox is not None

    def outbox(self) -> Outbox:
        """Return the outbox; its relay runs here unless another service reads the log."""
        if self._outbox is None:
            system = system_of(self._settings.broker_url)
            self._outbox = Outbox(self._database, publishes=self._settings.publishes, system=system)
            if self._bus is not None and self._settings.outbox_relay == "kit":
                relay = Relay(
                    self._database,
                    self._bus,
                    keep_s=self._settings.outbox_keep_s,
                    published=self._metrics.published,
                    waiting=self._metrics.outbox_waits,
                )
                self._outbox.on_commit = relay.wake
                for topic in self._settings.publishes:
                    self._metrics.will_publish(topic)
                self._background("relay", relay.run)
        return self._outbox

    def inbox(self) -> Inbox:
        """Return the inbox; failed messages of its handlers are kept beside it."""
        if self._inbox is None:
            self._inbox = Inbox(self._database)
            keep_s = self._settings.inbox_keep_s
            self._background("inbox pruning", pruning(self._inbox.prune, keep_s))
            if self._bus is not None:
                self.dead_letters = DeadLetters(
                    self._database,
                    attempts=self._settings.message_attempts,
                    count=self._metrics.stored_messages,
                )
                self._background("message retries", self.dead_letters.run)
                keep_s = self._settings.parked_keep_s
                self._background("dead letter pruning", pruning(self.dead_letters.prune, keep_s))
        return self._inbox

    def idempotency(self) -> Idempotency:
        """Return the idempotency keys."""
        if self._idempotency is None:
            self._idempotency = Idempotency(self._database)
            prune = pruning(self._idempotency.prune, IDEMPOTENCY_KEEP_S)
            self._background("idempotency pruning", prune)
        return self._idempotency

    def jobs(self) -> Jobs:
        """Return the jobs; those that are handled here run here."""
        return self._work()[0]

    def saga(self, name: str, *, steps: Sequence[Step], deadline_s: float) -> Sagas:
        """Return the sagas of a name, which the jobs' worker drives."""
        found = Sagas(*self._work(), name, steps=steps, deadline_s=deadline_s)
        prune = pruning(found.prune, self._settings.sagas_keep_s)
        self._background(f"saga {name} pruning", prune)
        return found

    def _work(self) -> tuple[Jobs, Worker]:
        if self._worked is None:
            jobs = Jobs(self._database)
            at_once = self._settings.jobs_at_once
            count, states = self._metrics.job, self._metrics.jobs_are
            worker = Worker(jobs, at_once=at_once, count=count, states=states)
            self._worked = (jobs, worker)
            self._background("jobs", worker.run)
            self._background("jobs pruning", pruning(jobs.prune, self._settings.jobs_keep_s))
        return self._worked
