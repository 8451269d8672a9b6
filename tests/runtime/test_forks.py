"""Kit services are forked from a preloaded interpreter, and what becomes of them when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest
from edited import APP, SYSTEM, Watched, asked_all_the_time, kit_of_its_own, save, until
from sandbox import PORT, Sandbox, family, gone

from tarmac.base.launch import ForkedStart
from tarmac.run.local.process import forks
from tarmac.run.local.process.spawn import Spawner

pytestmark = pytest.mark.skipif(
    os.uname().sysname != "Linux", reason="only Linux forks what is preloaded"
)

SERVER, SEPARATE = "tarmac_kit.forkserver", "tarmac_kit.serve"


def command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def servers(box: Sandbox) -> list[int]:
    """The fork servers themselves, without what they have forked."""
    return [
        pid for pid in family(box) if SERVER in command(pid) and SERVER not in command(parent(pid))
    ]


def service_log(watched: Watched) -> str:
    return (watched.box.folder / ".tarmac/default/logs/hi.log").read_text()


def test_services_are_forked_from_one_server_and_an_isolated_one_is_not(sandbox: Sandbox):
    made = Watched(sandbox)
    sandbox.write(
        f"{SYSTEM}  too: {{source: services/hi, port: {PORT + 1}}}\n"
        f"      alone: {{source: services/hi, port: {PORT + 2}, isolated: true}}\n"
    )
    sandbox.up()
    pids = {name: sandbox.node(name)["pid"] for name in ("hi", "too", "alone")}
    (server,) = servers(sandbox)
    assert parent(pids["hi"]) == parent(pids["too"]) == server
    assert SEPARATE in command(pids["alone"])
    assert parent(pids["alone"]) != server
    assert [made.ask(port=PORT + number)["word"] for number in range(3)] == ["first"] * 3


def test_a_killed_server_is_started_again_with_what_it_had(watched: Watched):
    box = watched.box
    before = watched.ask()["pid"]
    (server,) = servers(box)
    os.kill(server, signal.SIGKILL)
    box.until("hi", lambda node: node["restarts"] == 1 and node["state"] == "healthy")
    assert watched.ask()["pid"] != before
    (again,) = servers(box)
    assert again != server
    assert parent(box.node("hi")["pid"]) == again
    assert "ended by SIGKILL" in service_log(watched)
    watched.say("edited")  # and the new one serves edits as the first did
    watched.until_word("edited")


def test_where_the_kit_has_no_fork_server_a_service_starts_by_itself(sandbox: Sandbox):
    made = Watched(sandbox)
    kit_of_its_own(made, without="forkserver.py")
    sandbox.write(SYSTEM)
    sandbox.up("--watch")
    assert made.ask()["word"] == "first"
    assert SEPARATE in command(sandbox.node("hi")["pid"])
    assert "started by itself: " in service_log(made)
    assert f"cannot run {SERVER}; see forkserver.log" in service_log(made)
    log = (sandbox.folder / ".tarmac/default/logs/forkserver.log").read_text()
    assert f"No module named {SERVER}" in log
    made.say("edited")
    made.until_word("edited")


def test_an_interpreter_with_threads_is_not_forked(sandbox: Sandbox):
    made = Watched(sandbox)
    kit_of_its_own(made)
    libraries = next((sandbox.folder / ".venv/lib").glob("python*/site-packages"))
    (libraries / "thread.pth").write_text(
        "import threading, time; "
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
    )
    sandbox.write(SYSTEM)
    sandbox.up()
    assert SEPARATE in command(sandbox.node("hi")["pid"])
    why = "threads cannot be forked safely"
    assert why in service_log(made)


async def test_a_server_that_hangs_is_ended_and_the_service_starts_by_itself(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(forks, "PRELOAD_S", 0.5)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 1000\n")
    python.chmod(0o700)
    spawner = Spawner()
    await spawner.start()
    found = forks.ForkServers(spawner, tmp_path / "log", {"PATH": os.environ["PATH"]})
    try:
        server = await found.server(str(python))
        (pid,) = found.pids
        wanted = ForkedStart(str(python), ("tarmac_hi",))
        with pytest.raises(OSError, match="did not answer; it was killed"):
            await found.spawn("hi", wanted, env={}, cwd=tmp_path, output=1)
        assert await asyncio.to_thread(gone, [pid])
        await asyncio.to_thread(until, lambda: server.ended, bool)
        with pytest.raises(forks.CannotFork, match="could not run tarmac_kit"):  # for a while
            await found.spawn("hi", wanted, env={}, cwd=tmp_path, output=1)
    finally:
        await found.close()
        await spawner.close()


def test_an_edit_of_the_kit_is_served_by_a_new_fork_server(sandbox: Sandbox, monkeypatch):
    made = Watched(sandbox)
    app = APP.replace("import os\n", "import os\nimport tarmac_kit\n", 1).replace(
        '"pid":', '"kit": str(getattr(tarmac_kit, "EDITED", "")), "pid":'
    )
    (made.words.parent / "app.py").write_text(app)
    kit = kit_of_its_own(made)
    monkeypatch.setenv("PYTHONPATH", str(kit.parent))  # the runtime's kit is this one as well
    sandbox.write(SYSTEM)
    sandbox.up("--watch")
    (server,) = servers(sandbox)
    assert made.ask()["kit"] == ""
    init = kit / "__init__.py"
    with asked_all_the_time(made) as failed:
        save(init, f"{init.read_text()}\nEDITED = 1\n")
        until(made.ask, lambda answer: answer["kit"] == "1")
        (again,) = until(lambda: servers(sandbox), lambda pids: server not in pids)
        assert parent(int(made.ask()["pid"])) == again
        # A kit that cannot be imported harms nobody, and is no reason to give up forking.
        save(init, f"{init.read_text()}\nEDITED = \n")
        log = made.until_log("the previous instance keeps serving")
        assert "tarmac_kit/__init__.py" in log or "__init__.py" in log
        assert made.ask()["kit"] == "1"
        save(init, init.read_text().replace("EDITED = \n", "EDITED = 2\n"))
        until(made.ask, lambda answer: answer["kit"] == "2")
    assert failed == []
    assert SERVER in command(int(made.ask()["pid"]))


class Loading:
    """The channel to a fork server that still loads: it takes requests and answers none."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, message: object, fds: object = ()) -> None:
        self.asked.set()

    def finish(self) -> None:
        pass


async def test_whoever_waits_for_an_interpreter_that_still_loads_is_let_go_at_the_end(tmp_path):
    every = forks.ForkServers(Spawner(), tmp_path / "log", {})
    channel = Loading()
    server = forks.ForkServer("python", channel, None)
    every._servers["python"] = server
    forked = ForkedStart("python", ("a",))
    spawning = asyncio.create_task(every.spawn("web", forked, env={}, cwd=tmp_path, output=1))
    await channel.asked.wait()
    every.give_up("the system is being stopped")
    with pytest.raises(OSError, match="the system is being stopped"):
        await spawning
    # One that was about to be forked is not waited for either, as long as its interpreter loads.
    with pytest.raises(OSError, match="the system is being stopped"):
        await every.spawn("web", forked, env={}, cwd=tmp_path, output=1)
