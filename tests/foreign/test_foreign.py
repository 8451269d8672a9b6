"""Code bases that use nothing of ours: brought up by the real command, used as their users do."""

from __future__ import annotations

import json
import os
import socket
import time

import grpc
import pytest
from asking import ask
from free_ports import free_port
from sandbox import family

pytestmark = pytest.mark.servers


def restarted(box, service):
    """Restart a service and return when it is healthy again."""
    pid = box.node(service)["pid"]
    done = box.tarmac("restart", box.folder.name, service)
    assert done.returncode == 0, done.stdout + done.stderr
    assert box.node(service)["pid"] != pid


def test_a_node_service_keeps_its_rows_with_its_own_postgres_client(foreign, stops):
    box = foreign("notes", tools=("node",))
    (box.folder / ".env").write_text("# keys\nexport API_KEY=\"a # b\" # not this\nUNUSED='x'\n")
    box.up("--fast-stores")
    assert ask(box, "api", "/notes")[0] == 401
    key = {"X-Api-Key": "a # b"}
    status, made = ask(box, "api", "/notes", method="POST", body="milk", **key)
    assert (status, json.loads(made)["body"]) == (201, "milk")
    restarted(box, "api")
    assert [note["body"] for note in json.loads(ask(box, "api", "/notes", **key)[1])] == ["milk"]
    url = box.node("api")["url"]
    (box.folder / ".env").write_text("API_KEY=another\n")
    assert box.up("--fast-stores")["changes"]["restarted"] == ["api"]
    assert box.node("api")["url"] == url, "its successor has the port that the world knows"
    key = {"X-Api-Key": "another"}
    assert "milk" in ask(box, "api", "/notes", **key)[1]
    stops(box, family(box))
    box.up("--fast-stores")
    assert "milk" in ask(box, "api", "/notes", **key)[1]


def test_a_flask_app_uses_whatever_keys_it_likes_in_its_redis(foreign, stops):
    box = foreign("links")
    box.up()
    assert ask(box, "web", "/x")[0] == 404
    assert ask(box, "web", "/x", method="PUT", body="https://example.com/")[0] == 201
    assert ask(box, "web", "/x") == (302, "https://example.com/")
    restarted(box, "web")
    answer = json.loads(ask(box, "web", "/x/visits")[1])
    assert answer["visits"] == 1
    assert len(answer["secret"]) >= 32, "a secret that .env does not give is made up"
    stops(box, family(box))


def test_a_go_service_is_built_drained_and_finds_its_file_again(foreign, stops):
    box = foreign("quotes", tools=("go",))
    box.up()
    assert ask(box, "quotes", "/quotes", method="POST", body="Simple is better.")[0] == 201
    restarted(box, "quotes")
    assert ask(box, "quotes", "/quotes") == (200, "Simple is better.\n")
    stops(box, family(box))
    assert "goodbye" in box.tarmac("logs", "quotes", "quotes").stdout, "SIGTERM reaches the program"


def test_a_java_program_that_insists_on_its_port_gets_it(foreign, stops):
    box, port = foreign("clock", tools=("java",)), free_port()
    for name in ("tarmac.yaml", "Main.java"):
        path = box.folder / name
        path.write_text(path.read_text().replace("8089", str(port)))
    box.up()
    assert box.node("clock")["url"] == f"http://localhost:{port}"
    assert ask(box, "clock")[1].startswith("it is ")
    stops(box, family(box))


def test_two_grpc_programs_find_each_other_by_an_address_variable(foreign, stops):
    box = foreign("greeter")
    box.up()
    port = box.node("front")["ports"]["http"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        greet = channel.unary_unary("/Front/Greet")
        assert greet(b"1", timeout=10) == b"Hello, Ada"
        with pytest.raises(grpc.RpcError) as refused:
            greet(b"9", timeout=10)
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND
        restarted(box, "names")
        assert greet(b"2", timeout=10, wait_for_ready=True) == b"Hello, Grace"
    stops(box, family(box))


def test_a_front_end_served_by_vite_reaches_its_service_through_its_own_proxy(foreign, stops):
    box = foreign("board", tools=("node", "npx"))
    box.up()
    status, page = ask(box, "web")
    assert status == 200
    assert "/@vite/client" in page
    assert "fetch" in ask(box, "web", "/src/main.js")[1]
    assert json.loads(ask(box, "web", "/api/cards")[1]) == ["write", "review"]
    stops(box, family(box))


def test_a_service_with_two_ports_keeps_its_files(foreign, stops):
    box = foreign("media")
    box.up()
    assert ask(box, "media", "/a.txt", method="PUT", body="hello")[0] == 201
    assert ask(box, "media", port="admin") == (200, "1 files\n")
    restarted(box, "media")
    assert ask(box, "media", "/a.txt") == (200, "hello")
    stops(box, family(box))
    box.up()
    assert ask(box, "media", "/a.txt") == (200, "hello")


def test_a_worker_is_prepared_once_and_reports_on_a_schedule(foreign, stops):
    box = foreign("reports")
    file = box.folder / "tarmac.yaml"
    # A team's own schedule is by the minute.
    file.write_text(file.read_text().replace('"* * * * *"', '"@every 1s"'))
    box.up()
    log, end = "", time.monotonic() + 20
    while "report: 2 jobs done" not in log:
        assert time.monotonic() < end, log
        log = "".join(
            path.read_text() for path in (box.folder / ".tarmac/default/logs").glob("*.log")
        )
        time.sleep(0.05)
    assert "done first" in box.tarmac("logs", "reports", "worker").stdout
    stops(box, family(box))


def test_a_port_that_a_program_insists_on_is_taken_and_every_verb_says_it_calmly(foreign):
    box = foreign("clock")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = held.getsockname()[1]
        file = box.folder / "tarmac.yaml"
        file.write_text(file.read_text().replace("8089", str(taken)))
        refused = box.tarmac("up", "-d")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"clock: port {taken} is taken by pid {os.getpid()} ")
    for verb in ("ps", "logs"):
        done = box.tarmac(verb)
        assert (done.returncode, "never ran in namespace" in done.stderr) == (2, True), done.stderr
