"""Every combination of `tarmac new service`: made, built, linted, tested, up, asked, verified.

Each is timed from the command to a healthy service; `UPDATE_GOLDEN_PATH=1` writes the times into
docs/evidence/golden-path.md. A language whose programs are missing is skipped.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import nats
import pytest
import yaml
from asking_items import GrpcItems, HttpItems, ask
from free_ports import free_port, free_ports

from tarmac.catalog.stores import mongodb
from tarmac.run.local.host import offers

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/evidence/golden-path.md"
TARMAC = Path(sys.executable).with_name("tarmac")
#: The most from the command to a healthy service (PLAT-11).
LIMIT_S = 300
#: The most until a new system is healthy, with the packages in the machine's cache.
MINUTE_S = 60
MODEL = """\
tarmac: 1
system: corner
owner: "@acme/shop"
domain: corner.example.com

# The till stands for the services that a team has already.
services:
  till:
    run: [python3, -m, http.server, "{port}", --bind, 127.0.0.1]
    port: {port}
    listen: fixed
    publishes: [till.changed]
    env: {{BROKER_URL: "${{broker.url}}"}}

broker: {broker}

environments:
  production:
    registry: registry.example.com/corner
    observability: {{}}
    gitops: {{}}
  repository: {{target: repository, portal: {{kind: backstage}}}}

delivery:
  repository: https://github.com/acme/corner
  gitops: https://github.com/acme/corner-gitops
"""


@dataclass(frozen=True)
class Language:
    """How a language's service is checked, by its own tools."""

    needs: tuple[str, ...]
    build: str
    lint: str
    test: str
    #: What the answer of /metrics has after a request.
    counted: str = "http_requests_total{"


LANGUAGES = {
    "python": Language(
        ("uv",),
        "uv sync --quiet",
        ".venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . "
        "&& .venv/bin/mypy app tests",
        ".venv/bin/pytest -q",
    ),
    "node": Language(
        ("node", "npm"),
        "npm ci --no-audit --no-fund && npm run build",
        "npm run lint",
        "npm test -- --coverage",
    ),
    "go": Language(
        ("go",),
        "go build -o bin/items .",
        'go vet ./... && test -z "$(gofmt -l .)"',
        "go test ./...",
    ),
    "java": Language(
        ("java", "mvn"),
        "mvn -q -B -ntp package -DskipTests",
        "mvn -q -B -ntp compile",
        "mvn -q -B -ntp test",
        "http_server_requests_seconds_count{",
    ),
}


@dataclass(frozen=True)
class Combination:
    """One choice of language, stores and events."""

    language: str
    stores: tuple[str, ...] = ()
    events: str = "none"
    broker: str = "nats"
    api: str = "http"

    @property
    def name(self) -> str:
        """Name it, for the table and the test's id."""
        events = f"{self.events}-{self.broker}" if self.events != "none" else ""
        api = self.api if self.api != "http" else ""
        return "-".join(filter(None, (self.language, api, *self.stores, events)))

    def items(self, port: int) -> HttpItems | GrpcItems:
        """Give what asks the service."""
        return GrpcItems(port) if self.api == "grpc" else HttpItems(port)


#: What the answer of /metrics has after a request by gRPC, in every language.
COUNTED_GRPC = "grpc_server_handled_total{"


