"""RabbitMQ: the machine's own server, several at once, each with every queue that its users need.

What it holds is written down before its start, in its definitions: a service can be held to its own
topics, and what is published before a consumer ever ran already has its queue. The names and
arguments are those of `tarmac_kit.bus.queues`; a test holds both equal.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tarmac.launch import ExchangeProbe, File, Launch, Secret, Text, text
from tarmac.stores._kind import (
    DOCKER,
    GET_DOCKER,
    Binary,
    Image,
    Offer,
    Provider,
    StoreKind,
    User,
    View,
    contained,
    outputs,
)

ADMIN = "tarmac"
VHOST = "/"

#: Where a group puts what it could not handle.
ASIDE = ("retry", "parked")
UNROUTED = "unrouted"
CLASSIC = {"x-queue-type": "classic"}
#: A week, as a stream would keep it, and no more than a disk can bear.
UNROUTED_LIMITS = {"x-message-ttl": 7 * 86_400_000, "x-max-length-bytes": 64 * 1024 * 1024}

#: The series that its makers still mend; older ones say that they are past their end.
OLDEST_ALIVE = (4, 0)

#: One process for everything; what Erlang programs share on a machine is left out. `epmd`, which
#: tells nodes where the others are, would be left behind by the first of them and be heard outside:
#: the port between nodes is given, and where one asks all the same (port 1) nobody listens. The
#: node's name holds neither port nor host, since its data lies under that name.
_ENVIRONMENT = """export PATH="${PATH:-/bin}:/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8
export HOME='FOLDER/home' RUNNING_UNDER_SYSTEMD=1 ERL_CRASH_DUMP_SECONDS=0
export ERL_EPMD_PORT=1 ERL_AFLAGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_NODENAME=tarmac@localhost RABBITMQ_LOGS=-
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-sname tarmac@localhost -erl_epmd_port PORT +S 1:1'
export RABBITMQ_CONFIG_FILE='FOLDER/rabbitmq.conf' RABBITMQ_MNESIA_BASE='FOLDER/data'
export RABBITMQ_ADVANCED_CONFIG_FILE=/dev/null RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_ENABLED_PLUGINS_FILE='FOLDER/enabled_plugins' RABBITMQ_LOG_BASE='FOLDER/log'
export RABBITMQ_GENERATED_CONFIG_DIR='FOLDER/generated'
"""
_RUN = '. "$0" && exec "$@"'


def _url(view: View, user: User) -> Text:
    address = f"@{view.host}:{view.ports['main']}/%2F"
    return text(f"amqp://{user.role}:", user.password, address)


def _exchange(topic: str) -> str:
    return topic.split(".", 1)[0]


def _any_of(names: list[str]) -> str:
    """Match whole names; nothing if there are none."""
    return f"^({'|'.join(names)})$" if names else "^$"


def _topology(view: View) -> dict[str, list[Any]]:
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
    for user in view.users:
        for topic in (*user.publishes, *user.consumes):
            exchange(_exchange(topic), alternate_exchange=UNROUTED)
        for group, topic in user.taken:
            name = f"{group}.{topic}"
            queue(name, _exchange(topic), topic)
            for place in ASIDE:
                queue(f"{place}.{name}", place, name)
    return {"exchanges": list(exchanges.values()), "queues": queues, "bindings": bindings}


def _permissions(user: User) -> dict[str, list[dict[str, str]]]:
    """Hold a service to its topics and to queues that begin with its groups' names.

    Of a foreign service that lists no topics nothing is known, so it may use everything.
    """
    who = {"user": user.role, "vhost": VHOST}
    if user.foreign and not (user.publishes or user.consumes):
        return {"permissions": [{**who, "configure": ".*", "write": ".*", "read": ".*"}]}
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
    kept_to = [{**who, "exchange": place, "write": mine, "read": mine} for place in ASIDE]
    kept_to += [
        {
            **who,
            "exchange": name,
            "write": _any_of(publishes.get(name, [])),
            "read": _any_of(consumes.get(name, [])),
        }
        for name in sorted({*publishes, *consumes})
    ]
    allowed = {
        **who,
        "configure": f"^{own}$",
        "write": _any_of([own, *ASIDE, *map(re.escape, sorted(publishes))]),
        "read": _any_of([own, *ASIDE, *map(re.escape, sorted(consumes))]),
    }
    return {"permissions": [allowed], "topic_permissions": kept_to}


def _definitions(view: View) -> Text:
    everything = {"user": ADMIN, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    kept: dict[str, list[Any]] = {
        "vhosts": [{"name": VHOST}],
        "permissions": [everything],
        "topic_permissions": [],
        **_topology(view),
    }
    for user in view.users:
        for kind, allowed in _permissions(user).items():
            kept[kind] += allowed
    people = [(ADMIN, view.admin, "administrator")]
    people += [(user.role, user.password, "") for user in view.users]
    # The broker keeps hashes of the passwords, and those that this file has at each start.
    users = [
        text(f'{{"name": "{name}", "tags": "{tags}", "password": "', password, '"}')
        for name, password, tags in people
    ]
    joined = [part for user in users for part in (",\n", *user)][1:]
    return text('{"users": [', *joined, "],\n", json.dumps(kept, indent=1)[1:])


def _config(listen: str, folder: str) -> Text:
    return text(
        f"listeners.tcp.1 = {listen}\nload_definitions = {folder}/definitions.json\n",
        "log.console = true\nlog.console.level = info\nlog.connection.level = warning\n",
        "log.file = false\n",
    )


def _server(view: View, argv: tuple[str, ...], config: Text, *more: File) -> Launch:
    return Launch(
        argv=argv,
        # It answers the first bytes of a client with `connection.start`: class 10, method 10.
        ready=ExchangeProbe(
            view.ports["main"], expect=b"\x00\x0a\x00\x0a", send=b"AMQP\x00\x00\x09\x01"
        ),
        files=(
            File("rabbitmq.conf", config),
            File("definitions.json", _definitions(view)),
            File("enabled_plugins", text("[].\n")),
            *more,
        ),
        grace_s=20.0,
        ready_within_s=120.0,
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    environment = _ENVIRONMENT.replace("FOLDER", "{folder}").replace(
        "PORT", str(view.ports["distribution"])
    )
    return _server(
        view,
        ("/bin/sh", "-c", _RUN, "{folder}/environment", *offer.programs["server"]),
        _config(f"{view.host}:{view.ports['main']}", "{folder}"),
        File("environment", text(environment)),
        File("home/.erlang.cookie", text(Secret(f"stores/{view.name}/cookie"))),
    )


def _launch_contained(view: View, offer: Offer, fast: bool) -> Launch:  # noqa: ARG001 - as above
    server = _server(
        view, ("/opt/rabbitmq/sbin/rabbitmq-server",), _config("0.0.0.0:5672", "/tarmac")
    )
    env = {
        "HOME": "/tarmac/data",
        "RABBITMQ_NODENAME": "tarmac@localhost",
        "RABBITMQ_CONFIG_FILE": "/tarmac/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": "/tarmac/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": "/tarmac/data",
        "RABBITMQ_LOGS": "-",
    }
    server = replace(server, env={name: text(value) for name, value in env.items()})
    return contained(view, offer, server, ports={"main": 5672}, mounts={".": "/tarmac"})


def _note(offer: Offer) -> str:
    old = offer.numbers[:2] < OLDEST_ALIVE
    return f"RabbitMQ {offer.version} is past its end of life" if old else ""


STORE = StoreKind(
    id="rabbitmq",
    title="RabbitMQ",
    ports={"main": None, "distribution": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "binary",
            {
                "server": Binary(
                    "rabbitmq-server",
                    folders=(
                        "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
                        "/opt/rabbitmq_server-*/sbin",
                        "/usr/local/lib/rabbitmq_server-*/sbin",
                        "/opt/homebrew/Cellar/rabbitmq/*/sbin",
                        "/usr/local/Cellar/rabbitmq/*/sbin",
                    ),
                    version=(),
                    # The first that reads its definitions by itself at its start.
                    oldest="3.8.2",
                    # Debian's there takes its own folders and user.
                    on_path=False,
                )
            },
            _launch,
            get="install it (apt-get install rabbitmq-server, brew install rabbitmq)",
            note=_note,
        ),
        Provider(DOCKER, {DOCKER: Image("rabbitmq", "4")}, _launch_contained, GET_DOCKER),
    ),
    external={"amqp": 5672, "amqps": 5671},
    broker=True,
    admin=ADMIN,
    stand_ins=("nats",),
)
