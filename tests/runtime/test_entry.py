"""The entry's program, alone, before small servers: routing, streaming, upgrades, endings."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from free_ports import free_port

from tarmac.run.local.network import ingress as program

HOST = "127.0.0.1"


class Behind:
    """A service behind the entry: says what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.gone = asyncio.Event()
        self.hold = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            return await self.stream(request, "text/event-stream")
        if request.path.endswith("/download"):
            return await self.stream(request, "text/plain")
        if request.path.endswith("/socket"):
            return await self.echo(request)
        if request.path.endswith("/slow"):
            await self.hold.wait()
        body = await request.read()
        return web.json_response(
            {
                "service": self.name,
                "target": request.raw_path,
                "body": len(body),
                "method": request.method,
                "headers": dict(request.headers),
            }
        )

    async def stream(self, request: web.Request, kind: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        try:
            await response.write(b"data: 1\n\n")
            await self.hold.wait()
            await response.write(b"data: 2\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
            raise
        return response

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(f"{self.name}: {message.data}")
        return ws


@contextlib.asynccontextmanager
async def serving(name: str) -> AsyncIterator[Behind]:
    behind = Behind(name)
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", behind.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    behind.port = runner.addresses[0][1]
    try:
        yield behind
    finally:
        await runner.cleanup()


class Entry:
    """A running entry before two services."""

    def __init__(self, api: Behind, pages: Behind, dead: int) -> None:
        self.api, self.pages, self.dead = api, pages, dead
        self.app, self.root = free_port(), free_port()
        self.process: asyncio.subprocess.Process

    def routes(self) -> str:
        def to(path: str, service: str, port: int) -> dict:
            return {"path": path, "service": service, "host": HOST, "port": port}

        return json.dumps(
            {
                "domain": "shop.example.com",
                "listen": [
                    {"label": "app", "host": HOST, "port": self.app},
                    {"label": "", "host": HOST, "port": self.root},
                ],
                "hosts": {
                    "app": [
                        to("/", "pages", self.pages.port),
                        to("/api", "api", self.api.port),
                        to("/dead", "dead", self.dead),
                    ],
                    "": [to("/only", "pages", self.pages.port)],
                },
            }
        )


@pytest.fixture
async def entry(tmp_path):
    async with serving("api") as api, serving("pages") as pages:
        it = Entry(api, pages, free_port())
        file = tmp_path / "routes.json"
        file.write_text(it.routes())
        argv = [sys.executable, "-I", "-m", "tarmac.run.local.network.ingress", str(file)]
        it.process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
        try:
            await listens(it.app)
            yield it
        finally:
            if it.process.returncode is None:
                it.process.kill()
            _, errors = await it.process.communicate()
        assert errors == b""


async def listens(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "pages"),
        ("/api", "api"),
        ("/api/orders/7/lines?a=%2F&b=1", "api"),
        ("/apiary/x", "pages"),
        ("/assets/css/deep/site.css", "pages"),
        ("/api%2Forders", "pages"),
    ],
)
async def test_the_longest_path_decides_and_the_path_goes_on_unchanged(
    entry, session, path, service
):
    from yarl import URL  # noqa: PLC0415 - as it is written, not as it would be tidied

    url = URL(f"http://{HOST}:{entry.app}{path}", encoded=True)
    async with session.get(url) as response:
        said = await response.json()
    assert (said["service"], said["target"]) == (service, path)


async def test_a_host_name_means_its_host_and_an_address_that_of_its_port(entry, session):
    async def asked(port: int, host: str, path: str) -> int:
        async with session.get(f"http://{HOST}:{port}{path}", headers={"Host": host}) as response:
            return response.status

    assert await asked(entry.root, f"{HOST}:{entry.root}", "/api") == 404
    assert await asked(entry.root, "app.shop.example.com", "/api") == 200
    assert await asked(entry.root, "app.localhost:1234", "/api") == 200
    assert await asked(entry.app, "shop.example.com", "/only/this") == 200
    assert await asked(entry.app, "shop.localhost", "/api") == 404


async def test_who_asked_is_said_and_not_believed(entry, session):
    sent = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "Connection": "keep-alive, X-Mine",
        "X-Mine": "1",
        "x-kEPT": "2",
    }
    url = f"http://{HOST}:{entry.app}/api"
    async with session.get(url, headers={**sent, "Host": "app.localhost"}) as response:
        headers = (await response.json())["headers"]
    assert headers["X-Forwarded-For"] == HOST
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == headers["Host"] == "app.localhost"
    assert headers["x-kEPT"] == "2"
    assert "X-Mine" not in headers


async def test_bodies_of_both_framings_arrive_whole_and_a_connection_serves_many(entry, session):
    async def chunks():
        for _ in range(100):
            yield b"x" * 50_000

    url = f"http://{HOST}:{entry.app}/api/up"
    for data, size in ((io.BytesIO(b"y" * 3_000_000), 3_000_000), (chunks(), 5_000_000), (b"", 0)):
        async with session.post(url, data=data) as response:
            assert (await response.json())["body"] == size
    async with session.head(url) as response:
        assert response.status == 200
    assert len({id(connections) for connections in session.connector._conns.values()}) == 1


