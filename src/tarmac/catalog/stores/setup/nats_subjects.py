"""What a user of NATS may publish and hear, as its server reads it.

`nats.py` writes it into the server's file. It decides nothing at run time.
"""

from __future__ import annotations

import json
from itertools import product

from tarmac.base.launch import ExchangeProbe, Secret, text
from tarmac.catalog.stores.kind import Fingerprint, User

FINGERPRINT = Fingerprint(
    images=("nats",),
    schemes=("nats",),
    port=4222,
    clients="nats",
    stems=("NATS",),
    parts={"SERVERS": "url"},
    reads_no_login=r"\"nats\"\s*:",  # Node's, which takes a login beside its addresses
)


def permissions(user: User) -> str:
    """Return what a service may publish and hear: what the kit's adapter needs for its own topics.

    A foreign program makes its streams and consumers in its own way; of one that lists no topics
    nothing is known, so it may use any subject.
    """
    if user.foreign and not (user.publishes or user.consumes):
        return json.dumps({"publish": ">", "subscribe": ">"})
    if user.foreign:
        publish = [*user.publishes, "$JS.API.>", "$JS.ACK.>", "_INBOX.>", "parked.>"]
        return json.dumps({"publish": publish, "subscribe": ["_INBOX.>", *user.consumes]})
    publish = [*user.publishes, "$JS.API.INFO"]
    streams = {topic.partition(".")[0] for topic in (*user.publishes, *user.consumes)}
    groups = sorted({user.service, *(group for group, _ in user.taken)})
    for group, topic in product(groups, user.consumes):
        # The server holds a consumer to the name and filter in the subject that asks for it.
        consumer = f"{group}__{topic.replace('.', '-')}"
        own = f"{topic.partition('.')[0]}.{consumer}"
        publish += [
            f"$JS.API.CONSUMER.CREATE.{own}.{topic}",
            f"$JS.API.CONSUMER.MSG.NEXT.{own}",
            f"$JS.ACK.{own}.>",
            f"parked.{group}.{topic}",
        ]
        streams.add("parked")
    # The first service makes a stream, also if it only consumes; asked again, it is not changed.
    publish += [f"$JS.API.STREAM.CREATE.{stream}" for stream in sorted(streams)]
    # Requests are answered, and messages handed out, below the inbox that the kit takes by its URL.
    return json.dumps({"publish": publish, "subscribe": [f"_INBOX.{user.role}.>"]})


def answers_for_streams(port: int, admin: str, password: Secret) -> ExchangeProbe:
    """Ask for the account's streams, as its administrator: only JetStream that is up has them."""
    send = text(
        f'CONNECT {{"verbose": false, "pedantic": false, "user": "{admin}", "pass": "',
        password,
        '"}\r\nSUB _INBOX.probe 1\r\nPUB $JS.API.INFO _INBOX.probe 0\r\n\r\n',
    )
    # The greeting comes first, and a busy machine takes a moment for the answer.
    return ExchangeProbe(port, expect=b'"streams":', send=send, silence_s=1.0)
