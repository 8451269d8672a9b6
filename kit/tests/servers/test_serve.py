"""`python -m tarmac_kit.serve` as a process of its own, with environment variables and no more."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from free_ports import free_port

pytestmark = pytest.mark.servers

PARTS = Path(__file__).parent.parent / "parts"


@dataclass
class Served:
    """A process and what it wrote. Files, not pipes: a full pipe would stop it."""

    process: asyncio.subprocess.Process
    url: str
    folder: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]

    @property
    def error(self) -> str:
        return (self.folder / "err").read_text()

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Ask again and again: the process tells nobody."""
        async with asyncio.timeout(60):
            while True:
                try:
                    if await true():
                        return
                except aiohttp.ClientConnectorError:
                    if self.process.returncode is not None:
                        raise
                await asyncio.sleep(0.02)

    async def until_ready(self) -> None:
        async def ready() -> bool:
            return (await self.get("/health/ready"))[0] == 200

        await self.until(ready)

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 60)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@pytest.fixture
def serve(tmp_path: Path):
    count = itertools.count()

    @asynccontextmanager
    async def serving(*packages: str, **env: str) -> AsyncIterator[Served]:
        port = free_port()
        folder = tmp_path / str(next(count))
        folder.mkdir()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tarmac_kit.serve",
                *packages,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(PARTS),
                    "SERVICE_NAME": "hello-service",
                    "PORT": str(port),
                    **env,
                },
                stdout=out,
                stderr=err,
            )
        try:
            yield Served(process, f"http://127.0.0.1:{port}", folder)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return serving


async def test_a_part_serves_logs_json_and_ends_with_0(serve) -> None:
    async with serve("tarmac_hello", GREETING="Hi") as served:
        await served.until_ready()
        traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        async with (
            aiohttp.ClientSession() as http,
            http.get(
                f"{served.url}/hello/you?token=in-a-query",
                headers={"traceparent": traceparent, "Authorization": "Bearer s3cret"},
            ) as answer,
        ):
            assert await answer.json() == {"text": "Hi, you"}
        served.terminate()
        assert await served.exit_code() == 0
        assert served.error == ""
        assert "s3cret" not in str(served.lines)
        assert "in-a-query" not in str(served.lines)
        request = next(line for line in served.lines if line["event"] == "request")
        assert request["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert (request["route"], request["status"]) == ("/hello/{name}", 200)
        assert all({"ts", "level", "event", "service"} <= line.keys() for line in served.lines)


async def test_what_is_missing_is_said_in_one_line_each_and_ends_with_2(serve) -> None:
    async with serve("tarmac_hello") as served:
        assert await served.exit_code() == 2
        assert served.lines == []
        (line,) = served.error.splitlines()
        assert line.startswith("hello-service: GREETING is not set; set it in the system file")


async def test_sigterm_under_load_behind_a_balancer_fails_no_request(serve) -> None:
    async with serve("tarmac_hello", GREETING="Hi", DRAIN_DELAY_S="0.5") as served:
        await served.until_ready()
        done = 0
        failures: list[str] = []
        left_out = asyncio.Event()
        warm = asyncio.Event()

        async def load(http: aiohttp.ClientSession) -> None:
            nonlocal done
            while not left_out.is_set():
                try:
                    # POST: aiohttp repeats nothing that would hide a lost request.
                    async with http.post(f"{served.url}/hello/you/slowly") as answer:
                        await answer.read()
                        if answer.status != 200:
                            failures.append(str(answer.status))
                    done += 1
                except aiohttp.ClientError as error:
                    failures.append(repr(error))
                if done >= 100:
                    warm.set()

        async def balance() -> None:
            # As balancers do: ask for readiness, and send nothing more after the first 503.
            async def unready() -> bool:
                return (await served.get("/health/ready"))[0] != 200

            await served.until(unready)
            left_out.set()

        async with aiohttp.ClientSession() as http:
            balancer = asyncio.create_task(balance())
            workers = [asyncio.create_task(load(http)) for _ in range(16)]
            await asyncio.wait_for(warm.wait(), 60)
            before = done
            served.terminate()
            await asyncio.wait_for(asyncio.gather(balancer, *workers), 60)
        assert failures == []
        assert done > before
        assert await served.exit_code() == 0


async def test_ready_turns_503_on_sigterm_while_requests_are_still_answered(serve) -> None:
    async with serve("tarmac_hello", GREETING="Hi", DRAIN_DELAY_S="1") as served:
        await served.until_ready()
        served.terminate()

        async def draining() -> bool:
            status, body = await served.get("/health/ready")
            return status == 503 and json.loads(body)["status"] == "draining"

        await served.until(draining)
        assert (await served.get("/hello/you"))[0] == 200
        async with aiohttp.ClientSession() as http, http.get(f"{served.url}/hello/you") as answer:
            assert answer.headers["connection"] == "close"


async def test_a_machine_that_stands_still_while_it_drains_cuts_no_request(serve) -> None:
    """The delay would be over when it goes on, and callers, which stood still too, send then."""
    request = b"GET /hello/you HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serve("tarmac_hello", GREETING="Hi", DRAIN_DELAY_S="2") as served:
        await served.until_ready()
        host, port = served.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        while (await reader.readline()).strip():
            pass
        assert await reader.readuntil(b"}") == b'{"text":"Hi, you"}'

        async def draining() -> bool:
            return (await served.get("/health/ready"))[0] == 503

        served.terminate()
        await served.until(draining)
        served.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2.2)
        served.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.1)
        writer.write(request)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert await served.exit_code() == 0


