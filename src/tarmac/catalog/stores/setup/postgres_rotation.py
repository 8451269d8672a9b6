"""How a user of PostgreSQL gets its next password: a role has one, so it has two names in turn.

The second name acts as the first: that owns all tables, and nothing changes its owner when the
names take turns.
"""

from __future__ import annotations

from tarmac.base.launch import Text, text
from tarmac.catalog.stores.kind import StoreContext, StoreRotation, User
from tarmac.catalog.stores.setup.postgres_users import accepted, refused


def _refuse(context: StoreContext, user: User) -> tuple[Text, ...]:  # noqa: ARG001 - one shape for all
    # A session that has begun would go on.
    sessions = f"FROM pg_stat_activity WHERE usename = '{user.login}'"
    return (
        *refused(user.login),
        text(f"SELECT pg_terminate_backend(pid) {sessions}"),
    )


def _why_not(user: User) -> str:
    if not user.replication:
        return ""
    return "it reads the log of changes, whose place one session holds"


ROTATION = StoreRotation(accepted, _refuse, alternates=True, why_not=_why_not)
