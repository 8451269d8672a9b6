"""Kafka: one node that is broker and controller (KRaft), from its jars and the machine's Java.

Its clients connect to where it says that it is. So each user has a listener of its own, which says
the port of that user's wire and knows only that user's password. Topics and rights are said to it
once it is up.
"""

from __future__ import annotations

from dataclasses import replace

from tarmac.launch import Command, ExchangeProbe, File, Launch, Talk, Text, Tree, text
from tarmac.stores._docker import in_docker
from tarmac.stores._kafka import HEARD, HELLO, emptying, set_up
from tarmac.stores._kind import (
    Binary,
    Container,
    Home,
    Image,
    Offer,
    Provider,
    StoreKind,
    User,
    View,
    outputs,
)
from tarmac.stores._kraft import EXPORTER, JAVA, MAKE, RUN_INSIDE, config
from tarmac.stores._rights import ADMIN, wanted
from tarmac.stores._topics import script


def _url(view: View, user: User) -> Text:
    address = f"@{view.host}:{view.port_of(user, 'main')}"
    return text(f"kafka://{user.role}:", user.password, address)


def _server(view: View, argv: tuple[str, ...], properties: Text, trees: tuple[Tree, ...]) -> Launch:
    return Launch(
        argv=argv,
        ready=ExchangeProbe(view.ports["main"], expect=HEARD, send=HELLO),
        files=(File("server.properties", properties),),
        trees=trees,
        talk=Talk(view.ports["main"], wanted(view), set_up),
        grace_s=20.0,
        ready_within_s=120.0,
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    java, jars = offer.programs["java"], f"{offer.programs['home'][0]}/libs/*"
    properties = config(view, "{folder}", dict(view.ports), view.host, fast)
    argv = (*java, *JAVA, "-Dlog4j2.level=WARN", "-XX:SharedArchiveFile={folder}/data/classes.jsa")
    argv = (*argv, "-cp", jars, "kafka.Kafka", "{folder}/server.properties")
    make = Command(("/bin/sh", "-c", MAKE, "{tree}", *java, jars, *JAVA))
    return _server(view, argv, properties, (Tree("data", f"kafka-{offer.version}", make),))


def _container(view: View, offer: Offer, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    inside = {name: 9092 + number for number, name in enumerate(view.ports)}
    properties = config(view, "/tarmac", inside, "0.0.0.0", fast)
    server = _server(view, ("/bin/sh", "-c", RUN_INSIDE), properties, ())
    # Half for the page cache, from which consumers that keep up are served.
    most = f"-Xmx{view.size.part(1 / 2)}m" if view.size else "-Xmx256m"
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
    extra="kafka",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "binary",
            {
                "home": Home(
                    "KAFKA_HOME",
                    "libs/kafka_2.13-*.jar",
                    folders=(
                        "{cache}/programs/kafka-*",
                        "/opt/kafka",
                        "/opt/kafka_*",
                        "/usr/local/kafka",
                        "/opt/homebrew/opt/kafka/libexec",
                        "/usr/local/opt/kafka/libexec",
                    ),
                    # The first without ZooKeeper.
                    oldest="4",
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
    stand_ins=("nats",),
    fast_gives_up="syncing each write to disk",
    check="broker",
)