#: The roadmap's sixteen (PLAT-02): two languages, a database, a broker, a cache, each or none.
SIXTEEN = [
    Combination(language, (*database, *cache), events, "rabbitmq")
    for language, database, events, cache in itertools.product(
        ("node", "python"), ((), ("postgres",)), ("none", "publishes"), ((), ("redis",))
    )
]
MORE = [
    Combination("python", ("mongodb",), "consumes", "nats"),
    Combination("python", ("postgres",), "publishes", "nats"),
    Combination("python", (), "consumes", "rabbitmq"),
    Combination("node", ("mongodb",), "consumes", "nats"),
    Combination("node", ("postgres",), "consumes", "rabbitmq"),
    Combination("go"),
    Combination("go", ("postgres", "redis"), "publishes", "nats"),
    Combination("go", ("mongodb",), "consumes", "rabbitmq"),
    Combination("go", ("redis",), "consumes", "nats"),
    Combination("go", ("postgres",), "publishes", "rabbitmq"),
    Combination("java"),
    Combination("java", ("postgres", "redis"), "publishes", "nats"),
    Combination("java", ("mongodb",), "consumes", "rabbitmq"),
    Combination("java", ("redis",), "publishes", "rabbitmq"),
    Combination("java", ("postgres",), "consumes", "nats"),
    Combination("python", api="grpc"),
    Combination("python", ("postgres", "redis"), "publishes", "nats", api="grpc"),
    Combination("python", ("mongodb",), "consumes", "rabbitmq", api="grpc"),
    Combination("node", api="grpc"),
    Combination("node", ("postgres", "redis"), "publishes", "nats", api="grpc"),
    Combination("node", ("mongodb",), "consumes", "rabbitmq", api="grpc"),
    Combination("go", api="grpc"),
    Combination("go", ("postgres", "redis"), "publishes", "rabbitmq", api="grpc"),
    Combination("go", ("mongodb",), "consumes", "nats", api="grpc"),
]


@dataclass
class Row:
    """What was measured of a combination, in seconds."""

    name: str
    files: int
    seconds: dict[str, float] = field(default_factory=dict)


def keep(row: Row) -> None:
    """Write a row into the page, if it is asked for."""
    if os.environ.get("UPDATE_GOLDEN_PATH"):
        PAGE.write_text(page([row]))


def page(found: list[Row]) -> str:
    """Write the page of all measured combinations; rows of an earlier run stay."""
    head, _, before = (PAGE.read_text() if PAGE.exists() else "").partition("|---|")
    kept = dict(re.findall(r"^\| ([\w-]+) (\|.*)$", before, re.MULTILINE))
    for row in found:
        shown = " | ".join(f"{row.seconds[step]:.1f}" for step in STEPS)
        kept[row.name] = f"| {row.files} | {shown} |"
    if not head:
        head = HEAD
    body = "\n".join(f"| {name} {cells}" for name, cells in sorted(kept.items()))
    return f"{head}|---|{'---:|' * (len(STEPS) + 1)}\n{body}\n"


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STEPS = ("new", "healthy", "build, lint, test", "render, verify")
HEAD = f"""\
# A new service, measured

`tests/golden_path/test_golden_path.py` makes every combination that is listed and writes this
table: `make test-slow TOPIC=golden-path`, with `UPDATE_GOLDEN_PATH=1`. Seconds on a machine with
two cores, beside other work. *healthy* is the time from the command to a service that answers, with
packages fetched and programs built in it, from the caches where an earlier combination filled them.

Of every combination the test asserts that its code builds, lints and passes its tests; that it
answers, keeps an item over a restart where it has a store, and sends or takes an event where it has
a topic; that its log has the trace's id; that the pipeline, an Argo CD Application and the
catalogue have it; and that `tarmac verify` passes.

| Combination | Files | {" | ".join(STEPS)} |
"""


@pytest.fixture
def corner(tmp_path):
    """Give a function that lays out a system; it is down at the end."""
    folder = tmp_path / "corner"
    folder.mkdir()

    def lay_out(broker: str) -> Path:
        (folder / "tarmac.yaml").write_text(MODEL.format(port=free_port(), broker=broker))
        run(folder, "git init -q .")
        return folder

    yield lay_out
    if (folder / ".tarmac").exists():
        run(folder, f"{TARMAC} down --delete-data")


