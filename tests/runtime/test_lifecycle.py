"""Up, down, restart and recovery of real processes, as their user sees them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import psutil
from sandbox import PORT, SERVER, SYSTEM, TARMAC, Sandbox, family, gone, supervisor_of, web, wire


def test_up_starts_what_is_called_before_its_callers_and_down_leaves_nothing(sandbox):
    sandbox.write(SYSTEM)
    up = sandbox.up()
    assert up["healthy"]
    assert up["changes"] == {
        "started": ["front", "back"],
        "restarted": [],
        "stopped": [],
        "failed": {},
    }
    front, back = sandbox.node("front"), sandbox.node("back")
    assert back["since"] <= front["since"]
    assert sandbox.get("front").startswith("pid ")
    assert sandbox.get("front", "/env/BACK_URL") == wire(sandbox, "front", "back")
    pids = family(sandbox)
    done = sandbox.tarmac("down")
    assert (done.returncode, done.stdout) == (0, "stopped\n")
    assert gone(pids)
    assert sandbox.tarmac("down").stdout == "nothing was running\n"
    assert {node["state"] for node in sandbox.ps()["nodes"]} == {"stopped"}


def test_a_second_up_changes_only_what_changed(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    before = {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]}
    again = sandbox.up()
    assert again["changes"] == {"started": [], "restarted": [], "stopped": [], "failed": {}}
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT, ", calls: [back]")}
          {web("back", PORT + 1, ", env: {A: b}")}
          {web("extra", PORT + 2)}
        """
    )
    changed = sandbox.up()
    assert changed["changes"] == {
        "started": ["extra"],
        "restarted": ["back"],
        "stopped": [],
        "failed": {},
    }
    after = {node["name"]: node["pid"] for node in sandbox.ps()["nodes"]}
    assert after["front"] == before["front"]
    assert after["back"] != before["back"]
    sandbox.write(SYSTEM)
    assert sandbox.up()["changes"]["stopped"] == ["extra"]
    assert "extra" not in [node["name"] for node in sandbox.ps()["nodes"]]


def test_a_wrong_file_starts_nothing(sandbox):
    sandbox.write(SYSTEM.replace(f"port: {PORT + 1}", f"port: {PORT}"))
    refused = sandbox.tarmac("up", "-d")
    assert refused.returncode == 2
    assert f"both use port {PORT}" in refused.stderr
    told = sandbox.tarmac("ps")
    assert told.returncode == 2
    assert "never ran in namespace 'default'; start it with `tarmac up`" in told.stderr
    assert not (sandbox.folder / ".tarmac/default/secrets.json").exists()


def test_kill_9_of_the_supervisor_leaves_nothing_and_up_recovers(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    pids = family(sandbox)
    assert len(pids) == 5, "the supervisor, its guard, the wires and two services"
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids)
    assert not sandbox.ps()["running"]
    assert sandbox.up()["healthy"]


def test_a_service_that_never_starts_ends_in_a_crash_loop_with_its_last_lines_and_cause(sandbox):
    (sandbox.folder / "broken.py").write_text("print('hello')\nimport nothing_of_the_kind\n")
    sandbox.write(
        SYSTEM + f"  bad: {{run: [{TARMAC[0].removesuffix('tarmac')}python, broken.py]}}\n"
    )
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 1
    assert "bad is in state crash-loop: ended with exit status 1" in done.stdout
    assert "No module named 'nothing_of_the_kind'" in done.stdout
    assert "likely cause: module nothing_of_the_kind is not installed" in done.stdout
    assert "the rest without bad: `tarmac up --without bad`" in done.stdout
    assert sandbox.node("front")["state"] == "healthy"


def test_a_command_that_does_not_exist_says_so(sandbox):
    sandbox.write(SYSTEM + "  bad: {run: [no-such-program]}\n")
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 1
    assert "No such file or directory" in done.stdout


def test_a_service_that_is_never_ready_is_ended_at_its_deadline(sandbox):
    mute = f"mute: {{run: [sleep, '60'], port: {PORT + 5}, probe: {{tcp: true, within: 1s}}}}"
    sandbox.write(SYSTEM + f"  {mute}\n")
    done = sandbox.tarmac("up", "-d", "--timeout", "60")
    assert done.returncode == 1
    assert re.search(r"not booted within 1 s \(nothing listens on port \d+\)", done.stdout)


