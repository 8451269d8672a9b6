"""`tarmac init` in repositories that never heard of it: what it writes loads and runs as it is."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
from asking import ask
from free_ports import free_port
from sandbox import family

pytestmark = pytest.mark.servers


def adopted(box):
    """Write the file; return what `init` says."""
    done = box.tarmac("init", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["problems"] == []
    return said


def test_a_compose_file_becomes_a_system_that_works_end_to_end(foreign, stops):
    box, port = foreign("bookshop", tools=("node", "npm")), free_port()
    # Its code names the port, and on this machine another program may have that one.
    for name in ("compose.yaml", "api/Dockerfile", "api/server.js"):
        path = box.folder / name
        path.write_text(path.read_text().replace("3000", str(port)))
    said = adopted(box)
    assert said["origins"] == ["compose.yaml"]
    assert said["stores"] == {"db": "postgres", "cache": "redis", "mail": "mail"}
    assert said["secrets"] == ["SESSION_SECRET"]
    advice = "start it there if they need it"
    assert [line.split(" (")[0] for line in said["left_out"]] == [
        "worker: deploy",
        f"adminer: adminer:4 is not started here; its users expect it on localhost:8081: {advice}",
    ]
    box.up("--fast-stores")
    shop = json.loads(ask(box, "web", "/books")[1])
    assert shop["shop"] == "Ada & Sons"
    assert [book["title"] for book in shop["books"]] == ["SICP"]
    assert ask(box, "reviews", "/reviews", method="POST", body="good ***")[0] == 201
    end = time.monotonic() + 10
    while shop["reviews"] != {"reviews": ["good ***"], "stars": 3}:
        assert time.monotonic() < end, shop
        time.sleep(0.05)
        shop = json.loads(ask(box, "web", "/books")[1])
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(box.node("mail")["page"], timeout=10) as page:
        assert "good ***" in page.read().decode()
    stops(box, family(box))


@pytest.mark.parametrize(
    ("name", "tools", "service", "path", "answer"),
    [
        ("notes", ("node", "npm"), "notes", "/health", '{"ok":true}'),
        ("links", (), "app", "/health", '{"ok":true}'),
        ("quotes", ("go",), "quotes", "/healthz", "ok"),
        ("media", (), "app", "/health", "ok"),
        ("board", ("node", "npm"), "web", "/api/cards", '["write","review"]'),
        ("greeter", (), "front", None, ""),
    ],
)
def test_a_repository_without_a_compose_file_is_recognised_and_runs(
    foreign, stops, name, tools, service, path, answer
):
    box = foreign(name, file=False, tools=tools)
    said = adopted(box)
    assert service in said["services"]
    assert (said["missing"], said["left_out"]) == ([], [])
    box.up("--fast-stores")
    if path is not None:
        assert ask(box, service, path)[1].strip() == answer
    stops(box, family(box))


def test_a_try_corrects_the_file_leaves_nothing_running_and_what_it_wrote_runs(foreign, stops):
    box = foreign("visits", file=False)
    done = box.tarmac("init", "--try", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1, "one of its programs cannot run here"
    assert said["tried"]["healthy"] == ["web"]
    assert said["stores"] == {"cache": "redis"}
    written = (box.folder / "tarmac.yaml").read_text()
    assert "# tried: program no-such-language was not found" in written
    assert "REDIS_URL: ${stores.cache.url}" in written
    assert "secrets: [SESSION_SECRET]" in written
    assert "SUPPORT_EMAIL: someone@example.com" in written
    assert "# tried: tables ends when its work is done, so that it is a task here" in written
    assert [path.name for path in (box.folder / ".tarmac").iterdir()] == [".gitignore"]
    assert "never ran" in box.tarmac("ps").stderr
    box.up("--fast-stores", "--without", "old")
    first, second = (int(ask(box, "web")[1]) for _ in range(2))
    assert second == first + 1, "it counts its visits; up has looked at its page once"
    stops(box, family(box))


def test_an_edit_of_an_adopted_program_is_served_without_a_further_command(foreign, stops):
    box = foreign("media", file=False)
    adopted(box)
    box.up("--watch")
    assert ask(box, "app", "/none") == (404, "no such file\n")
    code = box.folder / "media.py"
    code.write_text(code.read_text().replace("no such file", "nothing of that name"))
    end = time.monotonic() + 20
    while ask(box, "app", "/none")[1] != "nothing of that name\n":
        assert time.monotonic() < end
        time.sleep(0.02)
    stops(box, family(box))


def test_what_nothing_is_recognised_in_is_refused_until_a_command_is_filled_in(sandbox):
    """Its files are never served: an `.env` may be among them."""
    box = sandbox
    (box.folder / "server.py").unlink()
    written = box.tarmac("init")
    assert written.returncode == 1
    assert "no service was recognised; write the command of yours there" in written.stdout
    refused = box.tarmac("up", "-d")
    assert refused.returncode == 2
    assert "tarmac.yaml:11:10: run is empty; name a program" in refused.stderr


def test_a_file_that_is_there_is_never_overwritten(foreign):
    box = foreign("media")
    before = (box.folder / "tarmac.yaml").read_text()
    refused = box.tarmac("init")
    assert refused.returncode == 2
    assert "tarmac.yaml: already exists" in refused.stderr
    assert (box.folder / "tarmac.yaml").read_text() == before
    printed = box.tarmac("init", "--stdout")
    assert printed.returncode == 0
    assert "run: [.venv/bin/python, media.py]" in printed.stdout
    assert (box.folder / "tarmac.yaml").read_text() == before
