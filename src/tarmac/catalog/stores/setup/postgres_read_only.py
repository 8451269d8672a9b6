"""How a PostgreSQL server refuses writes for a while; used by its kind."""

from __future__ import annotations

from tarmac.base.launch import text
from tarmac.catalog.stores.kind import StoreReadOnly

_RELOAD = text("SELECT pg_reload_conf()")
#: Said at each start, too: the server itself keeps the setting, and a drill can be killed with all
#: that would undo it. What says it must be able to write at once.
WRITABLE = (
    text("SET default_transaction_read_only = off"),
    text("ALTER SYSTEM RESET default_transaction_read_only"),
    _RELOAD,
)
#: Sessions that are open follow with their next transaction, as on a server that was demoted.
READ_ONLY = StoreReadOnly(
    begin=(text("ALTER SYSTEM SET default_transaction_read_only = on"), _RELOAD),
    end=WRITABLE,
    takes_writes=text("SELECT current_setting('transaction_read_only') = 'off'"),
)
