"""Closed terminals, frozen processes, full disks, strange folders: all of it is lived with."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hard import (
    COUNTING,
    FAMILY,
    LONG,
    STORED,
    few,
    home_of,
    kill,
    made,
    meta,
    only_long,
    pids_of,
    supervisors,
    whole_again,
)
from remains import remains
from sandbox import PORT, SERVER, SYSTEM, TARMAC, Sandbox, family, gone, web

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]


@pytest.fixture
def attached():
    """Start an attached `up`; whatever is left of it ends with the test."""
    with contextlib.ExitStack() as started:

        def start(box: Sandbox, *args: str, **how: Any) -> subprocess.Popen[str]:
            client = subprocess.Popen(
                [*TARMAC, "up", *args],
                cwd=box.folder,
                env={**os.environ, "NO_COLOR": "1"},
                text=True,
                start_new_session=True,
                **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **how},
            )
            started.enter_context(client)
            started.callback(client.kill)
            return client

        yield start


def until_up(client: subprocess.Popen[str]) -> None:
    seen = ""
    while "Ctrl-C stops everything" not in seen:
        line = client.stdout.readline()
        assert line, seen
        seen += line


@pytest.fixture
def slow_to_stop(sandbox: Sandbox):
    """A system whose service takes a moment to drain."""
    program = SERVER.replace("server.server_close()", "time.sleep(1.5)")
    (sandbox.folder / "server.py").write_text(program)
    sandbox.write(SYSTEM)
    return sandbox


@pytest.mark.parametrize("second", few(signal.SIGTERM, more=(signal.SIGINT, signal.SIGHUP)))
def test_a_second_signal_does_not_disturb_a_stop(slow_to_stop: Sandbox, second, attached):
    client = attached(slow_to_stop)
    until_up(client)
    pids = family(slow_to_stop)
    client.send_signal(signal.SIGINT)
    while "stopping" not in client.stdout.readline():
        assert client.poll() is None
    client.send_signal(second)
    rest, _ = client.communicate(timeout=30)
    assert (client.returncode, rest) == (130, "")
    assert gone(pids)
    assert remains(home_of(slow_to_stop)) == []


def interpreter_started(client: subprocess.Popen[str]) -> None:
    """Wait until Python runs its first module; what it says of a signal before is its own."""
    process = psutil.Process(client.pid)
    while sum(process.cpu_times()[:2]) < 0.06:
        time.sleep(0.005)


@pytest.mark.parametrize("end", few(signal.SIGINT, signal.SIGKILL, more=(signal.SIGTERM,)))
def test_an_attached_up_that_ends_before_it_is_up_leaves_nothing_running(
    sandbox: Sandbox, end, attached
):
    sandbox.write(SYSTEM)
    for after_s in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6) if LONG else (0, 0.2, 0.5):
        client = attached(sandbox)
        interpreter_started(client)
        time.sleep(after_s)  # the moment is what is tried
        client.send_signal(end)
        try:
            said, _ = client.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            log = home_of(sandbox).supervisor_log.read_text()
            pytest.fail(f"after {after_s} s: {sandbox.ps()}\n{log}")
        assert "Traceback" not in said
        deadline = time.monotonic() + 20
        while supervisors(sandbox):
            assert time.monotonic() < deadline, f"after {after_s} s: {sandbox.ps()}"
            time.sleep(0.02)
        if (home_of(sandbox) / "facts.json").exists():
            assert remains(home_of(sandbox)) == []


def test_a_terminal_that_is_closed_ends_the_system(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    client, terminal = pty.fork()
    if client == 0:
        os.chdir(sandbox.folder)
        os.execv(TARMAC[0], [*TARMAC, "up"])
    seen = b""
    while b"Ctrl-C stops" not in seen:
        seen += os.read(terminal, 65536)
    pids = family(sandbox)
    os.close(terminal)
    os.waitpid(client, 0)
    assert gone(pids)
    assert remains(home_of(sandbox)) == []


def test_a_reader_that_goes_away_ends_an_attached_up_and_not_a_detached_one(
    sandbox: Sandbox, attached
):
    sandbox.write(SYSTEM)
    client = attached(sandbox)
    until_up(client)
    pids = family(sandbox)
    client.stdout.close()
    with contextlib.suppress(OSError):
        sandbox.get("front")  # its line in the log cannot be shown to anybody
    client.wait(30)
    assert gone(pids)
    read, write = os.pipe()
    os.close(read)
    detached = attached(sandbox, "-d", stdout=write, stderr=subprocess.DEVNULL)
    os.close(write)
    detached.wait(60)
    sandbox.until("front", lambda node: node["state"] == "healthy")
    closed = subprocess.run(
        ["sh", "-c", '"$0" up -d >&- 2>&- <&-', *TARMAC],
        cwd=sandbox.folder,
        timeout=60,
        check=False,
    )
    assert closed.returncode == 0
    assert sandbox.ps()["healthy"]


@only_long
def test_a_client_that_is_stopped_and_continued_goes_on_and_the_system_never_notices(
    sandbox: Sandbox, attached
):
    sandbox.write(SYSTEM)
    client = attached(sandbox)
    until_up(client)
    pids = family(sandbox)
    client.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, client.pid, os.WSTOPPED)
    assert sandbox.get("front").startswith("pid ")
    client.send_signal(signal.SIGCONT)
    while "GET /" not in client.stdout.readline():
        assert client.poll() is None
    assert family(sandbox) == pids
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=30)
    assert gone(pids)


def frozen(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def test_a_frozen_service_and_store_are_unhealthy_and_down_ends_them(stored: Sandbox):
    stored.up()
    pids = family(stored)
    for name in ("back", "cache", "db"):
        frozen(stored.node(name)["pid"])
    for name in ("back", "cache", "db"):
        node = stored.until(name, lambda node: node["state"] == "unhealthy")
        assert "no answer within 2 s" in node["detail"]
    began = time.monotonic()
    assert stored.tarmac("down").returncode == 0
    assert time.monotonic() - began < 30, "each has its grace, at most"
    assert gone(pids)
    assert remains(home_of(stored)) == []


def test_a_frozen_guard_and_wires_do_not_keep_down_from_ending_everything(stored: Sandbox):
    stored.up()
    pids = family(stored)
    frozen(meta(stored, "guard_pid"))
    for pid in pids_of(stored, "local/network/wires.py"):
        frozen(pid)
    assert stored.tarmac("down").returncode == 0
    assert gone(pids)
    assert remains(home_of(stored)) == []


@only_long
def test_frozen_wires_are_replaced(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    (old,) = pids_of(sandbox, "local/network/wires.py")
    frozen(old)
    assert gone([old], within_s=60)
    assert sandbox.get("front").startswith("pid ")


def test_what_a_frozen_namespace_left_behind_is_ended_by_the_next_up(stored: Sandbox):
    stored.up()
    pids = family(stored)
    for pid in pids[1:]:
        frozen(pid)
    kill(pids[:1])  # the guard cannot notice
    whole_again(stored, pids)
    assert not {*family(stored)} & {*pids}


FILLING = """
import asyncio, os
import asyncpg
async def main():
    connection = await asyncpg.connect(os.environ["URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS filled (line text)")
    print("made", await connection.fetchval("SELECT count(*) FROM filled"), flush=True)
    rows = "INSERT INTO filled SELECT repeat(md5(i::text), 30) FROM generate_series(1, 100) i"
    while True:
        await connection.execute(rows)
        print("committed 100", flush=True)
        await asyncio.sleep(0.05)
asyncio.run(main())
"""


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of its own of 150 MB for a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        if mounted.returncode == 0:
            yield folder
            subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("no disk of its own can be mounted here (not root, or not allowed)")


def fill(disk: Path) -> Path:
    """Take all the room that is left."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1_000_000, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler


def test_a_full_disk_is_named_breaks_nothing_and_all_is_well_once_there_is_room(small_disk: Path):
    box = Sandbox(small_disk)
    (small_disk / ".git").mkdir()
    (small_disk / "server.py").write_text(SERVER)
    (small_disk / "filling.py").write_text(FILLING)
    box.write(
        f"""
        tarmac: 1
        system: small
        services:
          {web("front", PORT, ", stores: {cache: cache}")}
          filling:
            run: [{sys.executable}, filling.py]
            env: {{URL: "${{stores.db.url}}"}}
            probe: {{log: ^made}}
        stores: {{cache: redis, db: postgres}}
        """
    )
    try:
        box.up()
        filler = fill(small_disk)
        shown = box.until("filling", lambda node: node["restarts"] > 0 and node["cause"])
        assert shown["cause"] == "the disk is full; free some space"
        assert box.get("front").startswith("pid "), "who writes nothing goes on"
        filler.unlink()
        filler = None
        box.until("filling", lambda node: node["state"] == "healthy")
        assert box.tarmac("down").returncode == 0
        filler = fill(small_disk)
        refused = box.tarmac("up", "-d")
        assert refused.returncode == 1
        assert "make room on the disk" in refused.stderr
        assert "Traceback" not in refused.stderr
        filler.unlink()
        assert box.up()["healthy"]
        assert box.tarmac("down").returncode == 0
        assert remains(home_of(box)) == []
    finally:
        box.tarmac("down")


def test_a_folder_that_cannot_be_written_is_named(small_disk: Path):
    box = Sandbox(small_disk)
    (small_disk / "server.py").write_text(SERVER)
    box.write(SYSTEM)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    refused = box.tarmac("up", "-d")
    assert refused.returncode == 1
    assert "cannot be written (Read-only file system)" in refused.stderr
    assert "Traceback" not in refused.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    box.up()
    box.tarmac("down")
    subprocess.run(remount, check=True)
    for verb in (["up", "-d"], ["ps"], ["down"], ["logs"]):
        done = box.tarmac(*verb)
        assert "Traceback" not in done.stderr, (verb, done.stderr)
        assert verb == ["down"] or "cannot be written" in done.stderr


STRANGE = {
    "no HOME": {"HOME": None},
    "no temporary folder": {"TMPDIR": "/no/such/folder", "XDG_RUNTIME_DIR": "/run/user/none"},
    "a long temporary folder": {"TMPDIR": "LONG", "XDG_RUNTIME_DIR": "LONG"},
}


@pytest.mark.parametrize(
    "name", few("no temporary folder", more=("no HOME", "a long temporary folder"))
)
def test_a_strange_environment_is_lived_with(stored: Sandbox, name, monkeypatch, tmp_path):
    long = tmp_path / ("t" * 60) / ("u" * 60)
    long.mkdir(parents=True)
    for variable, value in STRANGE[name].items():
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value.replace("LONG", str(long)))
    assert stored.up()["healthy"]
    assert stored.tarmac("down").returncode == 0
    assert remains(home_of(stored)) == []


