"""RabbitMQ: the machine's own server, several at once, each with every queue that its users need.

What it holds is written down before its start: so a service can be held to its own topics, and what
is published before a consumer ever ran already has its queue.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from tarmac.base.launch import ExchangeProbe, File, Launch, Secret, StoreSecret, Text, text
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Exporter,
    Fingerprint,
    Image,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.amqp import HEADER, counting, purging
from tarmac.catalog.stores.setup import rabbitmq_queues
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.rabbitmq_queues import ADMIN, VHOST

#: The oldest series that still gets fixes; older ones say that they are past their end.
OLDEST_ALIVE = (4, 0)

#: Where its image listens, for clients and for operators (rabbitmq.com: networking).
CLIENTS, MANAGEMENT = 5672, 15672

#: One process for everything; what Erlang programs share on a machine is left out. `epmd`, which
#: tells nodes where the others are, would be left behind by the first of them and be heard outside:
#: the port between nodes is given, and where one asks all the same (port 1) nothing listens. The
#: node's name holds neither port nor host, since its data lies under that name.
_ENVIRONMENT = """export PATH="${PATH:-/bin}:/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8
export HOME="$PWD/home" RUNNING_UNDER_SYSTEMD=1 ERL_CRASH_DUMP_SECONDS=0
export ERL_EPMD_PORT=1 ERL_AFLAGS='-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_NODENAME=tarmac@localhost RABBITMQ_LOGS=-
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-sname tarmac@localhost -erl_epmd_port @NODES@ +S 1:1'
export RABBITMQ_CONFIG_FILE="$PWD/rabbitmq.conf" RABBITMQ_MNESIA_BASE="$PWD/data"
export RABBITMQ_ADVANCED_CONFIG_FILE=/dev/null RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_ENABLED_PLUGINS_FILE="$PWD/enabled_plugins" RABBITMQ_LOG_BASE="$PWD/log"
export RABBITMQ_GENERATED_CONFIG_DIR="$PWD/generated"
"""
_RUN = '. "$0" && exec "$@"'


def _url(context: StoreContext, user: User) -> Text:
    address = f"@{context.host}:{context.ports['main']}/%2F"
    return text(f"amqp://{user.role}:", user.password, address)


def _config(listen: str, folder: str) -> Text:
    return text(
        f"listeners.tcp.1 = {listen}\nload_definitions = {folder}/definitions.json\n",
        "log.console = true\nlog.console.level = info\nlog.connection.level = warning\n",
        "log.file = false\n",
    )


def _server(
    context: StoreContext, argv: tuple[str, ...], config: Text, *more: File, plugins: str = ""
) -> Launch:
    return Launch(
        argv=argv,
        # It answers the first bytes of a client with `connection.start`: class 10, method 10.
        ready=ExchangeProbe(context.ports["main"], expect=b"\x00\x0a\x00\x0a", send=HEADER),
        files=(
            File("rabbitmq.conf", config),
            File("definitions.json", rabbitmq_queues.definitions(context)),
            File("enabled_plugins", text(f"[{plugins}].\n")),
            *more,
        ),
        grace_s=20.0,
        ready_within_s=120.0,
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    environment = _ENVIRONMENT.replace("@NODES@", str(context.ports["distribution"]))
    return _server(
        context,
        ("/bin/sh", "-c", _RUN, "{folder}/environment", *candidate.programs["server"]),
        _config(f"{context.host}:{context.ports['main']}", "{folder}"),
        File("environment", text(environment)),
        File("home/.erlang.cookie", text(Secret.of(StoreSecret(context.name, "cookie")))),
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    server = _server(
        context,
        ("/opt/rabbitmq/sbin/rabbitmq-server",),
        # Of each queue by itself: whose messages wait is what an alert is about.
        (
            *_config(f"0.0.0.0:{CLIENTS}", "/tarmac"),
            "prometheus.return_per_object_metrics = true\n",
        ),
        plugins="rabbitmq_management,rabbitmq_prometheus",
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
    return Container(
        server,
        # The second has its pages, for the administrator; no edge leads there.
        ports={"main": CLIENTS, "management": MANAGEMENT},
        mounts={".": "/tarmac"},
        # What it makes of its configuration at each start.
        scratch=("/var/lib/rabbitmq", "/var/log/rabbitmq"),
    )


def _note(candidate: ProviderCandidate) -> str:
    old = candidate.numbers[:2] < OLDEST_ALIVE
    return f"RabbitMQ {candidate.version} is past its end of life" if old else ""


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
        in_docker(Image("rabbitmq", "4"), _container),
    ),
    external={"amqp": 5672, "amqps": 5671},
    broker=True,
    exporter=Exporter("rabbitmq", 15692, assets=files("tarmac") / "assets" / "stores" / "rabbitmq"),
    admin=ADMIN,
    reset=purging("main", ADMIN, VHOST, rabbitmq_queues.names),
    statistics=counting("main", ADMIN, VHOST, rabbitmq_queues.names),
    substitutes=("nats",),
    check="broker",
    fingerprint=Fingerprint(
        images=("rabbitmq",),
        schemes=("amqp", "amqps", "pyamqp", "librabbitmq"),
        port=5672,
        clients=r"amqp|aio.pika|\bpika\b|rabbitmq",
        stems=("RABBITMQ", "RABBIT", "AMQP"),
        vague=("PIKA", "MQ"),
        first=("RABBITMQ_DEFAULT_",),
        path_is_fixed=True,  # its virtual host
    ),
)
