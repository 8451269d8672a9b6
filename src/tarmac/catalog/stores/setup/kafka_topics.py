"""Sets up a Kafka's topics and rights by the programs in its own image.

Made for the kind `kafka`, whose launch says the same in the broker's protocol (`_kafka.py`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tarmac.base.launch import File, text
from tarmac.catalog.stores.kind import Fingerprint, Script, StoreContext
from tarmac.catalog.stores.protocols.kafka import NEVER, POSITIONS
from tarmac.catalog.stores.setup.kafka_acl import ADMIN, Grant, wanted

FINGERPRINT = Fingerprint(
    images=("kafka", "cp-kafka", "redpanda", "cp-server"),
    schemes=("kafka",),
    port=9092,
    clients=r"kafka|\bsarama\b|\bfranz-go\b|\bgoka\b",
    stems=("KAFKA",),
    vague=("BOOTSTRAP",),
    parts=dict.fromkeys(
        ("BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVER", "BROKERS", "BROKER", "SERVERS"), "address"
    ),
)

#: The options of kafka-acls.sh that name a resource; of a cluster there is but one.
_RESOURCES = {"topic": "--topic", "group": "--group", "transactional-id": "--transactional-id"}
_BEGIN = """set -e
bin=${KAFKA_BIN:-/opt/kafka/bin}
ask() {
    program=$1
    shift
    "$bin/$program" --bootstrap-server "$BROKER" --command-config /setup/client.properties "$@"
}
there=$(ask kafka-topics.sh --list)
topic() {
    grep -qxF "$1" <<<"$there" ||
        ask kafka-topics.sh --create --if-not-exists --replication-factor 1 --topic "$@"
}
allow() {
    ask kafka-acls.sh --add --allow-principal "User:$1" --operation "$2" "${@:3}" >/dev/null
}
"""


def script(context: StoreContext) -> Script:
    """Create missing topics in a container of Kafka's image.

    A rule that is not wanted any more stays, unlike where a launch is carried out: a service that
    is gone has lost its password, and removing rules first would shut out running services.
    """
    needs = wanted(context)
    topics = [f"topic {name} --partitions {count}\n" for name, count in needs.topics]
    kept = f"--config cleanup.policy=compact --config flush.messages={NEVER}"
    topics.append(f"topic {POSITIONS} --partitions 1 {kept}\n")
    body = "".join((*topics, *_allowed(needs.grants)))
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    client = text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n",
        f'sasl.jaas.config={login} username="{ADMIN}" password="',
        context.admin,
        '";\n',
    )
    return Script(
        argv=("/bin/bash", "/setup/setup.sh"),
        files=(File("setup.sh", text(_BEGIN, body)), File("client.properties", client)),
        env={
            "BROKER": text(f"{context.host}:{context.ports['main']}"),
            "KAFKA_HEAP_OPTS": text("-Xms32m -Xmx128m"),
            # Each of many programs lives for a moment: what pays later is left out.
            "KAFKA_JVM_PERFORMANCE_OPTS": text("-XX:+UseSerialGC -XX:TieredStopAtLevel=1"),
            "LOG_DIR": text("/tmp"),  # noqa: S108 - in the container
        },
    )


def _allowed(grants: tuple[Grant, ...]) -> Iterator[str]:
    """Yield what belongs together at once: each time a Java starts."""
    together: dict[tuple[str, str, bool], list[str]] = {}
    for grant in grants:
        named = _RESOURCES.get(grant.resource)
        option = f"{named} {shlex.quote(grant.name)}" if named else "--cluster"
        together.setdefault((grant.user, grant.operation, grant.prefix), []).append(option)
    for (user, operation, prefix), options in together.items():
        pattern = " --resource-pattern-type prefixed" if prefix else ""
        yield f"allow {user} {_operation(operation)}{pattern} {' '.join(options)}\n"


def _operation(name: str) -> str:
    """Write an operation as kafka-acls.sh does: `describe-configs` is DescribeConfigs."""
    return "".join(part.capitalize() for part in name.split("-"))