def test_a_long_path_with_spaces_and_umlauts_is_lived_with(tmp_path: Path):
    folder = tmp_path / "Bücher & Läden, groß" / ("ü" * 60) / ("long " * 14 + "end")
    folder.mkdir(parents=True)
    assert len(str(folder)) > 200
    for name, text in (("server.py", SERVER), ("family.py", FAMILY), ("counting.py", COUNTING)):
        (folder / name).write_text(text)
    (folder / ".git").mkdir()
    (folder / "seed.sql").write_text("INSERT INTO goods VALUES ('a'), ('b')")
    box = Sandbox(folder)
    box.write(STORED)
    try:
        assert box.up()["healthy"]
        kill(family(box)[:1])
        whole_again(box, [])
        assert made(box) == (2, 2)
    finally:
        assert box.tarmac("down").returncode == 0
    assert remains(home_of(box)) == []


def test_a_socket_that_somebody_cleaned_away_is_made_again(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    Path((home_of(sandbox) / "socket").read_text()).unlink()
    assert sandbox.tarmac("down").returncode == 0
    assert remains(home_of(sandbox)) == []


def many(count: int) -> str:
    hub = "hub: {run: [PYTHON, server.py], port: PORT}".replace("PORT", str(PORT))
    rest = [
        f"s{n}: {{run: [PYTHON, server.py], port: {PORT + 1 + n}, calls: [hub]}}"
        for n in range(count - 1)
    ]
    lines = "\n".join(f"  {line}" for line in (hub, *rest)).replace("PYTHON", sys.executable)
    return f"tarmac: 1\nsystem: many\nservices:\n{lines}\n"


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_forty_services_come_up_and_go_down_with_few_descriptors(sandbox: Sandbox, capsys):
    sandbox.write(many(40))
    command = ["sh", "-c", 'ulimit -S -n 256; "$0" up -d --json --timeout 120', *TARMAC]
    done = subprocess.run(
        command, cwd=sandbox.folder, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    pids = family(sandbox)
    assert len(pids) == 43
    began, before_s = time.monotonic(), cpu_s(pids[0])
    time.sleep(3)  # what it costs to do nothing
    share = (cpu_s(pids[0]) - before_s) / (time.monotonic() - began)
    stopping = time.monotonic()
    assert sandbox.tarmac("down").returncode == 0
    with capsys.disabled():
        print(f"\n40 services: up {json.loads(done.stdout)['took_s']:.1f} s, down ", end="")
        print(f"{time.monotonic() - stopping:.1f} s, idle supervisor {share:.1%} of a core")
    assert share < 0.2
    assert gone(pids)
    assert remains(home_of(sandbox)) == []
