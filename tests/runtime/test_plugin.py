"""The pytest plugin, as a user's own suite has it: sessions of their own, some ended by force."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from sandbox import PORT, SYSTEM, Sandbox, gone, web

from tarmac.run.copies import PREFIX
from tarmac.run.local.host import guard

pytestmark = pytest.mark.servers

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cov"]
INI = """
[pytest]
filterwarnings = error
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
CONFTEST = """
from tarmac.pytest_plugin import tarmac_system

system = tarmac_system("tarmac.yaml")
"""


@pytest.fixture
def suite(sandbox: Sandbox):
    """A repository with a system and tests of it; what a session leaves behind is a failure."""
    sandbox.write(SYSTEM)
    (sandbox.folder / "pytest.ini").write_text(INI)
    (sandbox.folder / "conftest.py").write_text(CONFTEST)
    yield sandbox
    assert copies(sandbox) == []


def copies(box: Sandbox) -> list[Path]:
    return sorted((box.folder / ".tarmac").glob(f"{PREFIX}*"))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions here are no workers of the one that runs these tests."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def written(box: Sandbox, tests: str) -> None:
    (box.folder / "test_it.py").write_text(textwrap.dedent(tests))


def run(box: Sandbox, tests: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a session to its end."""
    written(box, tests)
    return subprocess.run(
        [*PYTEST, *args],
        cwd=box.folder,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )


#: Tells what belongs to the session, then does not end.
HANGING = """
    import json, os, time
    from tarmac.run.local.host import guard

    def test_hangs(system):
        pids = [node.pid for node in system.nodes()]
        # The supervisor is a session's child; all else is below it.
        with open("told.partial", "w") as file:
            json.dump([*pids, *guard.descendants(os.getpid())], file)
        os.rename("told.partial", "told")
        time.sleep(300)
"""


def hanging(box: Sandbox) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a session whose test hangs; return it and the processes of its system."""
    written(box, HANGING)
    session = subprocess.Popen(
        PYTEST, cwd=box.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    told, end = box.folder / "told", time.monotonic() + 40
    while not told.exists():
        assert session.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    pids = json.loads(told.read_text())
    assert set(pids) <= set(guard.parents())
    assert len(pids) > 4  # two services, the wires, the guard, the supervisor
    return session, pids


def deleted(box: Sandbox, within_s: float = 10.0) -> bool:
    end = time.monotonic() + within_s
    while copies(box) and time.monotonic() < end:
        time.sleep(0.02)
    return not copies(box)


def test_a_session_has_one_copy_beside_the_one_that_runs_and_deletes_it(suite: Sandbox):
    suite.up()
    mine = suite.get("front")
    done = run(
        suite,
        """
        import urllib.request

        seen = set()

        def test_one(system):
            seen.add((system.namespace, system.url("front"), system.client("front").get("/").text))

        async def test_two(system):
            seen.add((system.namespace, system.url("front"), system.client("front").get("/").text))

        def test_they_are_one(system):
            ((namespace, url, pid),) = seen
            print("seen", namespace, url, pid)
        """,
        "-s",
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    words = done.stdout.split("seen ")[1].split()
    assert words[0].startswith("copy-main-")
    assert words[1] != f"http://127.0.0.1:{PORT}"
    assert mine != " ".join(words[2:4])
    assert suite.get("front") == mine
    assert [path.name for path in (suite.folder / ".tarmac").iterdir() if path.is_dir()] == [
        "default"
    ]


def test_a_failing_test_shows_what_failed_in_the_system_meanwhile(suite: Sandbox):
    done = run(
        suite,
        """
        def test_before(system):
            system.client("front").get("/env/HOME")

        def test_fails(system):
            system.client("front").get("/env/TERM")
            system.kill("back")
            system.wait()
            assert False
        """,
    )
    assert done.returncode == 1
    assert "- tarmac: back -" in done.stdout
    assert "ended by SIGKILL" in done.stdout
    assert "tarmac: front" not in done.stdout


def test_a_system_that_ends_fails_the_tests_that_use_it_and_no_others(suite: Sandbox):
    done = run(
        suite,
        """
        from pathlib import Path
        from tarmac.run.local.supervisor import client
        from tarmac.run.local.state.paths import Home

        def test_ends_it(system):
            client.down(Home.of(Path("tarmac.yaml"), system.namespace))
            assert False

        def test_uses_it(system):
            system.client("front")

        def test_another():
            pass
        """,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed" in done.stdout
    assert "the system has stopped" in done.stdout


def test_a_system_that_does_not_come_up_says_why_and_leaves_nothing(suite: Sandbox):
    broken = SYSTEM.replace(
        "server.py], port: " + str(PORT + 1), "gone.py], port: " + str(PORT + 1)
    )
    assert broken != SYSTEM
    suite.write(broken)
    done = run(
        suite,
        """
        def test_one(system): pass
        def test_two(system): pass
        """,
    )
    assert "2 errors" in done.stdout
    assert "back is crash-loop" in done.stdout
    assert "gone.py" in done.stdout
    assert "tarmac/testing.py" not in done.stdout  # it is no fault of the plugin's


def test_a_model_that_is_wrong_is_told_at_its_place(suite: Sandbox):
    suite.write(SYSTEM.replace("calls: [back]", "calls: [bakc]"))
    done = run(suite, "def test_one(system): pass")
    assert "did you mean 'back'" in done.stdout
    assert "tarmac/testing.py" not in done.stdout


def test_a_copy_ends_and_is_deleted_though_its_session_is_killed(suite: Sandbox):
    session, pids = hanging(suite)
    session.kill()
    session.wait(20)
    assert gone(pids)
    assert deleted(suite)


def inside(box: Sandbox) -> list[str]:
    """List the processes that stand in the suite's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(box.folder):
                found.append(process.name)
    return found


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5])
def test_nothing_is_left_of_a_session_that_is_killed_while_its_copy_comes_up(
    suite: Sandbox, after_s: float
):
    written(suite, HANGING)
    session = subprocess.Popen(PYTEST, cwd=suite.folder, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 40
    # Before there is a supervisor there is an empty folder at most: the next session's to delete.
    while not any((copy / "lock").exists() for copy in copies(suite)):
        assert time.monotonic() < end
        time.sleep(0.005)
    time.sleep(after_s)  # what is to be hit is a moment, not an event
    session.kill()
    session.wait(20)
    assert deleted(suite)
    while inside(suite) and time.monotonic() < end:
        time.sleep(0.02)
    assert inside(suite) == []


def test_an_interrupted_session_ends_its_copy_itself(suite: Sandbox):
    session, pids = hanging(suite)
    session.send_signal(signal.SIGINT)
    assert session.wait(30) == pytest.ExitCode.INTERRUPTED
    assert not set(pids) & set(guard.parents())
    assert copies(suite) == []


def test_the_next_session_deletes_what_a_killed_supervisor_left(suite: Sandbox):
    session, pids = hanging(suite)
    (left,) = copies(suite)
    supervisor = next(
        pid
        for pid in pids
        if b"tarmac.run.local.supervisor.daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(supervisor, signal.SIGKILL)
    assert gone([pid for pid in pids if pid != supervisor])
    session.kill()
    session.wait(20)
    assert left.exists()
    done = run(suite, "def test_one(system): pass")
    assert done.returncode == 0, done.stdout
    assert not left.exists()


def test_fresh_puts_back_what_a_test_did_to_a_store(suite: Sandbox):
    uses = ", env: {DB: '${stores.db.url}'}"
    suite.write(
        f"tarmac: 1\nsystem: small\nservices:\n  {web(more=uses)}\nstores: {{db: postgres}}\n"
    )
    done = run(
        suite,
        """
        import asyncpg, pytest

        @pytest.fixture
        async def database(system):
            connection = await asyncpg.connect(system.store_url("db"))
            yield connection
            await connection.close()

        async def test_made_once(system, database):
            await database.execute("CREATE TABLE notes (id serial, text text)")
            system.keep()

        @pytest.mark.parametrize("text", ["a", "b"])
        async def test_notes(system, fresh, database, text):
            await database.execute("INSERT INTO notes (text) VALUES ($1)", text)
            rows = await database.fetch("SELECT id, text FROM notes")
            assert [tuple(row) for row in rows] == [(1, text)]
        """,
    )
    assert "3 passed" in done.stdout, done.stdout


def test_a_store_that_stays_as_it_is_is_loud_unless_that_was_said(suite: Sandbox):
    uses = ", env: {C: '${stores.cache.url}'}"
    head = f"tarmac: 1\nsystem: small\nservices:\n  {web(more=uses)}\n"
    suite.write(head + "stores: {cache: redis}\n")
    nodes = suite.up()["nodes"]
    port = next(node for node in nodes if node["name"] == "cache")["ports"]["main"]
    (suite.folder / ".env").write_text(f"CACHE_URL=redis://127.0.0.1:{port}\n")
    ask = "tarmac_system('tarmac.yaml', providers=['cache=external']{})"
    conftest = "from tarmac.pytest_plugin import tarmac_system\nsystem = " + ask
    test = "def test_one(system, fresh): pass"

    (suite.folder / "conftest.py").write_text(conftest.format(""))
    loud = run(suite, test)
    assert loud.returncode == 1
    assert "cache: not reset: it runs elsewhere (external), so it is not reset" in loud.stdout

    (suite.folder / "conftest.py").write_text(conftest.format(", stays=['cache']"))
    said = run(suite, test)
    assert said.returncode == 0, said.stdout


def test_fresh_without_a_system_says_what_is_missing(suite: Sandbox):
    done = run(suite, "def test_one(fresh): pass")
    assert "no system is running; request its fixture as well" in done.stdout


def test_pytest_alone_loads_next_to_nothing_of_tarmac():
    code = (
        "import sys, tarmac.pytest_plugin; print(*sorted(m for m in sys.modules "
        "if m.startswith('tarmac') or m in ('pydantic', 'asyncpg', 'click')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == ["tarmac", "tarmac.pytest_plugin"]
