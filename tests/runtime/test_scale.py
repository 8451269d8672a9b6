"""Several instances of a service: spread, killed one by one, drained, and unready all at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter

import pytest
from edited import until
from sandbox import PORT, Sandbox, web

from tarmac.run.local.host import guard

URL = f"http://localhost:{PORT}"
ONE = f"tarmac: 1\nsystem: small\nservices:\n  {web('web', PORT)}\n"


def ask(path: str = "/") -> str:
    with urllib.request.urlopen(URL + path, timeout=10) as answer:
        return answer.read().decode()


def pids(box: Sandbox) -> dict[str, int]:
    return {node["name"]: node["pid"] for node in box.ps()["nodes"] if node["role"] == "service"}


def in_hand(box: Sandbox) -> int:
    """How many connections there are now."""
    done = box.tarmac("edges", "--json")
    assert done.returncode == 0, done.stderr
    edges = json.loads(done.stdout)["edges"]
    return sum(edge["open"] for edge in edges)


def test_requests_are_spread_over_the_instances_in_their_zones(sandbox: Sandbox):
    sandbox.write(ONE)
    up = sandbox.up("--scale", "web=4")
    placed = {node["name"]: (node["zone"], node["machine"]) for node in up["nodes"]}
    assert placed == {
        "web": ("zone-a", "node-a1"),
        "web.2": ("zone-b", "node-b1"),
        "web.3": ("zone-c", "node-c1"),
        "web.4": ("zone-a", "node-a2"),
    }
    assert [node["url"] for node in up["nodes"]] == [URL, "", "", ""]
    asked = Counter(ask() for _ in range(40))
    assert set(asked) == {f"pid {pid}" for pid in pids(sandbox).values()}
    assert min(asked.values()) >= 4  # not 10: a connection may end a moment after its answer


def test_a_killed_instance_takes_only_its_own_requests_along(sandbox: Sandbox):
    program = sandbox.folder / "server.py"
    program.write_text(program.read_text().replace("time.sleep(0.6)", "time.sleep(6)"))
    sandbox.write(ONE)
    sandbox.up("--scale", "web=3")
    before = pids(sandbox)
    slow: list[str] = []
    lost: list[str] = []

    def wait() -> None:
        try:
            slow.append(ask("/slow"))
        except OSError as error:
            lost.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(9)]
    for thread in threads:
        thread.start()
    until(lambda: in_hand(sandbox), lambda number: number == 9)
    victim = before["web.2"]
    os.kill(victim, signal.SIGKILL)
    # Before its last thread has ended, the kernel still takes connections in its name.
    sandbox.until("web.2", lambda node: node["pid"] != victim)
    answers = [ask() for _ in range(30)]  # not one of these fails
    assert f"pid {victim}" not in answers
    for thread in threads:
        thread.join()
    assert (len(slow), len(lost)) == (6, 3)  # its share, and no more
    sandbox.until("web.2", lambda node: node["restarts"] == 1 and node["state"] == "healthy")
    after = pids(sandbox)
    assert after["web.2"] != victim
    assert {name: pid for name, pid in after.items() if name != "web.2"} == {
        name: pid for name, pid in before.items() if name != "web.2"
    }
    assert {ask() for _ in range(9)} == {f"pid {pid}" for pid in after.values()}


def test_less_instances_are_drained_and_the_models_number_comes_back(sandbox: Sandbox):
    sandbox.write(ONE.replace("}\n", ", replicas: 2}\n"))
    sandbox.up("--scale", "web=3")
    assert sorted(pids(sandbox)) == ["web", "web.2", "web.3"]
    first = pids(sandbox)["web"]
    slow: list[str] = []
    threads = [threading.Thread(target=lambda: slow.append(ask("/slow"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    changes = sandbox.up("--scale", "web=1")["changes"]
    assert sorted(changes["stopped"]) == ["web.2", "web.3"]
    for thread in threads:
        thread.join()
    assert len(slow) == 6  # what was in hand was finished
    assert {ask() for _ in range(5)} == {f"pid {first}"}
    assert sandbox.up()["changes"]["started"] == ["web.2"]
    assert {ask() for _ in range(6)} == {f"pid {pid}" for pid in pids(sandbox).values()}
    assert pids(sandbox)["web"] == first


def test_what_cannot_be_several_is_refused_before_anything_changes(sandbox: Sandbox):
    sandbox.write(ONE.replace("}\n", ", listen: fixed}\n"))
    for scale, words in (
        ("web=2", "web cannot have 2 instances here (it listens on a fixed port)"),
        ("wbe=2", "no such service; did you mean 'web'?"),
        ("web=many", "many"),
        ("web=-1", "-1"),
    ):
        done = sandbox.tarmac("up", "-d", "--scale", scale)
        assert done.returncode == 2, scale
        assert words in done.stderr
    sandbox.up()
    assert ask().startswith("pid ")


STORED = f"""
    tarmac: 1
    system: small
    services:
      hi: {{source: services/hi, port: {PORT}, stores: {{db: db}}, replicas: 2}}
    stores:
      db: postgres
    """


@pytest.mark.servers
def test_without_the_store_that_all_need_the_service_says_so_itself(sandbox: Sandbox):
    """All instances turn unready; the wire still reaches one, which answers 503 in its words."""
    part = sandbox.folder / "services/hi"
    (part / "tarmac_hi").mkdir(parents=True)
    (part / "service.yaml").write_text(
        "part: hi\npackage: tarmac_hi\nslots:\n  db: {kind: postgres, env: DATABASE_URL}\n"
    )
    (part / "tarmac_hi/__init__.py").write_text("")
    (part / "tarmac_hi/app.py").write_text(
        "from tarmac_kit import Chassis, Part\n\n\n"
        "def mount(chassis: Chassis) -> None:\n    chassis.database()\n\n\n"
        'PART = Part(name="hi", mount=mount)\n'
    )
    sandbox.write(STORED)
    sandbox.up()
    assert ask("/health/ready")
    db = sandbox.node("db")["pid"]
    server = [db, *guard.descendants(db)]
    for pid in server:
        os.kill(pid, signal.SIGSTOP)  # it is there and does not answer
    try:
        for name in ("hi", "hi.2"):
            sandbox.until(name, lambda node: node["state"] == "unhealthy")
        before = pids(sandbox)
        codes = set()
        for _ in range(6):
            with pytest.raises(urllib.error.HTTPError) as caught:
                ask("/health/ready")
            with caught.value as answer:
                codes.add(answer.code)
                assert "database" in answer.read().decode()
        assert codes == {503}
        assert ask("/health/live")
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 404")
    finally:
        for pid in server:
            os.kill(pid, signal.SIGCONT)
    for name in ("hi", "hi.2"):
        sandbox.until(name, lambda node: node["state"] == "healthy")
    assert pids(sandbox) == before  # nobody was restarted for it
    assert ask("/health/ready")