def test_a_request_in_flight_is_finished_before_a_stop(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    url = sandbox.node("front")["url"]
    answers = []

    def ask() -> None:
        with urllib.request.urlopen(url + "/slow", timeout=10) as answer:
            answers.append(answer.status)

    asker = threading.Thread(target=ask)
    server = psutil.Process(sandbox.node("front")["pid"])
    asker.start()
    while server.num_threads() == 1:  # it answers each request in a thread of its own
        time.sleep(0.01)
    assert sandbox.tarmac("restart", "small", "front").returncode == 0
    asker.join()
    assert answers == [200]


def test_a_process_that_ignores_the_stop_signal_is_killed(sandbox):
    (sandbox.folder / "deaf.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\ntime.sleep(100)\n"
    )
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          deaf: {{run: [{TARMAC[0].removesuffix("tarmac")}python, deaf.py], probe: {{log: ^up}}}}
        """
    )
    sandbox.up()
    pids = family(sandbox)
    assert sandbox.tarmac("down").returncode == 0
    assert gone(pids)
    log = (sandbox.folder / ".tarmac/default/logs/deaf.log").read_text()
    assert "still running after 10 s: SIGKILL" in log


def test_attached_up_ends_everything_when_it_is_killed(sandbox):
    sandbox.write(SYSTEM)
    attached = subprocess.Popen(
        [*TARMAC, "up"],
        cwd=sandbox.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seen = ""
    while "Ctrl-C stops everything" not in seen:
        line = attached.stdout.readline()
        assert line, seen
        seen += line
    pids = family(sandbox)
    attached.kill()
    attached.wait()
    attached.stdout.close()
    assert gone(pids)


def test_attached_up_ends_when_somebody_else_stops_the_system(sandbox):
    sandbox.write(SYSTEM)
    attached = subprocess.Popen(
        [*TARMAC, "up"], cwd=sandbox.folder, stdout=subprocess.PIPE, text=True
    )
    seen = ""
    while "Ctrl-C stops everything" not in seen:
        seen += attached.stdout.readline()
    assert sandbox.tarmac("down").stdout == "stopped\n"
    rest, _ = attached.communicate(timeout=20)
    assert attached.returncode == 0
    assert "the system was stopped by another command" in rest


def test_ctrl_c_stops_everything_and_is_no_error_of_ours(sandbox):
    sandbox.write(SYSTEM)
    attached = subprocess.Popen(
        [*TARMAC, "up"],
        cwd=sandbox.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    seen = ""
    while "Ctrl-C stops everything" not in seen:
        seen += attached.stdout.readline()
    pids = family(sandbox)
    os.killpg(attached.pid, signal.SIGINT)
    _, complaint = attached.communicate(timeout=30)
    assert (attached.returncode, complaint) == (130, "")
    assert gone(pids)


def test_a_taken_port_moves_and_says_so_and_strict_ports_refuses(sandbox):
    sandbox.write(SYSTEM)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        refused = sandbox.tarmac("up", "-d", "--strict-ports")
        assert refused.returncode == 1
        assert f"port {PORT} is taken" in refused.stderr
        up = sandbox.up()
    who = f"pid {os.getpid()} ("
    assert f"front: port {PORT} is taken by {who}" in up["notes"][0]
    assert up["notes"][0].endswith(f"); its http port is {PORT + 2} here")
    assert sandbox.node("front")["url"] == f"http://localhost:{PORT + 2}"


def test_strict_ports_refuses_a_running_system_that_has_others(sandbox):
    sandbox.write(SYSTEM)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        sandbox.up()
    refused = sandbox.tarmac("up", "-d", "--strict-ports")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"front: runs on port {PORT + 2}, not on {PORT}; stop it with `tarmac down` and start it "
        "again, or leave out --strict-ports\n"
    )
    assert sandbox.tarmac("ps").returncode == 0


def test_an_up_that_waits_for_health_is_told_that_the_system_was_stopped(sandbox):
    sandbox.write(SYSTEM)
    (sandbox.folder / "server.py").write_text("import time; time.sleep(60)")
    waits = subprocess.Popen(
        [*TARMAC, "up", "-d"], cwd=sandbox.folder, stderr=subprocess.PIPE, text=True
    )
    while not sandbox.home.socket_file.exists():
        assert waits.poll() is None
        time.sleep(0.05)
    sandbox.until("back", lambda node: node["state"] == "starting")
    assert sandbox.tarmac("down").returncode == 0
    _, complaint = waits.communicate(timeout=30)
    assert waits.returncode == 1
    assert complaint.endswith(".tarmac/default: the system was stopped by `tarmac down`\n")


def test_a_damaged_state_file_is_rebuilt(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    before = sandbox.ps()["nodes"]
    state = sandbox.home.state
    state.write_bytes(b"no database" * 1000)
    # What runs knows all of it, and goes on.
    told = json.loads(sandbox.tarmac("ps", "--json").stdout)
    assert told["nodes"] == before
    assert sandbox.ps()["nodes"] == before
    # With nothing running, `up` rebuilds it, says so, and ends what was left.
    pids = family(sandbox)
    os.kill(supervisor_of(sandbox.home), signal.SIGKILL)
    assert gone(pids)
    for suffix in ("-wal", "-shm"):  # they may hold all of its pages
        state.with_name(state.name + suffix).unlink(missing_ok=True)
    state.write_bytes(b"no database" * 1000)
    stopped = sandbox.tarmac("ps")
    assert stopped.returncode == 1
    assert "state.sqlite: damaged (file is not a database); `tarmac up` rebuilds it" in (
        stopped.stderr
    )
    up = sandbox.up()
    assert any(
        note.endswith("state.sqlite: damaged (file is not a database); rebuilt")
        for note in up["notes"]
    )
    assert sandbox.tarmac("ps").returncode == 0


def test_two_namespaces_run_side_by_side(sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    sandbox.up("--namespace", "pr-7")
    try:
        assert sandbox.tarmac("ps", "-n", "pr-7").returncode == 0
        assert sandbox.ps()["healthy"]
    finally:
        done = sandbox.tarmac("down", "-n", "pr-7", "--delete-data")
    assert "deleted" in done.stdout
    assert not (sandbox.folder / ".tarmac/pr-7").exists()
    assert sandbox.ps()["healthy"]


def test_two_ups_at_once_make_one_system(sandbox):
    sandbox.write(SYSTEM)
    starts = [
        subprocess.Popen([*TARMAC, "up", "-d"], cwd=sandbox.folder, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [start.wait(60) for start in starts] == [0, 0, 0]
    assert len(family(sandbox)) == 5


def test_two_systems_that_want_the_same_ports_at_the_same_time_both_get_their_own(tmp_path):
    boxes = []
    for name in ("one", "two", "three"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "server.py").write_text(SERVER)
        (folder / ".git").mkdir()
        boxes.append(Sandbox(folder))
        boxes[-1].write(SYSTEM)
    try:
        starts = [
            subprocess.Popen([*TARMAC, "up", "-d"], cwd=box.folder, stdout=subprocess.DEVNULL)
            for box in boxes
        ]
        assert [start.wait(60) for start in starts] == [0, 0, 0]
        pids = set()
        for box in boxes:
            back = box.node("back")
            assert box.get("back") == f"pid {back['pid']}", "it is our own that answers"
            assert box.get("front", "/env/BACK_URL") == wire(box, "front", "back")
            pids.add(back["pid"])
        assert len(pids) == 3
    finally:
        for box in boxes:
            box.tarmac("down")


def test_of_one_without_a_port_that_is_left_out_nobody_claims_that_it_runs(sandbox):
    idle = f"  idle: {{run: [{sys.executable}, -c, 'import time; time.sleep(99)']}}\n"
    sandbox.write(SYSTEM + idle)
    done = sandbox.tarmac("up", "-d", "--without", "idle")
    assert done.returncode == 0, done.stderr
    assert sandbox.node("idle")["state"] == "outside"
    assert "without a port its state is unknown" in sandbox.node("idle")["detail"]
    assert "idle is not managed (--without); start it with:" in done.stdout
    again = sandbox.tarmac("up", "idle", "-d")
    assert sandbox.node("idle")["state"] == "running", "nothing tells whether it is healthy"
    assert "idle runs; its health is unknown" in again.stdout
    assert "your process still runs" not in again.stdout


def test_one_without_a_port_that_ends_each_time_is_not_said_to_run(sandbox):
    idle = f"  idle: {{run: [{sys.executable}, -c, 'import time; time.sleep(2); exit(1)']}}\n"
    sandbox.write(SYSTEM + idle)
    sandbox.tarmac("up", "-d")
    sandbox.until("idle", lambda node: node["restarts"] > 0)
    node = sandbox.until("idle", lambda node: node["state"] in ("running", "crash-loop"))
    assert node["state"] == "crash-loop"


def test_a_task_of_one_that_is_left_out_may_fail(sandbox):
    task = "tasks: {install: {run: [no-such-installer]}}"
    sandbox.write(SYSTEM + f"  web: {{run: [no-such-program], port: {PORT + 7}, {task}}}\n")
    done = sandbox.tarmac("up", "-d", "--without", "web")
    assert done.returncode == 0, done.stdout
    sandbox.until("web.install", lambda node: node["state"] == "crash-loop")
    assert sandbox.tarmac("ps").returncode == 0


def test_with_watch_what_does_not_start_is_mended_while_the_rest_runs(sandbox):
    (sandbox.folder / "late.py").write_text("import nothing_of_the_kind\n")
    late = f"  late: {{run: [{sys.executable}, late.py], port: {PORT + 8}, watch: [late.py]}}\n"
    sandbox.write(SYSTEM + late)
    up = subprocess.Popen(
        [*TARMAC, "up", "--watch"], cwd=sandbox.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert any("It keeps retrying; Ctrl-C stops everything." in line for line in up.stdout)
        (sandbox.folder / "late.py").write_text(SERVER)
        sandbox.until("late", lambda node: node["state"] == "healthy")
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=30)
    assert up.returncode == 130
    assert sandbox.node("late")["state"] == "stopped"
