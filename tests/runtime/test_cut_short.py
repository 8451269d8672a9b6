"""What is cut short in its midst, by a full disk or a change, leaves nothing half done for good."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sandbox import PORT, SERVER, Sandbox, web

from tarmac.base.errors import TarmacError
from tarmac.base.launch import AliveProbe, Launch
from tarmac.plan.plan import EdgeProxy, Node
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.network import wiring
from tarmac.run.local.network.wiring import Wiring
from tarmac.run.local.process.channel import Channel
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.spawn import RunningProcess, Spawner
from tarmac.run.local.process.task import Task
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import context
from tarmac.run.local.supervisor.context import SupervisorContext
from tarmac.run.local.supervisor.supervisor import Supervisor


def of(*services: str) -> str:
    lines = "".join(f"  {service}\n" for service in services)
    return f"tarmac: 1\nsystem: small\nservices:\n{lines}"


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    (tmp_path / "server.py").write_text(SERVER)
    return Sandbox(tmp_path)


@pytest.fixture
def home(box: Sandbox, monkeypatch) -> Home:
    monkeypatch.setattr(context, "become_subreaper", lambda: None)  # these are not its processes
    return Home.of(box.folder / "tarmac.yaml", "default")


async def test_an_apply_that_found_no_room_is_made_up_for_by_the_next(
    box: Sandbox, home: Home, monkeypatch
):
    options = Options(file=str(box.folder / "tarmac.yaml"))
    box.write(of(web("front", PORT)))
    context = SupervisorContext(home)
    await context.start(options)
    supervisor = Supervisor(context)
    try:
        await supervisor.apply(options)
        box.write(of(web("front", PORT), web("back", PORT + 1)))

        def full(**_: Any) -> None:
            raise TarmacError("no room")

        with monkeypatch.context() as patched:
            patched.setattr(context.state, "set_meta", full)
            with pytest.raises(TarmacError, match="no room"):
                await supervisor.apply(options)
        await supervisor.apply(options)
        back = next(node for node in context.state.nodes() if node.name == "back")
        assert back.url == f"http://localhost:{PORT + 1}"
        while back.pid is None:  # it is started now
            await asyncio.sleep(0.02)
            back = next(node for node in context.state.nodes() if node.name == "back")
    finally:
        await supervisor.begin_shut_down()


async def test_what_is_applied_again_is_what_was_asked_for_last(box: Sandbox, home: Home):
    options = Options(file=str(box.folder / "tarmac.yaml"))
    box.write(of(web("front", PORT)))
    context = SupervisorContext(home)
    await context.start(options)
    supervisor = Supervisor(context)
    try:
        await supervisor.apply(options)
        # An edit is noticed while somebody's own `up` has not come to its turn.
        asked = supervisor.apply(replace(options, scale={"front": 2}))
        await asyncio.gather(asked, supervisor.apply())
        assert [node.name for node in context.state.nodes()] == ["front", "front.2"]
    finally:
        await supervisor.begin_shut_down()


async def test_ports_of_an_apply_that_failed_are_there_for_the_next(
    box: Sandbox, home: Home, monkeypatch
):
    options = Options(file=str(box.folder / "tarmac.yaml"))
    box.write(of(web("front", PORT)))
    context = SupervisorContext(home)
    await context.start(options)
    supervisor = Supervisor(context)
    try:
        await supervisor.apply(options)
        box.write(of(web("back", PORT + 1)))

        def full(_: str) -> None:
            raise TarmacError("no room")

        with monkeypatch.context() as patched:
            patched.setattr(context.state, "remove", full)
            with pytest.raises(TarmacError, match="no room"):
                await supervisor.apply(options)
        assert (await supervisor.apply(options)).notes == ()
        nodes = {node.name: node.url for node in context.state.nodes()}
        assert nodes["back"] == f"http://localhost:{PORT + 1}"
    finally:
        await supervisor.begin_shut_down()


def test_a_damaged_copy_beside_does_not_keep_another_from_starting(home: Home):
    beside = home.root.parent / "beside"
    beside.mkdir(parents=True)
    (beside / "state.sqlite").write_bytes(b"no database" * 100)
    context = SupervisorContext(home)
    assert context.interpreters == ()
    context.state.close()


async def test_a_task_that_is_stopped_while_its_process_is_made_does_not_run_on(tmp_path: Path):
    asked, told = asyncio.Event(), asyncio.Event()
    sent: list[int] = []
    exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def heed(number: int, _: bool) -> None:
        sent.append(number)
        exited.set_result(-number)

    async def spawn(*_: object, **__: object) -> RunningProcess:
        asked.set()
        await told.wait()
        return RunningProcess(os.getpid(), exited, heed)

    home = Home(tmp_path / "home")
    home.create()
    context = SimpleNamespace(
        home=home,
        host="127.0.0.1",
        spawner=SimpleNamespace(spawn=spawn),
        secrets={},
        record=lambda _: None,
        changed=lambda: None,
    )
    node = Node("a.once", "task", "once", Launch(("true",), AliveProbe(0.0)), service="a")
    task = Task(node, 0, cast("ProcessContext", context))
    task.start()
    await asked.wait()
    stopping = asyncio.create_task(task.stop())
    await asyncio.sleep(0)
    told.set()
    await stopping
    assert sent == [signal.SIGTERM]


async def test_wires_that_take_no_more_are_killed_as_those_that_do_not_answer(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(wiring, "CHECK_S", 0.01)
    monkeypatch.setattr(wiring, "ANSWER_S", 0.05)
    killed = asyncio.Event()

    async def spawn(*_: object, **__: object) -> tuple[RunningProcess, Channel]:
        ours, mute = socket.socketpair()  # nobody ever reads from it
        exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def heed(number: int, _: bool) -> None:
            if number == signal.SIGKILL and not exited.done():
                mute.close()
                exited.set_result(-number)
                killed.set()

        return RunningProcess(os.getpid(), exited, heed), Channel(ours)

    reservations = Reservations()
    assert reservations.take(PORT)
    spawner = cast("Spawner", SimpleNamespace(spawn_with_channel=spawn))
    wires = Wiring(spawner, tmp_path / "wires.log", reservations)
    wire = EdgeProxy("world", "a", "http", PORT)
    await wires.apply([wire])

    async def tell() -> None:
        while True:
            for name in "ab":
                await wires.point({wire: ((name * 10_000, 1, True),)})
            await asyncio.sleep(0)

    telling = asyncio.create_task(tell())
    await killed.wait()
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await wires.close()
