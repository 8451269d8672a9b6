"""The set-up of a Kafka node before its start: its properties, and how its storage is formatted.

Made for the kind `kafka`: one node that is broker and controller, with a listener for each user.
"""

from __future__ import annotations

from importlib.resources import files

from tarmac.base.launch import Secret, Text, text
from tarmac.catalog.stores.kind import MONITOR, Exporter, StoreContext, own_port
from tarmac.catalog.stores.setup.kafka_acl import ADMIN

#: Where it listens for its exporter, in its own pod: below the ports of its users.
WATCHED = 9091
#: It ends where no broker answers it, and is started again until one does.
EXPORTER = Exporter(
    "kafka-exporter",
    9308,
    "danielqsj/kafka-exporter",
    password="SASL_USER_PASSWORD",  # noqa: S106 - the variable's name
    args=(
        f"--kafka.server=127.0.0.1:{WATCHED}",
        "--sasl.enabled",
        "--sasl.mechanism=plain",
        f"--sasl.username={MONITOR}",
    ),
    assets=files("tarmac") / "assets" / "stores" / "kafka",
)
#: 16 bytes, as Kafka writes them; a cluster of one node needs no name of its own.
CLUSTER = "dGFybWFjLW9uZS1ub2RlIQ"

# A laptop's: 135 MiB and 0.9 s until it is ready, instead of 310 MiB and 4 s as it comes. Java's
# second compiler costs more in the first minute than it gains; loaded classes come from an archive.
JAVA = (
    *("-Xms32m", "-Xmx256m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-Djava.net.preferIPv4Stack=true", "-Xlog:disable", "-Xlog:all=error:stderr"),
)
_SMALL = """process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=MAIN
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:tarmac
auto.create.topics.enable=false
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.coordinator.threads=1
share.coordinator.threads=1
num.network.threads=1
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.io.buffer.size=65536
log.retention.hours=168
offsets.retention.minutes=43200
"""
#: For programs that give no name and expect topics to be there; a later line replaces one above.
_OPEN = "super.users=User:tarmac;User:ANONYMOUS\nauto.create.topics.enable=true\n"
# The one before it counts as there for so long after kill -9, and the next is refused meanwhile.
_SESSION = "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500\n"
#: Each write is synced; otherwise the system writes to the disk when it likes.
_SYNCED = "log.flush.interval.messages=1\n"

# Formats an empty storage once per machine, and starts a server on a copy of it for a moment, whose
# classes Java then has in an archive. Without one (the port was taken) a start takes a second more.
MAKE = f"""set -e
umask 077
java=$1 jars=$2
shift 2
mkdir -p "$0"
cd "$0"
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')
main=$((20000 + $$ % 5000)) own=$((25000 + $$ % 5000))
login="org.apache.kafka.common.security.plain.PlainLoginModule required username=tarmac"
login="$login password=\\"$secret\\" user_tarmac=\\"$secret\\";"
cat >try.properties <<END
{_SMALL}{_SESSION}
controller.quorum.voters=1@127.0.0.1:$own
listeners=MAIN://127.0.0.1:$main,CONTROLLER://127.0.0.1:$own
listener.security.protocol.map=MAIN:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
listener.name.main.plain.sasl.jaas.config=$login
listener.name.controller.plain.sasl.jaas.config=$login
log.dirs=$0/log
END
"$java" "$@" -cp "$jars" kafka.tools.StorageTool format -t {CLUSTER} -c try.properties
cp -R log try
sed 's#^log.dirs=.*#log.dirs='"$0/try"'#' try.properties >again.properties
"$java" "$@" -Dlog4j2.level=INFO -XX:ArchiveClassesAtExit=classes.jsa -cp "$jars" \\
    kafka.Kafka again.properties >out 2>&1 &
tried=0
while kill -0 $! && ! grep -q 'Kafka Server started' out && [ $tried -lt 300 ]; do
    sleep 0.1
    tried=$((tried + 1))
done 2>/dev/null
kill $! 2>/dev/null || true
wait $! || true
rm -rf try out ./*.properties
"""

RUN_INSIDE = f"""umask 077
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted -t {CLUSTER} -c /tarmac/server.properties
exec /opt/kafka/bin/kafka-server-start.sh /tarmac/server.properties
"""


def _login(known: list[tuple[str, Secret]], own: tuple[str, Secret] | None = None) -> Text:
    """Write which users may log in on a listener; and as which the broker itself does."""
    parts: list[str | Secret] = ["org.apache.kafka.common.security.plain.PlainLoginModule required"]
    if own is not None:
        parts += [f' username="{own[0]}" password="', own[1], '"']
    for name, password in known:
        parts += [f' user_{name}="', password, '"']
    return text(*parts, ";\n")


def config(
    context: StoreContext, folder: str, inside: dict[str, int], host: str, fast: bool
) -> Text:
    """Write the server's properties.

    Args:
        inside: where it listens itself, by the port's name.
        host: the address that it listens on.
    """
    admin = (ADMIN, context.admin)
    every_login = [admin, *((user.role, user.password) for user in context.users)]
    # By listener: its port's name, and the users that may log in there.
    listeners = {"MAIN": ("main", _login(every_login, admin))}
    listeners["CONTROLLER"] = ("controller", _login([admin], admin))
    for user in context.users:
        if (port := own_port(user.service)) in inside:
            listeners[f"FOR_{user.role.upper()}"] = (port, _login([(user.role, user.password)]))
    heard = [f"{name}://{host}:{inside[port]}" for name, (port, _) in listeners.items()]
    said = [
        f"{name}://{context.host}:{context.advertised.get(port, context.ports[port])}"
        for name, (port, _) in listeners.items()
        if name != "CONTROLLER"
    ]
    if context.monitor is not None:
        # A client goes where it is told: this one stays in the pod, and no other is told of it.
        listeners["MONITOR"] = ("", _login([(MONITOR, context.monitor)]))
        heard.append(f"MONITOR://127.0.0.1:{WATCHED}")
        said.append(f"MONITOR://127.0.0.1:{WATCHED}")
    kits = {f"FOR_{user.role.upper()}" for user in context.users if not user.foreign}
    plain = [n for n in listeners if n.startswith("FOR_") and n not in kits]
    open_to_all = plain if context.passwordless else []
    return text(
        _SMALL,
        _OPEN if open_to_all else "",
        _SESSION,
        "" if fast else _SYNCED,
        f"log.dirs={folder}/data/log\n",
        f"controller.quorum.voters=1@127.0.0.1:{inside['controller']}\n",
        f"listeners={','.join(heard)}\nadvertised.listeners={','.join(said)}\n",
        "listener.security.protocol.map=",
        ",".join(f"{n}:{'' if n in open_to_all else 'SASL_'}PLAINTEXT" for n in listeners) + "\n",
        *(
            text(f"listener.name.{name.lower()}.plain.sasl.jaas.config=", login)
            for name, (_, login) in listeners.items()
            if name not in open_to_all
        ),
    )