def run(folder: Path, line: str, timeout: float = 600) -> str:
    """Run a line of shell; return what it printed."""
    path = os.pathsep.join((str(ROOT / ".uv/bin"), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "VIRTUAL_ENV": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, (
        f"{line}: {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-6000:]}"
    )
    return done.stdout


@pytest.mark.parametrize("made", [*SIXTEEN, *MORE], ids=lambda made: made.name)
@pytest.mark.timeout(1200)
def test_a_new_service_is_healthy_within_five_minutes_and_delivered(made, corner):
    language = LANGUAGES[made.language]
    if missing := [n for n in language.needs if n != "uv" and not shutil.which(n)]:
        pytest.skip(f"needs {', '.join(missing)}")
    option = ""
    if "mongodb" in made.stores:
        if offers.find(mongodb.STORE, asked_provider="ferretdb") is None:
            pytest.skip("this machine has no ferretdb; .ci/ferretdb builds one")
        option = "--provider items-db=ferretdb"
    folder = corner(made.broker)
    stores = " ".join(f"--store {store}" for store in made.stores)
    start = time.monotonic()
    port = free_ports(2)[0]
    told = run(
        folder,
        f"{TARMAC} new service items --language {made.language} --api {made.api} {stores} "
        f"--events {made.events} --port {port} --json",
    )
    row = Row(made.name, len(json.loads(told)["files"]))
    row.seconds["new"] = time.monotonic() - start
    if made.events == "publishes":  # the till hears of it
        model = (folder / "tarmac.yaml").read_text()
        hears = "publishes: [till.changed]\n    consumes: [items.changed]"
        (folder / "tarmac.yaml").write_text(model.replace("publishes: [till.changed]", hears))
    run(folder, f"{TARMAC} up -d --timeout {LIMIT_S} {option}")
    row.seconds["healthy"] = time.monotonic() - start
    assert row.seconds["healthy"] < LIMIT_S
    answers(folder, made.items(port), made)
    run(folder, f"{TARMAC} down")

    code = folder / "services/items"
    start = time.monotonic()
    for line in (language.build, language.lint, language.test):
        run(code, line)
    row.seconds["build, lint, test"] = time.monotonic() - start
    start = time.monotonic()
    artefacts(folder, made)
    row.seconds["render, verify"] = time.monotonic() - start
    keep(row)


def answers(folder: Path, items: HttpItems | GrpcItems, made: Combination) -> None:
    """Assert what a running service answers, keeps, tells and logs."""
    if made.events == "publishes":
        heard = asyncio.run(events(folder, items, made))
        assert json.loads(heard) == {"id": "lamp", "name": "A lamp"}
    else:
        put(items)
    if made.events == "consumes":
        asyncio.run(events(folder, items, made))
    if made.stores:
        run(folder, f"{TARMAC} restart items")
        assert (items.find("lamp") or {})["name"] == "A lamp"
    counted = COUNTED_GRPC if made.api == "grpc" else LANGUAGES[made.language].counted
    assert counted in ask(items.metrics_url)
    lines = run(folder, f"{TARMAC} logs items").splitlines()
    (saved,) = [line for line in lines if "item saved" in line and TRACE in line]
    assert json.loads(saved[saved.index("{") :])["message"] == "item saved"


def put(items: HttpItems | GrpcItems) -> None:
    """Save an item, as a part of a trace, and read it."""
    items.save("lamp", "A lamp", f"00-{TRACE}-00f067aa0ba902b7-01")
    assert items.find("lamp") == {"id": "lamp", "name": "A lamp"}
    assert items.find("none") is None


async def events(folder: Path, items: HttpItems | GrpcItems, made: Combination) -> str:
    """Hear what a service publishes; or publish what it consumes, and find the item there."""
    publishes = made.events == "publishes"
    who = "items" if publishes else "till"
    topic = f"{who}.changed"
    table = f"chair-{made.language}"
    body = json.dumps({"id": table, "name": "A chair"}).encode()
    who_asks = "items" if publishes and made.broker == "nats" else "till"
    broker = json.loads(run(folder, f"{TARMAC} env {who_asks} --json"))["env"]["BROKER_URL"]
    heard = ""
    if made.broker == "nats":
        client = await nats.connect(broker)
        stream = client.jetstream()
        if publishes:
            await asyncio.to_thread(put, items)
            heard = (await stream.get_last_msg("items", topic)).data.decode()
        else:
            await stream.publish(topic, body)
        await client.close()
    else:
        connection = await aio_pika.connect(broker)
        channel = await connection.channel()
        exchange = await channel.get_exchange(who)
        if publishes:
            queue = await channel.declare_queue("till.heard", auto_delete=True)
            await queue.bind(exchange, topic)
            await asyncio.to_thread(put, items)
            message = await queue.get(timeout=5)
            heard = message.body.decode()
            await message.ack()
        else:
            await exchange.publish(aio_pika.Message(body), topic)
        await connection.close()
    if not publishes:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if found := items.find(table):
                assert found["name"] == "A chair"
                return heard
            await asyncio.sleep(0.1)
        pytest.fail("the event did not arrive within ten seconds")
    return heard


def artefacts(folder: Path, made: Combination) -> None:
    """Assert that pipeline, Argo CD and catalogue know the service, and that every gate passes."""
    run(folder, f"{TARMAC} render --env production --out production")
    run(folder, f"{TARMAC} render --env repository --out .")
    assert (folder / "services/items/Dockerfile").is_file()
    assert list((folder / ".github/workflows").glob("*.yml"))
    assert "services/items" in (folder / "ci/services.json").read_text()
    texts = {path: path.read_text() for path in (folder / "production").rglob("*.yaml")}
    assert [p for p, text in texts.items() if "kind: Application\n" in text and "items" in text]
    assert "./catalog/component/items.yaml" in (folder / "catalog-info.yaml").read_text()
    entity = yaml.safe_load((folder / "catalog/api/items.yaml").read_text())
    assert entity["spec"]["type"] == {"http": "openapi"}.get(made.api, made.api)
    described = folder / "catalog/api" / entity["spec"]["definition"]["$text"]
    assert described.resolve().is_relative_to(folder / "services/items")
    assert described.is_file()
    run(folder, f"{TARMAC} verify")


@pytest.mark.timeout(600)
def test_a_new_system_is_healthy_in_the_first_minute_and_its_page_saves_an_item(tmp_path):
    run(tmp_path, f"{TARMAC} new system corner --yes")
    folder = tmp_path / "corner"
    try:
        start = time.monotonic()
        told = run(folder, f"{TARMAC} up -d --timeout {LIMIT_S}")
        took = time.monotonic() - start
        page_url = re.search(r"^ +page +(http://localhost:\d+/)$", told, re.MULTILINE)[1]
        assert "<form" in ask(page_url)
        ask(f"{page_url}items/lamp", {"name": "A lamp"})
        assert json.loads(ask(f"{page_url}items/lamp"))["name"] == "A lamp"
        run(folder, f"{TARMAC} verify")
        assert took < MINUTE_S
    finally:
        run(folder, f"{TARMAC} down --delete-data")


@pytest.mark.timeout(600)
def test_a_system_like_the_shop_sells_its_own_products_under_another_name(tmp_path):
    run(tmp_path, f"{TARMAC} new system corner --like shop")
    folder = tmp_path / "corner"
    run(folder, "git init --quiet")  # a virtual environment is looked for up to here
    run(folder, "uv sync --quiet")
    try:
        told = run(folder, f"{TARMAC} up -d --fast-stores --timeout {LIMIT_S}")
        assert "corner is healthy" in told
        gateway = re.search(r"^ +api-gateway +(http://localhost:\d+)$", told, re.MULTILINE)[1]
        assert json.loads(ask(f"{gateway}/api/products"))["items"]
        nodes = {
            one["name"]: one for one in json.loads(run(folder, f"{TARMAC} ps --json"))["nodes"]
        }
        mapped = Path(f"/proc/{nodes['order-service']['pid']}/maps").read_text()
        assert str(folder / ".venv/lib") in mapped, "it runs by the packages of its own repository"
        run(folder, f"{TARMAC} invariants")
        run(folder, f"{TARMAC} verify --env compose")
    finally:
        run(folder, f"{TARMAC} down --delete-data")
