"""`tarmac_kit.forkserver` as a process of its own, driven through its socket as an owner does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from free_ports import free_port

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only"),
]

PARTS = Path(__file__).parent.parent / "parts"


def lives(pid: int) -> bool:
    """Say whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def none_lives(*pids: int) -> bool:
    return not any(lives(pid) for pid in pids)


async def until(true: Callable[..., Awaitable[bool]], *args: Any) -> None:
    """Ask again and again: what is asked tells nobody."""
    async with asyncio.timeout(60):
        while not await true(*args):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)


class ForkServer:
    """The owner's side: one reader hands out answers by id and exits by pid."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket, folder: Path):
        self.process = process
        self.folder = folder
        self.seen: list[dict[str, Any]] = []
        self.said = asyncio.Condition()
        self._channel = channel
        self._reader = asyncio.create_task(self._read())
        self._count = 0

    async def _read(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._channel)
        try:
            while line := await reader.readline():
                async with self.said:
                    self.seen.append(json.loads(line))
                    self.said.notify_all()
        finally:
            writer.close()

    async def message(self, name: str, value: Any) -> dict[str, Any]:
        """Wait for the first message that has this member."""
        async with asyncio.timeout(60), self.said:
            while True:
                for found in self.seen:
                    if found.get(name) == value:
                        return found
                await self.said.wait()

    async def ask_fork(self, *packages: str, cwd: Path, env: dict[str, str]) -> dict[str, Any]:
        self._count += 1
        asked = {"id": self._count, "op": "fork", "packages": packages, "env": env, "cwd": str(cwd)}
        line = json.dumps(asked).encode() + b"\n"
        output = os.open(self.folder / f"out{self._count}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [output]))]
        # In two pieces: the descriptor comes with the first byte, the line's end later.
        self._channel.sendmsg([line[:1]], rights)
        self._channel.send(line[1:])
        os.close(output)
        return await self.message("id", self._count)

    async def fork(self, *packages: str, cwd: Path | None = None, **env: str) -> Child:
        port = free_port()
        env = {"PORT": str(port), "PYTHONPATH": str(PARTS), **env}
        answer = await self.ask_fork(*packages, cwd=cwd or self.folder, env=env)
        output = self.folder / f"out{answer['id']}"
        return Child(self, answer["pid"], f"http://127.0.0.1:{port}", output)

    def tell(self, pid: int, number: int, *, group: bool = False) -> None:
        message = {"op": "signal", "pid": pid, "signal": number, "group": group}
        self._channel.send(json.dumps(message).encode() + b"\n")

    def hang_up(self) -> None:
        self._channel.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._channel.close()
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Child:
    def __init__(self, server: ForkServer, pid: int, url: str, output: Path) -> None:
        self.server = server
        self.pid = pid
        self.url = url
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def until(self, status: int, path: str = "/health/ready") -> None:

        async def answers() -> bool:
            try:
                return (await self.get(path))[0] == status
            except aiohttp.ClientConnectorError:
                assert lives(self.pid), self.output
                return False

        await until(answers)

    async def line(self, name: str, value: str) -> dict[str, Any]:
        """Wait for the log line that has this member: it comes after the answer."""
        found: list[dict[str, Any]] = []

        async def written() -> bool:
            lines = map(json.loads, self.output.splitlines())
            found.extend(line for line in lines if line.get(name) == value)
            return bool(found)

        await until(written)
        return found[0]

    async def exit_status(self) -> int:
        return int((await self.server.message("exit", self.pid))["status"])


@asynccontextmanager
async def started(folder: Path, *modules: str, **env: str) -> AsyncIterator[ForkServer]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tarmac_kit.forkserver", *modules),
            stdin=theirs,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "ONLY_PARENT": "yes", **env},
        )
    server = ForkServer(process, ours, folder)
    try:
        await server.message("ready", True)
        yield server
    finally:
        await server.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ForkServer]:
    async with started(tmp_path) as running:
        yield running


def write_part(folder: Path, name: str, body: str) -> None:
    """Write a part whose one route `/told` answers what `tell()` in `body` returns."""
    package = folder / name
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text(
        "import os, random, secrets, signal, sys, threading, time, uuid\n"
        "from fastapi import APIRouter\n"
        "from tarmac_kit import Part\n"
        f"{body}\n"
        "def mount(chassis):\n"
        "    router = APIRouter()\n"
        "    router.add_api_route('/told', tell)\n"
        "    chassis.include(router)\n"
        f"PART = Part(name={name!r}, mount=mount)\n"
    )


async def told(child: Child) -> Any:
    await child.until(200)
    return json.loads((await child.get("/told"))[1])


async def test_a_child_serves_two_parts_and_its_exit_is_reported(server, database_url) -> None:
    child = await server.fork(
        "tarmac_hello", "tarmac_stores", GREETING="Hi", DATABASE_URL=database_url
    )
    await child.until(200)
    assert await child.get("/hello/you") == (200, '{"text":"Hi, you"}')
    server.tell(child.pid, signal.SIGTERM)
    assert await child.exit_status() == 0
    assert [line["event"] for line in map(json.loads, child.output.splitlines())][-1] == "stopped"
    # The owner knows the child before it hears of its end.
    pid = next(i for i, said in enumerate(server.seen) if said.get("pid") == child.pid)
    assert pid < next(i for i, said in enumerate(server.seen) if said.get("exit") == child.pid)


async def test_sigterm_drains_the_child(server) -> None:
    child = await server.fork("tarmac_hello", GREETING="Hi", SLOW_S="0.6", DRAIN_DELAY_S="0.2")
    await child.until(200)
    async with aiohttp.ClientSession() as http:

        async def slow() -> int:
            async with http.post(f"{child.url}/hello/you/slowly") as answer:
                return answer.status

        asked = asyncio.create_task(slow())

        async def in_hand() -> bool:
            text = (await child.get("/metrics"))[1]
            return any("in_flight{" in line and " 2.0" in line for line in text.splitlines())

        await until(in_hand)
        server.tell(child.pid, signal.SIGTERM)
        await child.until(503)
        assert await asked == 200
    assert await child.exit_status() == 0


async def test_a_signal_that_comes_at_once_is_not_lost(server) -> None:
    for group in (False, True):
        child = await server.fork("tarmac_hello", GREETING="Hi")
        server.tell(child.pid, signal.SIGTERM, group=group)
        assert await child.exit_status() in (-signal.SIGTERM, 0)


async def test_a_killed_child_is_reported_and_the_others_serve_on(server) -> None:
    one, two = [await server.fork("tarmac_hello", GREETING=text) for text in ("a", "b")]
    await one.until(200)
    await two.until(200)
    server.tell(one.pid, signal.SIGKILL, group=True)
    assert await one.exit_status() == -signal.SIGKILL
    assert await two.get("/hello/you") == (200, '{"text":"b, you"}')


async def test_only_own_children_are_signalled(server) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        server.tell(stranger.pid, signal.SIGKILL)
        child = await server.fork("tarmac_hello", GREETING="Hi")
        await child.until(200)  # the signal before it was read as well
        assert lives(stranger.pid)
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_child_has_the_given_environment_folder_mask_and_descriptors(
    server, tmp_path: Path
) -> None:
    other = await server.fork("tarmac_hello", GREETING="Hi")
    await other.until(200)
    folder = tmp_path / "where"
    folder.mkdir()
    write_part(
        folder,
        "tarmac_told",
        "async def tell():\n"
        "    mask = os.umask(0)\n"
        "    os.umask(mask)\n"
        "    fds = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
        "           if os.path.exists(f'/proc/self/fd/{n}')]\n"
        "    return {'env': dict(os.environ), 'cwd': os.getcwd(), 'path': sys.path[0],\n"
        "            'argv': sys.argv, 'zone': time.tzname[0], 'mask': mask, 'fds': fds,\n"
        "            'session': os.getsid(0) == os.getpid(), 'hangup': signal.getsignal(1) == 0,\n"
        "            'blocked': len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))}",
    )
    env = {"TZ": "Asia/Tokyo", "PORT": str(free_port()), "OWN": "1", "SERVICE_NAME": "told-service"}
    answer = await server.ask_fork("tarmac_told", cwd=folder, env=env)
    output = tmp_path / f"out{answer['id']}"
    child = Child(server, answer["pid"], f"http://127.0.0.1:{env['PORT']}", output)
    seen = await told(child)
    assert seen["env"] == env
    assert (seen["cwd"], seen["path"], seen["mask"]) == (str(folder), str(folder), 0o077)
    assert (seen["zone"], seen["session"], seen["hangup"]) == ("JST", True, True)
    assert seen["argv"][1:] == ["tarmac_told"]
    assert seen["blocked"] == 0
    assert Path(f"/proc/{child.pid}/comm").read_text().strip() == "told-service"
    assert Path(f"/proc/{child.pid}/fd/0").samefile(os.devnull)
    files = [name for name in seen["fds"] if name.startswith(str(tmp_path))]
    assert files == [str(output), str(output)]
    # Neither the channel nor the wake-up pipe, which the parent has open.
    parents = {str(path.readlink()) for path in Path(f"/proc/{server.process.pid}/fd").iterdir()}
    shared = {name for name in parents if name.startswith(("socket:", "pipe:"))}
    assert len(shared) >= 2
    assert not shared & set(seen["fds"])


async def test_what_is_drawn_and_counted_differs_between_two_children(
    server, tmp_path: Path
) -> None:
    write_part(
        tmp_path,
        "tarmac_drawn",
        "async def tell():\n"
        "    return [random.getrandbits(64), uuid.uuid4().hex, secrets.token_hex(), os.getpid()]",
    )
    one = await server.fork("tarmac_drawn", SERVICE_NAME="one")
    first = await told(one)
    two = await server.fork("tarmac_drawn", SERVICE_NAME="two")
    second = await told(two)
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert first[-1] == one.pid
    asked = [await child.line("path", "/told") for child in (one, two)]
    assert [line["service"] for line in asked] == ["one", "two"]
    assert asked[0]["trace_id"] != asked[1]["trace_id"]
    assert (await one.line("event", "started"))["pid"] == one.pid
    metrics = [(await child.get("/metrics"))[1] for child in (one, two)]
    assert ['service="one"' in text for text in metrics] == [True, False]
    begun_at = [
        float(text.partition("\nprocess_start_time_seconds ")[2].split()[0]) for text in metrics
    ]
    assert begun_at[0] < begun_at[1]


async def test_edited_code_is_new_code_in_the_next_child(server, tmp_path: Path) -> None:
    write_part(tmp_path, "tarmac_edited", "async def tell():\n    return 'before'")
    first = await server.fork("tarmac_edited")
    assert await told(first) == "before"
    write_part(tmp_path, "tarmac_edited", "async def tell():\n    return 'after that'")
    second = await server.fork("tarmac_edited")
    assert await told(second) == "after that"
    assert await told(first) == "before"


async def test_no_service_is_in_the_parent_and_a_child_has_all_but_its_service_from_it(
    server, tmp_path: Path
) -> None:
    write_part(
        tmp_path,
        "tarmac_modules",
        "before = set(sys.modules)\n"
        "async def tell():\n"
        "    return [n for n in sys.modules if n.startswith('tarmac_')], "
        "sorted(set(sys.modules) - before)",
    )
    first = await server.fork("tarmac_hello", GREETING="Hi")
    await first.until(200)
    second = await server.fork("tarmac_modules")
    modules, late = await told(second)
    services = {name.partition(".")[0] for name in modules}
    assert services == {"tarmac_kit", "tarmac_modules"}
    assert [name for name in late if not name.startswith("tarmac_modules")] == []


async def test_a_service_that_cannot_be_found_ends_with_2_and_its_line(server) -> None:
    child = await server.fork("tarmac_absent")
    assert await child.exit_status() == 2
    assert child.output == "tarmac_absent: has no module tarmac_absent; install the part\n"


async def test_missing_settings_end_with_2_and_a_line_each(server) -> None:
    child = await server.fork("tarmac_hello", SERVICE_NAME="hello-service")
    assert await child.exit_status() == 2
    (line,) = child.output.splitlines()
    assert line.startswith("hello-service: GREETING is not set; set it in the system file")


async def test_a_service_that_raises_ends_with_1_and_its_traceback(server, tmp_path: Path) -> None:
    (tmp_path / "tarmac_broken").mkdir()
    (tmp_path / "tarmac_broken" / "app.py").write_text("print('here')\n1 / 0\n")
    child = await server.fork("tarmac_broken")
    assert await child.exit_status() == 1
    assert child.output.startswith("here\n")
    assert "tarmac_broken/app.py" in child.output
    assert "ZeroDivisionError" in child.output


async def test_a_service_may_end_itself_and_its_exit_handlers_run(server, tmp_path: Path) -> None:
    (tmp_path / "tarmac_ending").mkdir()
    (tmp_path / "tarmac_ending" / "app.py").write_text(
        "import atexit, sys\natexit.register(print, 'the end')\nsys.exit(7)\n"
    )
    child = await server.fork("tarmac_ending")
    assert await child.exit_status() == 7
    assert child.output == "the end\n"


async def test_a_folder_that_is_gone_ends_the_child_and_not_the_server(
    server, tmp_path: Path
) -> None:
    child = await server.fork("tarmac_hello", cwd=tmp_path / "gone")
    assert await child.exit_status() == 1
    assert "FileNotFoundError" in child.output
    again = await server.fork("tarmac_hello", GREETING="Hi")
    await again.until(200)


async def test_a_request_without_an_output_is_refused(server) -> None:
    server._channel.send(b'{"id": 99, "op": "fork", "packages": [], "env": {}, "cwd": "/"}\n')
    answer = await server.message("id", 99)
    assert "no output" in answer["error"]


async def test_a_process_with_a_second_thread_is_not_forked(tmp_path: Path) -> None:
    (tmp_path / "threading_library.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    async with started(tmp_path, "threading_library", PYTHONPATH=str(tmp_path)) as server:
        answer = await server.ask_fork("tarmac_hello", cwd=tmp_path, env={})
        assert answer["threads"] == 2
        assert "2 threads" in answer["error"]
        assert "pid" not in answer


async def test_a_library_that_is_absent_or_broken_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken_library.py").write_text("1 / 0\n")
    modules = ("broken_library", "tarmac_no_such_library", "csv")
    async with started(tmp_path, *modules, PYTHONPATH=str(tmp_path)) as server:
        ready = await server.message("ready", True)
        assert ready["missing"][-2:] == ["broken_library", "tarmac_no_such_library"]
        assert ready["preload_ms"] >= 0
        child = await server.fork("tarmac_hello", GREETING="Hi")
        await child.until(200)


async def test_the_folder_it_was_started_in_is_not_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "lies_about.py").write_text("")
    async with started(tmp_path, "lies_about") as server:
        assert "lies_about" in (await server.message("ready", True))["missing"]


async def test_the_end_of_the_channel_kills_every_child_and_what_they_started(
    server, tmp_path: Path
) -> None:
    write_part(
        tmp_path,
        "tarmac_parent",
        "import subprocess\n"
        "started = subprocess.Popen(['sleep', '600']).pid\n"
        "async def tell():\n"
        "    return started",
    )
    pids = []
    for _ in range(3):
        child = await server.fork("tarmac_parent")
        pids += [child.pid, await told(child)]
    assert all(lives(pid) for pid in pids)
    server.hang_up()
    assert await asyncio.wait_for(server.process.wait(), 60) == 0
    await until(none_lives, *pids)


async def test_a_killed_server_leaves_no_child(server) -> None:
    child = await server.fork("tarmac_hello", GREETING="Hi")
    await child.until(200)
    server.process.kill()
    assert await server.process.wait() == -signal.SIGKILL
    await until(none_lives, child.pid)
    assert not lives(child.pid)


async def test_what_a_terminal_sends_does_not_end_it(server) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        server.process.send_signal(number)
    child = await server.fork("tarmac_hello", GREETING="Hi")
    await child.until(200)
    os.kill(child.pid, signal.SIGINT)  # the child is as any other process
    assert await child.exit_status() == 0


async def test_started_by_hand_it_says_what_to_start_instead(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tarmac_kit.forkserver"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate()
    assert process.returncode == 2
    assert b"not a socket" in error
    assert b"start tarmac_kit.serve instead" in error
