"""`up` on what runs: successors beside it, those that fail, and what can only be one at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from edited import SYSTEM, Watched, asked_all_the_time, save, until
from sandbox import PORT, SERVER, TARMAC, Sandbox, web

from tarmac.run.local.host import kernel
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Edges

URL = f"http://localhost:{PORT}"


def ask(path: str = "/") -> str:
    with urllib.request.urlopen(URL + path, timeout=10) as answer:
        return answer.read().decode()


def small(more: str = "") -> str:
    return f"tarmac: 1\nsystem: small\nservices:\n  {web('web', PORT, more)}\n"


def mood(value: str, more: str = "") -> str:
    return small(f", env: {{MOOD: {value}}}{more}")


def test_a_changed_service_is_replaced_without_a_gap_and_keeps_its_address(sandbox: Sandbox):
    sandbox.write(mood("one"))
    sandbox.up()
    answers: list[str] = []
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            answers.append(ask("/env/MOOD"))

    asking = threading.Thread(target=go_on)
    slow = threading.Thread(target=lambda: answers.append(f"slow {ask('/slow')}"))
    asking.start()
    slow.start()
    for value in ("two", "three"):
        sandbox.write(mood(value))
        assert sandbox.up()["changes"]["restarted"] == ["web"]
        assert ask("/env/MOOD") == value
        until(lambda: answers[-1], value.__eq__)
    over.set()
    asking.join()
    slow.join()
    kinds = [answer for answer in answers if not answer.startswith("slow")]
    # In order, without a gap: an exception would have ended the thread, and the list with it.
    assert sorted(set(kinds), key=kinds.index) == ["one", "two", "three"]
    assert any(answer.startswith("slow pid") for answer in answers)
    log = (sandbox.folder / ".tarmac/default/logs/web.log").read_text()
    assert log.count("took over after") == 2
    node = sandbox.node("web")
    assert (node["restarts"], node["url"]) == (0, URL)


GATE = """
def serve():
    while not os.path.exists("accept"):
        time.sleep(0.01)
    server.serve_forever(0.02)