async def test_a_second_signal_ends_the_drain_delay_at_once(serve) -> None:
    async with serve("tarmac_hello", GREETING="Hi", DRAIN_DELAY_S="600") as served:
        await served.until_ready()
        served.terminate()

        async def draining() -> bool:
            return (await served.get("/health/ready"))[0] == 503

        await served.until(draining)
        served.terminate()
        assert await served.exit_code() == 0


async def test_a_request_in_hand_when_the_signal_comes_is_finished(serve) -> None:
    env = {"GREETING": "Hi", "SLOW_S": "0.6", "DRAIN_DELAY_S": "0"}
    async with serve("tarmac_hello", **env) as served:
        await served.until_ready()

        async def in_hand() -> bool:
            _, text = await served.get("/metrics")
            # The one that asks is in hand as well.
            return 'http_requests_in_flight{service="hello-service"} 2.0' in text

        async with aiohttp.ClientSession() as http:

            async def slow() -> int:
                async with http.post(f"{served.url}/hello/you/slowly") as answer:
                    return answer.status

            asked = asyncio.create_task(slow())
            await served.until(in_hand)
            served.terminate()
            assert await asked == 200
        assert await served.exit_code() == 0


async def test_a_process_that_waits_for_its_database_ends_with_sigterm(serve) -> None:
    url = f"postgresql://u:s3cret@127.0.0.1:{free_port()}/db"
    async with serve("tarmac_stores", DATABASE_URL=url) as served:

        async def alive() -> bool:
            return (await served.get("/health/live"))[0] == 200

        await served.until(alive)
        assert (await served.get("/health/ready"))[0] == 503
        served.terminate()
        assert await served.exit_code() == 0
        assert any(line["event"] == "database is not reachable yet" for line in served.lines)
        assert "s3cret" not in str(served.lines)


async def test_a_migration_that_was_changed_ends_the_process_with_1(
    serve, database_url: str
) -> None:
    async with serve("tarmac_stores", DATABASE_URL=database_url) as served:
        await served.until_ready()
    async with serve("tarmac_stores", DATABASE_URL=database_url, CHANGED="yes") as served:
        assert await served.exit_code() == 1
        (line,) = (line for line in served.lines if line["level"] == "critical")
        assert "0001_things.sql: was changed after it was applied" in line["error"]


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
async def test_four_bodies_of_40_mb_cost_no_memory(serve) -> None:
    huge = b'{"a": "' + b"x" * 40_000_000 + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(huge), 65_536):
            yield huge[start : start + 65_536]

    async with (
        serve("tarmac_hello", GREETING="Hi", LOG_LEVEL="error") as served,
        aiohttp.ClientSession() as http,
    ):
        await served.until_ready()
        url, typed = f"{served.url}/hello/you/words", {"Content-Type": "application/json"}

        async def put(data: Any) -> int:
            try:
                async with http.put(url, data=data, headers=typed) as answer:
                    return answer.status
            except aiohttp.ClientConnectionError:  # it was still sending when all was over
                return 413

        assert await put(b'{"a": "b"}') == 200
        before_mib = peak_mib(served.process.pid)
        assert await asyncio.gather(*(put(io.BytesIO(huge)) for _ in range(4))) == [413] * 4
        assert peak_mib(served.process.pid) - before_mib < 5
        # Without a length each is read as far as it may go: 1 MiB.
        assert await asyncio.gather(*(put(chunks()) for _ in range(4))) == [413] * 4
        assert peak_mib(served.process.pid) - before_mib < 5 + 4 * 1
        assert await put(b'{"a": "b"}') == 200
