"""Has a system's supervisor stop stores for the length of a block; used by `tarmac snapshot`.

The connection carries it: when this process dies, the supervisor starts the stores again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import IO, Any

from tarmac.base.errors import TarmacError
from tarmac.run.local.snapshots import exchange
from tarmac.run.local.snapshots.local_stores import LocalStores
from tarmac.run.local.state.paths import Home
from tarmac.run.local.stores import migrations
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.drill_requests import HoldStores, ReleaseStores
from tarmac.run.local.supervisor.requests import Answer, Disturb, Request, WriteOut

#: A stopped Kafka or RabbitMQ takes seconds, and its start more.
ANSWER_S = 300.0


@contextlib.contextmanager
def of_copy(home: Home) -> Iterator[StoreStopper]:
    """Keep other snapshot verbs, and a start of the copy, away from its data. Raises BadInput."""
    home.create()
    with exchange.locked(home):
        running = client.is_running(home)
        if not running:
            exchange.finish(home)
        yield StoreStopper(home, running=running)


class StoreStopper:
    """How the stores of one copy are stopped while the copy is locked."""

    def __init__(self, home: Home, *, running: bool) -> None:
        self._home = home
        self.running = running
        #: Seconds from the first stop until all stores served again.
        self.pause_s = 0.0

    def asked(self, stores: LocalStores) -> LocalStores:
        """Add the migrations that databases had, where the system runs."""
        here = dict(stores.here)
        for name, store in here.items() if self.running else ():
            if store.kind.sql_url is not None:
                with contextlib.suppress(TarmacError):  # one that is down tells nothing
                    url = client.store_url(self._home, name)
                    here[name] = replace(store, migrations=migrations.applied(name, url))
        return replace(stores, here=here)

    def write_out(self, names: Collection[str]) -> None:
        """Make servers write out what they have only in memory, while they serve."""
        if self.running:
            client.ask(self._home, WriteOut(tuple(names)))

    @contextlib.contextmanager
    def __call__(self, names: Collection[str]) -> Iterator[None]:
        """Stop stores, and at the block's end wait until they serve again.

        Raises:
            TarmacError: one does not stop or start, or the supervisor has gone meanwhile.
        """
        if not self.running:
            yield
            return
        with client.connect(self._home) as connection:
            connection.settimeout(ANSWER_S)
            with connection.makefile("rw") as lines:
                _ask(lines, Disturb())
                _ask(lines, HoldStores(tuple(names)))
                yield
                self.pause_s = _ask(lines, ReleaseStores())


def _ask(lines: IO[Any], request: Request[Answer]) -> Answer:
    line = ""
    with contextlib.suppress(OSError):
        lines.write(client.line_of(request))
        lines.flush()
        line = lines.readline()
    if not line:
        raise TarmacError("the supervisor ended meanwhile; start the system and try again")
    return client.answer_of(request, line)
