"""A real Kafka on loopback for the kit's tests: how it is started, and what is said to it.

It stands on its own, since the kit does: two users, `admin` and `shop`, and `shop` may use the
topics that begin with `order.` and two groups.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import time
from pathlib import Path

GET = "no Kafka here: set KAFKA_HOME, or have .ci/kafka bring one"

_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=SASL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=SASL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=SASL
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.sasl.plain.sasl.jaas.config={login} user_shop="secret";
listener.name.controller.plain.sasl.jaas.config={login};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
"""
_LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="admin" password="admin" user_admin="admin"'
)
_RUN = """[ -e "${0%/*}/data/meta.properties" ] ||
    "$@" kafka.tools.StorageTool format -t a2l0LXRlc3RzLWthZmthIQ -c "$0" &&
    exec "$@" kafka.Kafka "$0"
"""
_TOPIC, _GROUP, _ANY_BEGINNING, _LITERAL, _ALLOW = 2, 3, 4, 3, 3
_READ, _WRITE, _CREATE = 3, 4, 5
_MAY = [
    *((_TOPIC, "order.", _ANY_BEGINNING, may) for may in (_READ, _WRITE, _CREATE)),
    *(
        (_TOPIC, f"{place}.{group}.order.", _ANY_BEGINNING, may)
        for place in ("retry", "parked")
        for group in ("pay", "c")
        for may in (_READ, _WRITE, _CREATE)
    ),
    *((_GROUP, group, _LITERAL, _READ) for group in ("pay", "c")),
]


def jars() -> str:
    """Find Kafka's jars as a class path; empty where there are none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = sorted((cache / "tarmac" / "programs").glob("kafka-*"), reverse=True)
    named = os.environ.get("KAFKA_HOME")
    for home in [*([Path(named)] if named else []), *kept]:
        if any(home.glob("libs/kafka_2.13-4*.jar")) and shutil.which("java"):
            return f"{home}/libs/*"
    return ""


def argv(folder: Path, port: int, controller: int) -> list[str]:
    """Write its properties; return the command that starts it, on an empty disk as well."""
    properties = folder / "server.properties"
    properties.write_text(
        _PROPERTIES.format(folder=folder, port=port, controller=controller, login=_LOGIN)
    )
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    java += ["-Djava.net.preferIPv4Stack=true", "-Dlog4j2.level=WARN", "-cp", jars()]
    return ["/bin/sh", "-c", _RUN, str(properties), *java]


def is_ready(port: int) -> bool:
    """Tell whether it answers and knows what `shop` may do, which its disk may have lost."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.settimeout(5)
            _ask(connection, (17, 1), _string("PLAIN"))
            token = b"\0admin\0admin"
            _ask(connection, (36, 0), struct.pack("!i", len(token)) + token)
            rules = [
                struct.pack("!b", resource)
                + _string(name)
                + struct.pack("!b", pattern)
                + _string("User:shop")
                + _string("*")
                + struct.pack("!bb", may, _ALLOW)
                for resource, name, pattern, may in _MAY
            ]
            _ask(connection, (30, 1), struct.pack("!i", len(rules)) + b"".join(rules))
            asked = struct.pack("!bhbhhbb", 1, -1, 1, -1, -1, 1, 1)
            while _ask(connection, (29, 1), asked).count(b"User:shop") < len(rules):
                time.sleep(0.01)
            return True
    except OSError:
        return False


def _ask(connection: socket.socket, api: tuple[int, int], body: bytes) -> bytes:
    payload = struct.pack("!hhih", *api, 1, -1) + body
    connection.sendall(struct.pack("!i", len(payload)) + payload)
    heard = b""
    while len(heard) < 4 or len(heard) < 4 + struct.unpack("!i", heard[:4])[0]:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("it hung up")
        heard += more
    return heard


def _string(value: str) -> bytes:
    return struct.pack("!h", len(value)) + value.encode()