async def test_expect_100_continue_is_answered_before_the_body(entry):
    reader, writer = await asyncio.open_connection(HOST, entry.app)
    writer.write(
        b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert await reader.readline() == b"HTTP/1.1 100 \r\n"
        writer.write(b"abc")
        assert b"200 OK" in await reader.readuntil(b"OK")
    writer.close()


async def test_a_stream_arrives_as_it_comes_and_ends_behind_when_its_reader_goes(entry, session):
    url = f"http://{HOST}:{entry.app}/api/stream"
    async with asyncio.timeout(10):
        async with session.get(url) as response:
            assert await response.content.readline() == b"data: 1\n"
            response.close()
        await entry.api.gone.wait()


async def test_a_web_socket_passes_through(entry, session):
    async with session.ws_connect(f"http://{HOST}:{entry.app}/api/socket") as ws:
        for word in ("one", "two"):
            await ws.send_str(word)
            assert await ws.receive_str() == f"api: {word}"


async def test_a_service_that_is_away_is_a_problem_and_names_it(entry, session):
    async with session.get(f"http://{HOST}:{entry.app}/dead/x") as response:
        problem = await response.json()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert response.content_type == "application/problem+json"
    assert "dead" in problem["detail"]
    async with session.get(f"http://{HOST}:{entry.root}/nowhere") as response:
        assert response.status == 404
        assert (await response.json())["code"] == "no_route"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_client_is_served(
    entry, session, head, status
):
    reader, writer = await asyncio.open_connection(HOST, entry.app)
    writer.write(head)
    async with asyncio.timeout(10):
        assert (await reader.readline()).split()[1] == status
    writer.close()
    async with session.get(f"http://{HOST}:{entry.app}/") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"GET /api HTTP/1.0\r\n\r\n", 0),
        (b"GET /api HTTP/1.1\r\nHost: x\r\nConnection: close, host\r\n\r\n", 0),
        (b"POST /api HTTP/1.0\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nab", 2),
        (
            (
                b"POST /api HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            ),
            3,
        ),
    ],
)
async def test_a_request_goes_on_with_one_host_and_one_length(entry, head, body):
    reader, writer = await asyncio.open_connection(HOST, entry.app)
    writer.write(head)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.split()[1] == b"200", answer
    assert f'"body": {body}'.encode() in answer


async def test_a_body_that_breaks_off_its_framing_is_refused_at_once(entry):
    reader, writer = await asyncio.open_connection(HOST, entry.app)
    writer.write(b"POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    async with asyncio.timeout(10):
        assert (await reader.readline()).split()[1] == b"400"
    writer.close()


async def test_a_service_is_not_late_while_its_request_still_comes_in(monkeypatch):
    monkeypatch.setattr(program, "SILENT_S", 1.5)
    async with serving("api") as api, asyncio.timeout(20):
        table = program.RouteTable("", {"": (program.Route("/", "api", HOST, api.port),)})
        server = await program.Ingress(table).serve("", HOST, 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
        )
        for _ in range(5):
            await asyncio.sleep(0.5)
            writer.write(b"x")
        assert b'"body": 5' in await reader.read()
        writer.close()
        server.close()


async def test_what_comes_before_the_answer_is_out_waits_where_it_is(entry):
    reader, writer = await asyncio.open_connection(HOST, entry.app)
    writer.write(b"GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n")
    follow = b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 48000000\r\n\r\n"
    writer.write(follow + b"x" * 48_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await writer.drain()
    entry.api.hold.set()
    async with asyncio.timeout(20):
        assert b'"body": 0' in await reader.readuntil(b"headers")
        assert b'"body": 48000000' in await reader.readuntil(b'"body": 48000000')
    writer.close()


async def test_on_sigterm_an_answer_that_has_begun_comes_to_its_end(entry, session):
    idle, idle_writer = await asyncio.open_connection(HOST, entry.app)
    asked = asyncio.create_task(session.get(f"http://{HOST}:{entry.app}/api/download"))
    response = await asked
    assert await response.content.readline() == b"data: 1\n"
    entry.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await idle.read() == b""  # nothing was under way here
        entry.api.hold.set()
        assert b"data: 2" in await response.content.read()
        assert await entry.process.wait() == 0
    idle_writer.close()


async def test_on_sigterm_a_stream_of_events_ends_at_once_and_cleanly(entry, session):
    async with session.get(f"http://{HOST}:{entry.app}/api/stream") as stream:
        assert await stream.content.readline() == b"data: 1\n"
        entry.process.send_signal(signal.SIGTERM)
        # To the end of the answer: one that is broken off raises here.
        assert await asyncio.wait_for(stream.content.read(), 5) == b"\n"
    assert await asyncio.wait_for(entry.process.wait(), 5) == 0
    await asyncio.wait_for(entry.api.gone.wait(), 5)
