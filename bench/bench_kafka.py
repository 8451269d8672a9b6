"""Kafka as it is started here beside Kafka as it comes, and the kit on it beside the kit on NATS.

Both servers run the same jars on an empty storage until they answer a client's first question.
Theirs has the settings of Kafka's quick start and the flags of its own start script. Nothing is
measured where there is no Kafka.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.copies import Copy, copy, ended, environment, until
from bench.figure import Absent, Figure, seconds, sized

from tarmac.catalog.stores.kafka import STORE
from tarmac.catalog.stores.protocols.kafka import HEARD, HELLO
from tarmac.run.local.host import offers
from tarmac_kit import Message
from tarmac_kit.bus import make_bus

ROUNDS = sized(3, 1)
MESSAGES = sized(5000, 100)
SYSTEM = """tarmac: 1
system: bench
services:
  user:
    run: "echo up && exec sleep 1000"
    probe: {{log: ^up}}
    env: {{URL: "${{broker.url}}"}}
broker: {broker}
"""
#: Of bin/kafka-server-start.sh and bin/kafka-run-class.sh.
SCRIPTS = ("-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
QUICK_START = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.replication.factor=1
"""


def measure() -> list[Figure]:
    """Return start and memory of the server, and what the kit publishes and handles."""
    offer = offers.find(STORE, asked_provider="binary")
    if offer is None:
        raise Absent("there is no Kafka; .ci/kafka brings it")
    java, jars = offer.programs["java"][0], f"{offer.programs['home'][0]}/libs/*"
    starts: list[float] = []
    sizes: list[float] = []
    published: dict[str, list[float]] = {"kafka": [], "nats": []}
    handled: dict[str, list[float]] = {"kafka": [], "nats": []}
    theirs = [_as_it_comes(java, jars) for _ in range(ROUNDS)]
    for broker, rates_of in published.items():
        with copy(SYSTEM.format(broker=broker)) as system:
            system.tarmac("up", "-d")
            for _ in range(ROUNDS):
                rates = asyncio.run(_rates(_url(system)))
                rates_of.append(rates[0])
                handled[broker].append(rates[1])
                if broker == "kafka":
                    sizes.append(_mib(_pid(system)))
                    system.tarmac("down")
                    starts.append(seconds(lambda system=system: system.tarmac("up", "-d")))  # type: ignore[misc]
    middle = statistics.median
    how = f"Kafka {offer.version}; theirs with its quick start's settings; medians of {ROUNDS}"
    what = f"{MESSAGES} messages through the kit; theirs is NATS; both sync what they confirm"
    return [
        Figure(
            "Kafka: a system of it is up", "s", middle(starts), middle(s for s, _ in theirs), how
        ),
        Figure("Kafka: memory", "MiB", middle(sizes), middle(size for _, size in theirs), how),
        Figure(
            "published to Kafka, 64 in flight",
            "/s",
            middle(published["kafka"]),
            middle(published["nats"]),
            what,
        ),
        Figure("handled from Kafka", "/s", middle(handled["kafka"]), middle(handled["nats"]), what),
    ]


def _as_it_comes(java: str, jars: str) -> tuple[float, float]:
    """Start Kafka by hand; return the seconds until it answers, and its MiB."""
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        port, controller = (held.getsockname()[1] for held in ports)
        for held in ports:
            held.close()
        file = Path(name, "server.properties")
        file.write_text(QUICK_START.format(port=port, controller=controller, folder=name))
        tool = ["kafka.tools.StorageTool", "format", "-t", "a2Fma2EtYXMtaXQtY29tZXM", "-c"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment()}
        subprocess.run([java, "-cp", jars, *tool, str(file)], check=True, **quiet)  # type: ignore[call-overload]
        command = [java, *SCRIPTS, "-cp", jars, "kafka.Kafka", str(file)]
        began = time.perf_counter()
        process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
        try:
            until("Kafka as it comes", lambda: _answers(port), 0.02)
            return time.perf_counter() - began, _mib(process.pid)
        finally:
            ended(process)


def _answers(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=2) as asked,
    ):
        asked.sendall(HELLO)
        return HEARD in asked.recv(1000)
    return False


def _mib(pid: int) -> float:
    """Return a process's proportional share of memory; macOS does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return float("nan")
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def _pid(system: Copy) -> int:
    return next(int(node["pid"]) for node in system.nodes() if node["role"] == "broker")


def _url(system: Copy) -> str:
    return system.tarmac("connect", "broker", "--as", "user", "--url").strip()


async def _rates(url: str) -> tuple[float, float]:
    """Publish, then handle; return the messages per second of both."""
    topic = f"bench.t{time.monotonic_ns()}"
    bus = make_bus(url, service="user")
    await bus.open()
    while not bus.connected:  # noqa: ASYNC110 - the broker tells nobody
        await asyncio.sleep(0.01)
    room, rest, done = asyncio.Semaphore(64), MESSAGES, asyncio.Event()

    async def publish(number: int) -> None:
        async with room:
            payload = {"number": number, "text": "x" * 200}
            await bus.publish(Message(f"{topic}-{number}", topic, f"k{number % 500}", payload))

    async def handle(_: Message) -> None:
        nonlocal rest
        rest -= 1
        if rest == 0:
            done.set()

    await publish(-1)
    began = time.perf_counter()
    await asyncio.gather(*(publish(number) for number in range(MESSAGES - 1)))
    middle = time.perf_counter()
    await bus.consume((topic,), "user", handle)
    await asyncio.wait_for(done.wait(), 120)
    ending = time.perf_counter()
    await bus.close()
    return MESSAGES / (middle - began), MESSAGES / (ending - middle)
