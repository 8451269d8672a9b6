"""Whatever dies while a snapshot is saved or loaded: all of it is there, or nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sandbox import TARMAC, Sandbox, laid_out, supervisor_of

from tarmac.base.errors import BadInput
from tarmac.run.local.snapshots import copying, loading, saving
from tarmac.run.local.snapshots.library import Library
from tarmac.run.local.supervisor import client, stopped_stores

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills by /proc"),
]
SEED = int(os.environ.get("TARMAC_SOAK_SEED", "7"))
MOMENTS = 20 if os.environ.get("TARMAC_SOAK_S") else 3
SYSTEM = """
    tarmac: 1
    system: kept
    services:
      idle: {run: [sleep, "3600"], env: {URL: "${stores.db.url}", KEYS: "${stores.cache.url}"}}
    stores: {cache: redis, db: postgres}
    """


def ask(box: Sandbox, *statements: str) -> list[int]:
    async def run() -> list[int]:
        connection = await asyncpg.connect(client.store_url(box.home, "db"))
        for statement in statements:
            await connection.execute(statement)
        rows = await connection.fetch("SELECT amount FROM goods ORDER BY amount")
        await connection.close()
        return [row["amount"] for row in rows]

    return asyncio.run(run())


def kept(folder: Path) -> Sandbox:
    box = laid_out(folder)
    box.write(SYSTEM)
    box.up()
    ask(box, "CREATE TABLE goods AS SELECT generate_series(1, 2) AS amount")
    return box


@pytest.fixture
def box(tmp_path: Path):
    made = kept(tmp_path)
    yield made
    made.end()


def snapshot(box: Sandbox, *words: str) -> None:
    done = box.tarmac("snapshot", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def kill_during(box: Sandbox, who: str, after_s: float, *words: str) -> None:
    """Start a verb and kill it, or the supervisor that works for it, at a moment."""
    command = subprocess.Popen([*TARMAC, "snapshot", *words], cwd=box.folder)
    time.sleep(after_s)
    pid = command.pid if who == "verb" else supervisor_of(box.home)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    command.wait(timeout=90)


def remains(box: Sandbox) -> list[str]:
    """List what is beside the data of stores, and beside snapshots."""
    nodes = [path.name for path in box.home.nodes.iterdir() if path.name.startswith(".")]
    folder = Library.of(box.home).folder
    return [*nodes, *(p.name for p in folder.iterdir() if p.name.startswith(".") and p.is_dir())]


@pytest.mark.parametrize("who", ["verb", "supervisor"])
def test_a_kill_during_a_save_leaves_a_whole_snapshot_or_none(box: Sandbox, who):
    moments = random.Random(f"{SEED} {who}")
    for number in range(MOMENTS):
        after_s = moments.uniform(0.4, 3.0)
        print(f"{number}: kill -9 of the {who} {after_s:.2f} s after the start")
        kill_during(box, who, after_s, "save", f"at-{number}")
        box.up()
        assert ask(box) == [1, 2]
        names = [one.manifest.name for one in Library.of(box.home).all()]
        snapshot(box, "save", "last", "--force")
        assert Library.of(box.home).damaged() == []
        assert remains(box) == []
        for name in names:
            if name.startswith("at-"):
                snapshot(box, "load", name)
                assert ask(box) == [1, 2]
                snapshot(box, "delete", name)


@pytest.mark.parametrize("who", ["verb", "supervisor"])
def test_a_kill_during_a_load_leaves_the_old_data_or_the_new(box: Sandbox, who):
    moments = random.Random(f"{SEED} load {who}")
    snapshot(box, "save", "one")
    seen = set()
    for number in range(MOMENTS):
        snapshot(box, "load", "one")
        assert ask(box, "INSERT INTO goods VALUES (3)") == [1, 2, 3]
        after_s = moments.uniform(0.4, 3.0)
        print(f"{number}: kill -9 of the {who} {after_s:.2f} s after the start")
        kill_during(box, who, after_s, "load", "one")
        box.up()
        rows = ask(box)
        assert rows in ([1, 2], [1, 2, 3])
        seen.add(len(rows))
    snapshot(box, "load", "one")
    assert ask(box) == [1, 2]
    assert remains(box) == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of its own of 200 MB for a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no disk of its own can be mounted here (not root, or not allowed)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_without_room_is_refused_and_one_that_fills_changes_nothing(
    small_disk: Path, monkeypatch
):
    box = kept(small_disk)
    try:
        snapshot(box, "save", "one")
        ask(box, "INSERT INTO goods VALUES (3)")
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            os.posix_fallocate(file.fileno(), 0, free - 12_000_000)
        for words in (("save", "two"), ("load", "one")):
            done = box.tarmac("snapshot", *words)
            assert done.returncode == 2
            assert "MB, and the disk has" in done.stderr
            assert len(done.stderr.splitlines()) == 1
        # What another program takes in the meantime is not foreseen.
        monkeypatch.setattr(copying, "require_room", lambda *_: None)
        full = "the disk is full; nothing was changed"
        with (
            pytest.raises(BadInput, match=full),
            stopped_stores.of_copy(box.home) as stopped,
        ):
            saving.save(box.home, "two", stopped)
        with (
            pytest.raises(BadInput, match=full),
            stopped_stores.of_copy(box.home) as stopped,
        ):
            loading.load(box.home, "one", stopped)
        assert remains(box) == []
        assert [one.manifest.name for one in Library.of(box.home).all()] == ["one"]
        filler.unlink()
        client.wait(box.home, within_s=60)
        assert ask(box) == [1, 2, 3]
        snapshot(box, "load", "one")
        assert ask(box) == [1, 2]
    finally:
        box.end()


def test_a_snapshot_of_another_checkout_is_loaded_with_the_secrets_that_it_needs(
    box: Sandbox, tmp_path: Path
):
    other = tmp_path / "other"
    other.mkdir()
    theirs = kept(other)
    try:
        ask(box, "INSERT INTO goods VALUES (9)")
        snapshot(box, "save", "one")
        snapshot(box, "export", "one", "--file", "../one.snapshot")
        snapshot(theirs, "import", str(tmp_path.parent / "one.snapshot"))
        snapshot(theirs, "load", "one")
        assert ask(theirs) == [1, 2, 9]
        theirs.up("-n", "branch", "--from", "one")
        assert theirs.tarmac("down", "-n", "branch").returncode == 0
    finally:
        (tmp_path.parent / "one.snapshot").unlink(missing_ok=True)
        theirs.end()


def test_reset_saves_a_snapshot_that_brings_its_data_back(box: Sandbox):
    reset = json.loads(box.tarmac("reset", "db", "--yes", "--json").stdout)
    assert reset["healthy"]
    assert reset["snapshot"].startswith("before-reset-")
    snapshot(box, "load", reset["snapshot"])
    assert ask(box) == [1, 2]
    done = box.tarmac("reset", "db", "--yes", "--no-snapshot", "--json")
    assert json.loads(done.stdout)["snapshot"] == ""


def test_a_system_that_does_not_run_is_saved_and_loaded_and_all_is_private(box: Sandbox):
    assert box.tarmac("down").returncode == 0
    snapshot(box, "save", "one")
    box.up()
    ask(box, "INSERT INTO goods VALUES (3)")
    assert box.tarmac("down").returncode == 0
    snapshot(box, "load", "one")
    assert remains(box) == []
    kept_files = (box.home.root.parent / ".snapshots").rglob("*")
    assert {stat.S_IMODE(path.lstat().st_mode) for path in kept_files} == {0o700, 0o600}
    box.up()
    assert ask(box) == [1, 2]