"""
#: Accepts nothing before there is a file `accept`, and nothing more once it is told to stop.
GATED = (
    SERVER.replace("server.daemon_threads = False", f"server.daemon_threads = False\n{GATE}")
    .replace("target=server.serve_forever, args=(0.02,)", "target=serve")
    .replace("server.shutdown()", "print('told to stop', flush=True)\nserver.shutdown()")
)


@pytest.mark.skipif(not kernel.is_known(), reason="this system says nothing of its sockets")
@pytest.mark.parametrize("more", ["", ", volumes: {data: data}"], ids=["rolled", "in place"])
def test_a_request_that_is_not_accepted_yet_is_answered_before_the_stop(sandbox: Sandbox, more):
    (sandbox.folder / "server.py").write_text(GATED)
    sandbox.write(small(f", probe: {{log: ^listening}}{more}"))
    sandbox.up()
    old = sandbox.node("web")
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(ask()))
    asking.start()
    # Connected by the wires: probes of Tarmac's own may wait beside it.
    until(lambda: client.ask(sandbox.home, Edges()).edges[0].get("open"), (1).__eq__)
    assert kernel.not_accepted([old["ports"]["http"]]) >= 1
    restart = subprocess.Popen([*TARMAC, "restart", "web"], cwd=sandbox.folder)
    log = sandbox.folder / ".tarmac/default/logs/web.log"
    until(log.read_text, lambda text: "told to stop" in text or "not accepted yet" in text)
    (sandbox.folder / "accept").touch()
    asking.join()
    assert answers == [f"pid {old['pid']}"]
    assert restart.wait(30) == 0
    assert sandbox.node("web")["pid"] != old["pid"]


def test_restart_replaces_services_without_a_gap(still: Watched):
    still.box.write(SYSTEM.replace("system: small", "system: small\n    # an edit, not applied"))
    for names in (("hi",), ()):
        first = still.box.node("hi")
        with asked_all_the_time(still) as failed:
            done = still.box.tarmac("restart", "--json", *names)
        assert (done.returncode, failed) == (0, []), done.stderr
        now = still.box.node("hi")
        assert now["pid"] != first["pid"]
        assert (now["url"], now["restarts"]) == (first["url"], 0)
    log = (still.box.folder / ".tarmac/default/logs/hi.log").read_text()
    assert log.count("took over after") == 2
    until(lambda: processes(still), lambda left: len(left) == 1)
    save(still.words, "raise SystemExit('no word today')\n")
    pid = still.box.node("hi")["pid"]
    with asked_all_the_time(still) as failed:
        done = still.box.tarmac("restart", "hi")
    assert (done.returncode, failed) == (1, [])
    assert "the previous instance keeps serving" in done.stdout
    assert still.box.node("hi")["pid"] == pid


def test_one_that_does_not_start_is_an_error_of_up_and_changes_nothing(sandbox: Sandbox):
    sandbox.write(mood("one"))
    sandbox.up()
    pid = sandbox.node("web")["pid"]
    (sandbox.folder / "server.py").rename(sandbox.folder / "moved.py")
    sandbox.write(mood("two"))
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 1
    assert "web: new version failed to start (ended with exit status 2 (" in done.stdout
    assert "the previous instance keeps serving" in done.stdout
    node = sandbox.node("web")
    assert (node["pid"], node["state"]) == (pid, "healthy")
    assert ask("/env/MOOD") == "one"
    ports = json.loads((sandbox.folder / ".tarmac/default/facts.json").read_text())["ports"]
    assert node["ports"]["http"] == ports["instances/web/1/http"]

    # Killed, the old one comes back as it was, and the next `up` tries the new form again.
    (sandbox.folder / "moved.py").rename(sandbox.folder / "server.py")
    os.kill(pid, signal.SIGKILL)
    sandbox.until("web", lambda node: node["restarts"] == 1 and node["state"] == "healthy")
    assert ask("/env/MOOD") == "one"
    assert sandbox.up()["changes"]["restarted"] == ["web"]
    assert ask("/env/MOOD") == "two"
    assert sandbox.node("web")["detail"] == ""


def test_instances_are_replaced_one_after_another_and_a_failure_stops_it(sandbox: Sandbox):
    sandbox.write(mood("one", ", replicas: 3"))
    sandbox.up()
    before = {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]}
    sandbox.write(mood("two", ", replicas: 3"))
    assert sorted(sandbox.up()["changes"]["restarted"]) == ["web", "web.2", "web.3"]
    after = {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]}
    assert not set(before.values()) & set(after.values())

    program = (sandbox.folder / "server.py").read_text()
    once = 'import os, sys\nif os.environ["MOOD"] == "three":\n    print("no!")\n    sys.exit(3)\n'
    (sandbox.folder / "server.py").write_text(once + program)
    sandbox.write(mood("three", ", replicas: 3"))
    done = sandbox.tarmac("up", "-d", "--json")
    assert done.returncode == 1
    failed = json.loads(done.stdout)["changes"]["failed"]
    assert sorted(failed) == ["web", "web.2", "web.3"]
    assert {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]} == after
    logs = sandbox.folder / ".tarmac/default/logs"
    tried = [name for name in after if "no!" in (logs / f"{name}.log").read_text()]
    assert tried == ["web"]  # the others would have failed as well


@pytest.mark.parametrize("why", ["listen: fixed", "volumes: {data: data}"])
def test_what_can_only_be_one_is_stopped_before_the_next_starts(sandbox: Sandbox, why):
    program = (sandbox.folder / "server.py").read_text()
    # It would not start beside another one.
    lock = (
        "import os\nos.makedirs('data', exist_ok=True)\n"
        "os.close(os.open('data/lock', os.O_CREAT | os.O_EXCL))\n"
    )
    (sandbox.folder / "server.py").write_text(f"{lock}{program}\nos.unlink('data/lock')\n")
    sandbox.write(mood("one", f", {why}"))
    sandbox.up()
    sandbox.write(mood("two", f", {why}"))
    assert sandbox.up()["changes"]["restarted"] == ["web"]
    assert ask("/env/MOOD") == "two"
    assert sandbox.node("web")["restarts"] == 0


def test_without_wires_it_is_stopped_before_the_next_starts_on_its_port(sandbox: Sandbox):
    sandbox.write(mood("one"))
    sandbox.up("--direct")
    sandbox.write(mood("two"))
    assert sandbox.up("--direct")["changes"]["restarted"] == ["web"]
    assert ask("/env/MOOD") == "two"


def hangs(watched: Watched) -> subprocess.Popen[str]:
    """Begin an `up` whose successor never becomes ready."""
    save(watched.words, "print('hangs now', flush=True)\nimport time\ntime.sleep(100)\n")
    up = subprocess.Popen(
        [*TARMAC, "up", "-d"],
        cwd=watched.box.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = watched.box.folder / ".tarmac/default/logs/hi.log"
    until(log.read_text, lambda text: "hangs now" in text)
    return up


@pytest.fixture
def still(sandbox: Sandbox) -> Watched:
    """The small system, not watched."""
    made = Watched(sandbox)
    sandbox.write(SYSTEM)
    sandbox.up()
    return made


def test_a_newer_up_does_not_wait_for_an_older_one_that_hangs(still: Watched):
    with asked_all_the_time(still) as failed:
        up = hangs(still)
        still.say("newer")
        assert still.box.up()["changes"]["restarted"] == ["hi"]
        assert still.ask()["word"] == "newer"
        said, _ = up.communicate(timeout=30)
    assert failed == []
    assert up.returncode == 1
    assert "a newer change came" in said


def test_down_does_not_wait_for_a_successor_that_hangs(still: Watched):
    up = hangs(still)
    began = time.monotonic()
    assert still.box.tarmac("down").stdout == "stopped\n"
    assert time.monotonic() - began < 20  # a successor may take 60 s to become ready
    up.communicate(timeout=30)
    assert up.returncode != 0


def test_the_old_one_may_die_while_its_successor_starts(still: Watched):
    killed = still.box.folder / "killed"
    waits = f"while not os.path.exists({str(killed)!r}):\n    time.sleep(0.01)\n"
    begins = "import os, time\nprint('begins', flush=True)\n"
    save(still.words, f"{begins}{waits}WORD = 'late'\n")
    up = subprocess.Popen(
        [*TARMAC, "up", "-d", "--json"], cwd=still.box.folder, stdout=subprocess.PIPE, text=True
    )
    log = still.box.folder / ".tarmac/default/logs/hi.log"
    until(log.read_text, lambda text: "begins" in text)
    os.kill(int(still.box.node("hi")["pid"]), signal.SIGKILL)
    killed.touch()
    said, _ = up.communicate(timeout=60)
    assert up.returncode == 0, said
    assert still.ask()["word"] == "late"
    nodes = [node["name"] for node in still.box.ps()["nodes"]]
    assert nodes == ["hi"]
    # Who was replaced drains for a moment more, and then there is one.
    until(lambda: processes(still), lambda left: len(left) == 1)


def processes(watched: Watched) -> list[Path]:
    every = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [path for path in every if str(watched.part) in cwd(path)]


def cwd(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def test_after_two_that_fail_the_old_one_is_still_known_where_it_listens(sandbox: Sandbox):
    sandbox.write(mood("one"))
    sandbox.up()
    pid = sandbox.node("web")["pid"]
    program = sandbox.folder / "server.py"
    program.rename(sandbox.folder / "moved.py")
    for value in ("two", "three"):
        sandbox.write(mood(value))
        assert sandbox.tarmac("up", "-d").returncode == 1
    node = sandbox.node("web")
    ports = json.loads((sandbox.folder / ".tarmac/default/facts.json").read_text())["ports"]
    assert node["ports"]["http"] == ports["instances/web/1/http"]
    # Back to what runs: nothing is to be replaced, and nothing is to be complained of any more.
    (sandbox.folder / "moved.py").rename(program)
    sandbox.write(mood("one"))
    assert sandbox.up()["changes"]["restarted"] == []
    node = sandbox.node("web")
    assert (node["pid"], node["detail"]) == (pid, "")
