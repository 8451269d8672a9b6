"""What a RabbitMQ holds before its start: every queue that its users need, and what each may do.

Made for the kind `rabbitmq`, as the broker's own definitions. The names and arguments are those of
`tarmac_kit.bus.queues`, which declares what is missing; a test holds both equal.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tarmac.base.launch import Text, text
from tarmac.catalog.stores.kind import StoreContext, User

ADMIN = "tarmac"
VHOST = "/"

#: Where a group puts what it could not handle.
ASIDE = ("retry", "parked")
UNROUTED = "unrouted"
CLASSIC = {"x-queue-type": "classic"}
#: A week, as a stream would keep it, and no more than a disk can bear.
UNROUTED_LIMITS = {"x-message-ttl": 7 * 86_400_000, "x-max-length-bytes": 64 * 1024 * 1024}


def _exchange(topic: str) -> str:
    return topic.split(".", 1)[0]


def _any_of(names: list[str]) -> str:
    """Match whole names; nothing if there are none."""
    return f"^({'|'.join(names)})$" if names else "^$"


def _topology(context: StoreContext) -> dict[str, list[Any]]:
    """Describe every exchange, queue and binding."""
    durable = {"vhost": VHOST, "durable": True, "auto_delete": False}
    exchanges: dict[str, dict[str, Any]] = {}
    queues: list[dict[str, Any]] = []
    bindings: list[dict[str, Any]] = []

    def exchange(name: str, type_: str = "topic", **arguments: str) -> None:
        exchanges[name] = {
            **durable,
            "name": name,
            "type": type_,
            "internal": False,
            "arguments": {key.replace("_", "-"): value for key, value in arguments.items()},
        }

    def queue(name: str, source: str, key: str, **arguments: int) -> None:
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        queues.append({**durable, "name": name, "arguments": {**CLASSIC, **named}})
        bindings.append(
            {
                "source": source,
                "vhost": VHOST,
                "destination": name,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
        )

    exchange(UNROUTED, "fanout")
    queue(UNROUTED, UNROUTED, "", **UNROUTED_LIMITS)
    for place in ASIDE:
        exchange(place)
    for user in context.users:
        for topic in (*user.publishes, *user.consumes):
            exchange(_exchange(topic), alternate_exchange=UNROUTED)
        for group, topic in user.taken:
            name = f"{group}.{topic}"
            queue(name, _exchange(topic), topic)
            for place in ASIDE:
                queue(f"{place}.{name}", place, name)
    return {"exchanges": list(exchanges.values()), "queues": queues, "bindings": bindings}


def names(context: StoreContext) -> list[str]:
    """List the queues."""
    return [queue["name"] for queue in _topology(context)["queues"]]


def _permissions(user: User) -> dict[str, list[dict[str, str]]]:
    """Hold a service to its topics and to queues that begin with its groups' names.

    Of a foreign service that lists no topics nothing is known, so it may use everything.
    """
    scope = {"user": user.role, "vhost": VHOST}
    if user.foreign and not (user.publishes or user.consumes):
        return {"permissions": [{**scope, "configure": ".*", "write": ".*", "read": ".*"}]}
    groups = [re.escape(group) for group in sorted({user.service, *(g for g, _ in user.taken)})]
    mine = f"^({'|'.join(groups)})\\."
    own = f"(({'|'.join(ASIDE)})\\.)?({'|'.join(groups)})\\..*"
    publishes, consumes = (
        {
            name: [re.escape(t) for t in topics if _exchange(t) == name]
            for name in map(_exchange, topics)
        }
        for topics in (user.publishes, user.consumes)
    )
    kept_to = [{**scope, "exchange": place, "write": mine, "read": mine} for place in ASIDE]
    kept_to += [
        {
            **scope,
            "exchange": name,
            "write": _any_of(publishes.get(name, [])),
            "read": _any_of(consumes.get(name, [])),
        }
        for name in sorted({*publishes, *consumes})
    ]
    allowed = {
        **scope,
        "configure": f"^{own}$",
        "write": _any_of([own, *ASIDE, *map(re.escape, sorted(publishes))]),
        "read": _any_of([own, *ASIDE, *map(re.escape, sorted(consumes))]),
    }
    return {"permissions": [allowed], "topic_permissions": kept_to}


def definitions(context: StoreContext) -> Text:
    """Write the definitions: users with passwords, permissions, exchanges, queues, bindings."""
    everything = {"user": ADMIN, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    kept: dict[str, list[Any]] = {
        "vhosts": [{"name": VHOST}],
        "permissions": [everything],
        "topic_permissions": [],
        **_topology(context),
    }
    for user in context.users:
        for kind, allowed in _permissions(user).items():
            kept[kind] += allowed
    people = [(ADMIN, context.admin, "administrator")]
    people += [(user.role, user.password, "") for user in context.users]
    # The broker keeps hashes of the passwords, and those that this file has at each start.
    users = [
        text(f'{{"name": "{name}", "tags": "{tags}", "password": "', password, '"}')
        for name, password, tags in people
    ]
    joined = [part for user in users for part in (",\n", *user)][1:]
    return text('{"users": [', *joined, "],\n", json.dumps(kept, indent=1)[1:])
