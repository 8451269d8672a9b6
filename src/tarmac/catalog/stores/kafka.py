"""Kafka: one node that is broker and controller (KRaft), from its jars and the machine's Java.

Clients connect to the address that it names, so each user has a listener of its own: it names the
port of that user's wire and accepts only its password. Topics and rights are set up once it is up.
"""

from __future__ import annotations

from dataclasses import replace

from tarmac.base.launch import (
    Command,
    ExchangeProbe,
    File,
    FileTree,
    Launch,
    PostStartSetup,
    Text,
    text,
)
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Image,
    InstalledFolder,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.kafka import HEARD, HELLO, emptying, set_up
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.kafka_acl import ADMIN, wanted
from tarmac.catalog.stores.setup.kafka_topics import FINGERPRINT, script
from tarmac.catalog.stores.setup.kraft import EXPORTER, JAVA, MAKE, RUN_INSIDE, config


def _url(context: StoreContext, user: User) -> Text:
    address = f"@{context.host}:{context.port_of(user, 'main')}"
    return text(f"kafka://{user.role}:", user.password, address)


def _server(
    context: StoreContext, argv: tuple[str, ...], properties: Text, trees: tuple[FileTree, ...]
) -> Launch:
    return Launch(
        argv=argv,
        ready=ExchangeProbe(context.ports["main"], expect=HEARD, send=HELLO),
        files=(File("server.properties", properties),),
        trees=trees,
        post_start=PostStartSetup(context.ports["main"], wanted(context), set_up),
        grace_s=20.0,
        ready_within_s=120.0,
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
    java, jars = candidate.programs["java"], f"{candidate.programs['home'][0]}/libs/*"
    properties = config(context, "{folder}", dict(context.ports), context.host, fast)
    argv = (*java, *JAVA, "-Dlog4j2.level=WARN", "-XX:SharedArchiveFile={folder}/data/classes.jsa")
    argv = (*argv, "-cp", jars, "kafka.Kafka", "{folder}/server.properties")
    make = Command(("/bin/sh", "-c", MAKE, "{tree}", *java, jars, *JAVA))
    tree = FileTree("data", f"kafka-{candidate.version}", make)
    return _server(context, argv, properties, (tree,))


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    inside = {name: 9092 + number for number, name in enumerate(context.ports)}
    properties = config(context, "/tarmac", inside, "0.0.0.0", fast)
    server = _server(context, ("/bin/sh", "-c", RUN_INSIDE), properties, ())
    # Half for the page cache, from which consumers that keep up are served.
    most = f"-Xmx{context.size.part(1 / 2)}m" if context.size else "-Xmx256m"
    heap = {"KAFKA_HEAP_OPTS": text(f"-Xms32m {most}"), "LOG_DIR": text("/tmp")}  # noqa: S108 - its own
    ports = {name: port for name, port in inside.items() if name != "controller"}
    return Container(
        replace(server, env=heap),
        ports=ports,
        mounts={".": "/tarmac"},
        starts_as_root=False,
        user=1000,  # the image's own
    )


STORE = StoreKind(
    id="kafka",
    title="Kafka",
    ports={"main": None, "controller": None},
    clients="main",
    port_per_user=True,
    passwordless="here",
    extra="kafka",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "binary",
            {
                "home": InstalledFolder(
                    "KAFKA_HOME",
                    "libs/kafka_2.13-*.jar",
                    folders=(
                        "{cache}/programs/kafka-*",
                        *("/opt/kafka", "/opt/kafka_*", "/usr/local/kafka"),
                        "/opt/homebrew/opt/kafka/libexec",
                        "/usr/local/opt/kafka/libexec",
                    ),
                    oldest="4",  # the first without ZooKeeper
                ),
                "java": Binary("java", version=("-version",), oldest="17"),
            },
            _launch,
            get="set KAFKA_HOME to an unpacked Kafka 4 (kafka.apache.org/downloads) and have "
            "java 17 on PATH",
        ),
        in_docker(Image("apache/kafka", "4.3.1"), _container),
    ),
    external={"kafka": 9092, "kafkas": 9093},
    script=script,
    broker=True,
    exporter=EXPORTER,
    admin=ADMIN,
    reset=emptying("main"),
    substitutes=("nats",),
    snapshot=StoreSnapshot(maps_files=True),
    fast_gives_up="syncing each write to disk",
    check="broker",
    fingerprint=FINGERPRINT,
)
