"""The users of a Redis and what each may do: the lines of its ACL file.

`redis.py` writes them into the server's folder. It decides nothing at run time.
"""

from __future__ import annotations

from importlib.resources import files

from tarmac.base.launch import Text, text
from tarmac.catalog.stores.kind import (
    MONITOR,
    Exporter,
    Fingerprint,
    StoreContext,
    StoreRotation,
    User,
)

FINGERPRINT = Fingerprint(
    images=(
        *("redis", "valkey", "redis-stack", "redis-stack-server", "redismod"),
        *("keydb", "dragonfly"),
    ),
    schemes=("redis", "rediss", "valkey"),
    port=6379,
    clients=r"\bredis\b|ioredis|aioredis|bullmq|\brq\b|\barq\b|asynq|jedis|lettuce|valkey",
    stems=("REDIS", "VALKEY"),
    vague=("CACHE",),
    store_name="cache",
)

ADMIN = "tarmac"
#: Clients read settings of the server as they start, and workers of queues list each other.
ANY_KEY = "~* &* +@all -@admin +config|get +client|list"
#: Commands that clear a cache, the keys of all services. Redis has no rule for all keys but some.
SPARING = "-flushall -flushdb -swapdb"
#: How the server is, and nothing of what it holds: no key, no channel, no setting.
WATCHING = "resetkeys resetchannels -@all +info"
EXPORTER = Exporter(
    "redis-exporter",
    9121,
    "oliver006/redis_exporter",
    {
        # In the pod itself: the connection never leaves it.
        "REDIS_ADDR": "redis://127.0.0.1:6379",
        "REDIS_USER": MONITOR,
        # It asks nothing besides, since nothing else is allowed to it.
        "REDIS_EXPORTER_CONFIG_COMMAND": "-",
        "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS": "true",
        "REDIS_EXPORTER_SET_CLIENT_NAME": "false",
    },
    "REDIS_PASSWORD",
    assets=files("tarmac") / "assets" / "stores" / "redis",
)


def users(context: StoreContext) -> Text:
    """Write the ACL file: a kit service may touch only the keys that begin with its own name.

    Clients from before ACLs send no name: the default user has a foreign program's password too.
    """
    foreign = [text(" >", user.password) for user in context.users if user.foreign]
    any_key = ANY_KEY if all(user.foreign for user in context.users) else f"{ANY_KEY} {SPARING}"
    ways = [text(" nopass")] if context.passwordless else foreign
    default = text("on", *ways, f" {any_key}") if ways else text("off")
    lines = [
        text("user default ", default, "\n"),
        text(f"user {ADMIN} on >", context.admin, " ~* &* +@all\n"),
    ]
    if context.monitor is not None:
        lines.append(text(f"user {MONITOR} on >", context.monitor, f" {WATCHING}\n"))
    accounts = (
        text(f"user {u.role} on >", u.password, f" {_rights(u, any_key)}\n") for u in context.users
    )
    return text(*lines, *accounts)


def accept(context: StoreContext, user: User) -> tuple[Text, ...]:
    """Let a user log in with another password besides."""
    return tuple(text(f"ACL SETUSER {name} >", user.password) for name in _names(context, user))


def refuse(context: StoreContext, user: User) -> tuple[Text, ...]:
    """Let a user log in with a password no more."""
    return tuple(text(f"ACL SETUSER {name} <", user.password) for name in _names(context, user))


ROTATION = StoreRotation(accept, refuse, ask="PING")


def _names(context: StoreContext, user: User) -> tuple[str, ...]:
    named_by_none = user.foreign and not context.passwordless
    return (user.role, "default") if named_by_none else (user.role,)


def _rights(user: User, any_key: str) -> str:
    if user.foreign:  # queues and caches of other frameworks have names and habits of their own
        return any_key
    return f"~{user.service}:* &{user.service}:* +@all -@admin -@dangerous +info"
