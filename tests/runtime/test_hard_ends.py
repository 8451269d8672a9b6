"""However it ends - killed, all at once, in the middle of anything - `up` makes it whole again."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hard import (
    MOMENTS,
    SEED,
    WHO,
    few,
    home_of,
    kill,
    made,
    pids_of,
    supervisors,
    whole_again,
)
from remains import remains
from sandbox import PORT, SERVER, SYSTEM, TARMAC, Sandbox, family, gone

from tarmac.run.local.host import guard

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]


@pytest.mark.parametrize(
    "who",
    few(["supervisor", "guard"], more=(["wires", "supervisor"], ["everything"])),
    ids="+".join,
)
def test_what_is_killed_together_is_whole_after_up(stored: Sandbox, who):
    stored.up()
    before = family(stored)
    starts, _ = made(stored)
    kill([pid for name in who for pid in WHO[name](stored)])
    whole_again(stored, before)
    assert made(stored) == (starts + 1, 2), "no row is lost, and the seed is sown once"
    assert stored.tarmac("down").returncode == 0
    assert remains(home_of(stored)) == []


#: Until its supervisor has noticed, the state of a killed process is still the one before.
UP_AGAIN = ("healthy", False)


def test_guard_and_wires_killed_together_come_back_by_themselves(stored: Sandbox):
    stored.up()
    supervisor, *rest = family(stored)
    before = {name: stored.node(name)["pid"] for name in ("front", "counting", "db")}
    kill([*WHO["guard"](stored), *WHO["wires"](stored)])
    assert gone(rest)
    for name, pid in before.items():
        stored.until(name, lambda node, old=pid: (node["state"], node["pid"] == old) == UP_AGAIN)
    assert family(stored)[0] == supervisor
    assert stored.get("front", "/env/PORT")
    assert stored.tarmac("down").returncode == 0
    assert remains(home_of(stored)) == []


def kill_during(box: Sandbox, after_s: float, who: str, *verb: str) -> list[int]:
    """Run a verb and kill somebody so long after its beginning; return what lived then."""
    environment = {**os.environ, "NO_COLOR": "1"}
    with subprocess.Popen(
        [*TARMAC, *verb], cwd=box.folder, env=environment, stdout=-3, stderr=-3
    ) as client:
        time.sleep(after_s)  # the moment is what is tried
        running = supervisors(box)
        lived = [*running, *(pid for parent in running for pid in guard.descendants(parent))]
        if who == "guard":
            kill([pid for pid in lived if pid in pids_of(box, "local/host/guard.py")])
        elif who == "client":
            client.kill()
        else:
            kill(running)
        client.wait(60)
    return lived


#: Seconds that the first start took whose moments are tried.
TOOK_S: list[float] = []


def start_s(box: Sandbox) -> float:
    """Tell how long a start takes; measured once."""
    if not TOOK_S:
        TOOK_S.append(box.up()["took_s"])
        assert box.tarmac("down", "--delete-data").returncode == 0
    return TOOK_S[0]


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_a_kill_at_any_moment_of_a_start_is_mended_by_the_next(
    stored: Sandbox, start, monkeypatch, tmp_path
):
    moments = random.Random(f"{SEED} {start}")
    longest_s = start_s(stored)
    starts = 0
    for number in range(MOMENTS):
        if start == "cold":
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{number}"))
            stored.tarmac("down", "--delete-data")
            starts = 0
        who = moments.choice(["supervisor", "supervisor", "guard", "client"])
        after_s = moments.uniform(0.05, longest_s)
        print(f"{number}: kill -9 of the {who} {after_s:.2f} s after the start")
        lived = kill_during(stored, after_s, who, "up", "-d")
        whole_again(stored, [] if who != "supervisor" else lived)
        again, goods = made(stored)
        assert goods == 2
        assert again > starts, "what was committed is still there"
        starts = again
        stored.tarmac("down")
        assert remains(home_of(stored)) == []


@pytest.mark.parametrize(
    "verb",
    few(["down", "--delete-data"], ["reset", "--no-snapshot", "db"], more=(["down"], ["seed"])),
    ids=" ".join,
)
def test_a_kill_at_any_moment_of_a_verb_that_changes_data_is_mended_by_up(stored: Sandbox, verb):
    moments = random.Random(f"{SEED} {verb}")
    for number in range(MOMENTS):
        stored.up()
        starts, _ = made(stored)
        after_s = moments.uniform(0.1, 1.0)
        who = moments.choice(["supervisor", "client"]) if "--delete-data" in verb else "supervisor"
        print(f"{number}: kill -9 of the {who} {after_s:.2f} s after {verb}")
        kill_during(stored, after_s, who, *verb)
        whole_again(stored, [])
        again, goods = made(stored)
        assert goods == 2
        assert again > starts or verb[0] == "reset" or "--delete-data" in verb
    assert stored.tarmac("down").returncode == 0
    assert remains(home_of(stored)) == []


@pytest.mark.parametrize("who", few("supervisor", more=("guard", "successor")))
def test_a_kill_while_an_edit_is_taken_up_is_mended(sandbox: Sandbox, who):
    (sandbox.folder / "slow.py").write_text("import time\ntime.sleep(1)\n" + SERVER)
    system = SYSTEM.replace("server.py], port: " + str(PORT + 1), f"slow.py], port: {PORT + 1}")
    assert "slow.py" in system
    sandbox.write(system)
    sandbox.up()
    before = family(sandbox)
    service = sandbox.node("back")["pid"]
    sandbox.write(system.replace("slow.py], ", "slow.py], env: {SHOWN: edited}, "))
    with subprocess.Popen([*TARMAC, "up", "-d"], cwd=sandbox.folder, stdout=-3, stderr=-3) as up:
        end = time.monotonic() + 30
        while not (new := [p for p in pids_of(sandbox, "slow.py") if p not in before]):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert guard.parents().keys() >= {service}, "the old one serves on meanwhile"
        kill(new if who == "successor" else WHO[who](sandbox))
        up.wait(60)
    assert sandbox.up()["healthy"]
    assert gone([service, *new])
    assert sandbox.get("back", "/env/SHOWN") == "edited"
    assert len(family(sandbox)) == 5
    assert sandbox.tarmac("down").returncode == 0
    assert remains(home_of(sandbox)) == []


def test_a_command_probe_and_what_it_started_end_with_the_supervisor(sandbox: Sandbox):
    (sandbox.folder / "probe.sh").write_text("sleep 3600 & echo $! >> probed; sleep 3600\n")
    sandbox.write(
        """
        tarmac: 1
        system: small
        services:
          probed: {run: [sleep, "3600"], probe: {command: [sh, probe.sh]}}
        """
    )
    with subprocess.Popen([*TARMAC, "up", "-d"], cwd=sandbox.folder, stdout=-3, stderr=-3) as up:
        end = time.monotonic() + 30
        while len(probes := pids_of(sandbox, "probe.sh")) == 0:
            assert time.monotonic() < end
            time.sleep(0.01)
        running = family(sandbox)
        assert {*probes} <= {*running}
        kill(WHO["supervisor"](sandbox))
        assert gone(running)
        up.wait(30)
    started = [int(line) for line in (sandbox.folder / "probed").read_text().split()]
    assert gone(started)


def test_after_a_reboot_stale_pids_locks_and_sockets_are_no_obstacle(stored: Sandbox):
    stored.up()
    before = family(stored)
    starts, _ = made(stored)
    socket_path = Path((home_of(stored) / "socket").read_text())
    kill(before)
    assert gone(before)
    socket_path.unlink()
    stale = home_of(stored) / "nodes/db/data/postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with sqlite3.connect(home_of(stored) / "state.sqlite") as database:
        for key in ("supervisor_pid", "guard_pid"):  # by now they are somebody else's
            database.execute("UPDATE meta SET value = ? WHERE key = ?", (str(os.getpid()), key))
    database.close()
    (home_of(stored) / ".facts.json.new").write_text("{")
    whole_again(stored, before)
    assert made(stored) == (starts + 1, 2)
