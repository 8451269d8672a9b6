"""The users of a Redis and what each may do: the lines of its ACL file.

`redis.py` writes them into the server's folder. It decides nothing at run time.
"""

from __future__ import annotations

from tarmac.launch import Text, text
from tarmac.stores._kind import MONITOR, Exporter, User, View

ADMIN = "tarmac"
ANY_KEY = "~* &* +@all -@admin +config|get"
#: What a cache is cleared with: everybody's keys go. Redis has no rule for all keys but some.
SPARING = "-flushall -flushdb -swapdb"
#: How the server is, and nothing of what it holds: no key, no channel, no setting.
WATCHING = "resetkeys resetchannels -@all +info"
EXPORTER = Exporter(
    "redis-exporter",
    9121,
    "oliver006/redis_exporter",
    {
        # In the pod itself: nobody else is on that way.
        "REDIS_ADDR": "redis://127.0.0.1:6379",
        "REDIS_USER": MONITOR,
        # It asks nothing besides, since nothing else is allowed to it.
        "REDIS_EXPORTER_CONFIG_COMMAND": "-",
        "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS": "true",
        "REDIS_EXPORTER_SET_CLIENT_NAME": "false",
    },
    "REDIS_PASSWORD",
)


def users(view: View) -> Text:
    """Write the ACL file: a kit service may touch only the keys that begin with its own name.

    Clients from before ACLs send no name: the default user has a foreign program's password too.
    """
    foreign = [text(" >", user.password) for user in view.users if user.foreign]
    any_key = ANY_KEY if all(user.foreign for user in view.users) else f"{ANY_KEY} {SPARING}"
    ways = [text(" nopass")] if view.passwordless else foreign
    everybody = text("on", *ways, f" {any_key}") if ways else text("off")
    lines = [
        text("user default ", everybody, "\n"),
        text(f"user {ADMIN} on >", view.admin, " ~* &* +@all\n"),
    ]
    if view.monitor is not None:
        lines.append(text(f"user {MONITOR} on >", view.monitor, f" {WATCHING}\n"))
    each = (
        text(f"user {u.role} on >", u.password, f" {_rights(u, any_key)}\n") for u in view.users
    )
    return text(*lines, *each)


def _rights(user: User, any_key: str) -> str:
    if user.foreign:  # queues and caches of other frameworks have names and habits of their own
        return any_key
    return f"~{user.service}:* &{user.service}:* +@all -@admin -@dangerous +info"
