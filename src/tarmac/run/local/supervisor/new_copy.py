"""Gives a copy of a system that never ran the data of a snapshot; used by `tarmac up --from`."""

from __future__ import annotations

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.snapshots import exchange, loading
from tarmac.run.local.snapshots.library import Library
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.resolver import Resolver
from tarmac.run.local.supervisor.stopped_stores import StoreStopper


def fill(home: Home, options: Options, name: str) -> None:
    """Write a snapshot's data for the stores that these options start.

    Raises:
        BadInput: the copy has data, or the snapshot does not fit; nothing has changed then.
    """
    found = Resolver(options, home, Reservations()).stores()
    home.create()
    with exchange.locked(home), Library.of(home).locked():
        if client.is_running(home) or any(store.data() for store in found.here.values()):
            how = f"tarmac snapshot load {name} -n {options.namespace}"
            what = f"the copy '{options.namespace}' has data of its own; `{how}` replaces it"
            raise BadInput([Problem("--from", what)])
        snapshot = Library.of(home).find(name)
        loading.check(snapshot, found)
        loading.place(home, snapshot, found.here, StoreStopper(home, running=False))
