"""What a system that runs lives through: wrong files, strange requests, deaths of its processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess

import pytest
from sandbox import SYSTEM, TARMAC, Sandbox, family, gone, laid_out

from tarmac.run.local.host import guard
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.build_id import build_id
from tarmac.run.local.supervisor.requests import Apply


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory):
    """The system, for all tests of this file; the last one stops it."""
    box = laid_out(tmp_path_factory.mktemp("shared"))
    box.write(SYSTEM)
    box.up()
    yield box
    box.end()


@pytest.fixture
def running(shared: Sandbox) -> Sandbox:
    """The system with the file that it was brought up with, and healthy."""
    shared.write(SYSTEM)
    for name in ("front", "back"):
        shared.until(name, lambda node: node["state"] == "healthy")
    return shared


def test_a_second_up_from_another_folder_is_about_the_same_system(running):
    elsewhere = running.folder / "else" / "where"
    elsewhere.mkdir(parents=True)
    again = subprocess.run(
        [*TARMAC, "up", "../../tarmac.yaml", "-d", "--json"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["changes"] == {
        "started": [],
        "restarted": [],
        "stopped": [],
        "failed": {},
    }


def test_a_wrong_file_changes_nothing_of_what_runs(running):
    pid = running.node("front")["pid"]
    running.write(SYSTEM.replace("calls: [back]", "calls: [bakc]"))
    refused = running.tarmac("up", "-d")
    assert refused.returncode == 2
    assert (
        refused.stderr.strip().endswith(
            "tarmac.yaml:4:100: front uses unknown service 'bakc'; did you mean 'back'?"
        )
        or "front uses unknown service 'bakc'; did you mean 'back'?" in refused.stderr
    )
    assert "Traceback" not in refused.stderr
    assert running.node("front")["pid"] == pid
    assert running.ps()["healthy"]


def test_a_service_that_dies_is_restarted_and_the_end_is_in_its_log(running):
    before = running.node("back")
    os.kill(before["pid"], signal.SIGKILL)
    running.until("back", lambda node: node["restarts"] == before["restarts"] + 1)
    node = running.until("back", lambda node: node["state"] == "healthy")
    assert node["pid"] != before["pid"]
    assert "[tarmac] ended by SIGKILL" in running.tarmac("logs", "small", "back").stdout


def test_kill_9_of_the_guard_is_survived(running):
    supervisor, *rest = family(running)
    guard_pid = next(pid for pid, parent in guard.parents().items() if parent == supervisor)
    os.kill(guard_pid, signal.SIGKILL)
    assert gone(rest)
    running.until("front", lambda node: node["state"] == "healthy" and node["pid"] not in rest)
    assert family(running)[0] == supervisor


def test_requests_of_another_form_are_answered_and_idle_connections_are_closed(running):
    def ask(line: bytes) -> str:
        with client.connect(running.home) as connection, connection.makefile("rb") as answers:
            connection.sendall(line + b"\n")
            return " ".join(json.loads(answers.readline())["errors"])

    assert ask(b'{"verb": "restart"}') == "request 'restart': names is missing; add it"
    assert "not an object with a verb" in ask(b"[]")
    assert "unknown verb 'fly'" in ask(b'{"verb": "fly"}')
    wrong = ask(b'{"verb": "restart", "names": 7}')
    assert wrong == "request 'restart': names is '7', which is not a list"
    wrong = ask(json.dumps({"verb": "apply", "options": {}, "build_id": build_id()}).encode())
    assert wrong.startswith("the supervisor failed (TypeError: ")
    assert str(running.home.supervisor_log) in wrong
    with contextlib.ExitStack() as held:
        idle = [held.enter_context(client.connect(running.home)) for _ in range(80)]
        for connection in idle:
            connection.settimeout(30)
        # Over the limit they are closed at once, the others when they have said nothing in time.
        assert idle[-1].recv(1) == b""
        assert idle[0].recv(1) == b""
        assert running.tarmac("ps").returncode == 0
    assert "unknown verb" in ask(b'{"verb": "fly"}')


def test_everything_kept_is_private_and_ignored_by_git(running):
    root = running.folder / ".tarmac"
    assert (root / ".gitignore").read_text() == "*\n"
    for path in (root / "default").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_another_systems_file_in_the_same_folder_is_refused(running: Sandbox):
    lines = (line[4:] for line in SYSTEM.splitlines())
    (running.folder / "other.yaml").write_text("\n".join(lines))
    done = running.tarmac("up", "other.yaml", "-d")
    assert done.returncode == 2
    assert "namespace 'default' of this folder belongs to" in done.stderr
    assert running.ps()["healthy"]
    assert running.tarmac("up", "other.yaml", "-d", "-n", "other").returncode == 0
    assert running.tarmac("down", "other.yaml", "-n", "other").returncode == 0


def test_an_unknown_name_is_bad_input_for_restart_too(running: Sandbox):
    done = running.tarmac("restart", "nosuch")
    assert (done.returncode, "nosuch: not part of the system" in done.stderr) == (2, True)


def test_what_another_version_started_is_not_changed_by_this_one(running: Sandbox):
    home = Home.of(running.folder / "tarmac.yaml", "default")
    asked = Apply(options={}, build_id="9.9")
    with pytest.raises(
        client.RequestRejected, match="started by another version of Tarmac"
    ) as refused:
        client.ask(home, asked)
    assert "run `tarmac down`, then `tarmac up`" in str(refused.value)
    assert running.ps()["healthy"]


def test_verbs_that_cannot_read_what_another_version_wrote_say_so(running: Sandbox):
    home = Home.of(running.folder / "tarmac.yaml", "default")
    with contextlib.closing(sqlite3.connect(home.state)) as state:
        (version,) = state.execute("PRAGMA user_version").fetchone()
        state.execute(f"PRAGMA user_version = {version - 1}")
        try:
            said = [running.tarmac(*verb) for verb in (("ps",), ("logs",), ("restart", "web"))]
        finally:
            state.execute(f"PRAGMA user_version = {version}")
    assert {done.returncode for done in said} == {2}
    assert all("another version of Tarmac started what runs here" in done.stderr for done in said)
    assert running.ps()["healthy"]


def test_what_runs_can_be_stopped_though_its_file_is_gone(running: Sandbox):
    (running.folder / "tarmac.yaml").unlink()
    assert running.tarmac("ps").returncode == 0
    assert running.tarmac("down").stdout == "stopped\n"
