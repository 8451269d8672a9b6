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
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import nats
import pytest
from free_ports import free_port

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
  repository: {{target: repository}}

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

    @property
    def name(self) -> str:
        """Name it, for the table and the test's id."""
        events = f"{self.events}-{self.broker}" if self.events != "none" else ""
        return "-".join(filter(None, (self.language, *self.stores, events)))


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


STEPS = ("new", "healthy", "build, lint, test", "render, verify")
HEAD = f"""\
# A new service, measured

`tests/golden_path/test_golden_path.py` makes every combination that is listed and writes this
table: `make test-slow TOPIC=golden-path`, with `UPDATE_GOLDEN_PATH=1`. Seconds on a machine with
two cores, beside other work. *healthy* is the time from the command to a service that answers, with
packages fetched and programs built in it, from the caches where an earlier combination filled them.

Of every combination the test asserts that its code builds, lints and passes its tests; that it
answers, keeps an item over a restart where it has a store, and sends or takes an event where it has
a topic; that its log has the trace's id; that the pipeline and an Argo CD Application
have it; and that `tarmac verify` passes.

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


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> str:
    """Ask by GET, or PUT a body; return the answer's text."""
    data = None if body is None else json.dumps(body).encode()
    named = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, named, method="GET" if data is None else "PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


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
    port = free_port()
    told = run(
        folder,
        f"{TARMAC} new service items --language {made.language} {stores} --events {made.events} "
        f"--port {port} --json",
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
    answers(folder, f"http://127.0.0.1:{port}", made, language)
    run(folder, f"{TARMAC} down")

    code = folder / "services/items"
    start = time.monotonic()
    for line in (language.build, language.lint, language.test):
        run(code, line)
    row.seconds["build, lint, test"] = time.monotonic() - start
    start = time.monotonic()
    artefacts(folder)
    row.seconds["render, verify"] = time.monotonic() - start
    keep(row)


def answers(folder: Path, url: str, made: Combination, language: Language) -> None:
    """Assert what a running service answers, keeps, tells and logs."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    heard = asyncio.run(events(folder, url, made, trace)) if made.events == "publishes" else None
    if heard is None:
        put(url, trace)
    else:
        assert json.loads(heard) == {"id": "lamp", "name": "A lamp"}
    if made.events == "consumes":
        asyncio.run(events(folder, url, made, trace))
    if made.stores:
        run(folder, f"{TARMAC} restart items")
        assert json.loads(ask(f"{url}/items/lamp"))["name"] == "A lamp"
    assert language.counted in ask(f"{url}/metrics")
    lines = run(folder, f"{TARMAC} logs items").splitlines()
    (saved,) = [line for line in lines if "item saved" in line and trace in line]
    assert json.loads(saved[saved.index("{") :])["message"] == "item saved"


def put(url: str, trace: str) -> None:
    """Save an item, as a part of a trace, and read it."""
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    ask(f"{url}/items/lamp", {"name": "A lamp"}, headers)
    assert json.loads(ask(f"{url}/items/lamp")) == {"id": "lamp", "name": "A lamp"}


async def events(folder: Path, url: str, made: Combination, trace: str) -> str:
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
            await asyncio.to_thread(put, url, trace)
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
            await asyncio.to_thread(put, url, trace)
            message = await queue.get(timeout=5)
            heard = message.body.decode()
            await message.ack()
        else:
            await exchange.publish(aio_pika.Message(body), topic)
        await connection.close()
    if not publishes:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                assert json.loads(ask(f"{url}/items/{table}"))["name"] == "A chair"
                return heard
            except urllib.error.HTTPError:
                await asyncio.sleep(0.1)
        pytest.fail("the event did not arrive within ten seconds")
    return heard


def artefacts(folder: Path) -> None:
    """Assert that pipeline, Argo CD and catalogue know the service, and that every gate passes."""
    run(folder, f"{TARMAC} render --env production --out production")
    run(folder, f"{TARMAC} render --env repository --out .")
    assert (folder / "services/items/Dockerfile").is_file()
    assert (folder / "services/items/openapi.yaml").is_file()
    assert list((folder / ".github/workflows").glob("*.yml"))
    assert "services/items" in (folder / "ci/services.json").read_text()
    texts = {path: path.read_text() for path in (folder / "production").rglob("*.yaml")}
    assert [p for p, text in texts.items() if "kind: Application\n" in text and "items" in text]
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
