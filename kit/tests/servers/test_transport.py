"""HTTP over real sockets: what a broken, silent or restarted server looks like to a client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from wired import servers

from tarmac_kit import Client, DeadlineExceeded, Unavailable, deadline
from tarmac_kit.client import TransportError
from tarmac_kit.transport import HttpTransport, json_fetcher

pytestmark = pytest.mark.servers


class Raw:
    """An HTTP server of a few lines, so that it can misbehave."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line = head.split(b"\r\n", 1)[0]
                self.requests.append(line)
                if b"/silent" in line:
                    await reader.read()
                    return
                if b"/breaks" in line:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
                    return
                status = b"404 Not Found" if b"/absent" in line else b"200 OK"
                body = json.dumps({"seen": self.connections}).encode()
                length = str(len(body)).encode()
                writer.write(
                    b"HTTP/1.1 " + status + b"\r\nContent-Length: " + length + b"\r\n\r\n" + body
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            return


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    made = Raw()
    async with servers() as start:
        made.url = f"http://127.0.0.1:{(await start(made.serve)).port}"
        yield made


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.close()


async def test_connections_are_kept_and_used_again(raw: Raw, transport: HttpTransport) -> None:
    client = Client("raw", raw.url, transport)
    for _ in range(5):
        assert (await client.get("/x")).json() == {"seen": 1}


async def test_connections_are_recycled_by_age(raw: Raw) -> None:
    transport = HttpTransport(max_age_s=0)
    client = Client("raw", raw.url, transport)
    seen = [(await client.get("/x")).json()["seen"] for _ in range(3)]
    await transport.close()
    assert seen == [1, 2, 3]


async def test_a_request_in_hand_survives_the_recycling_of_its_pool(raw: Raw) -> None:
    transport = HttpTransport(max_age_s=0)
    client = Client("raw", raw.url, transport, timeout_s=5)
    answers = await asyncio.gather(*(client.get("/x") for _ in range(20)))
    await transport.close()
    assert {answer.status for answer in answers} == {200}


async def test_nobody_there_is_unavailable(raw: Raw, transport: HttpTransport) -> None:
    client = Client("raw", "http://127.0.0.1:1", transport, retries=0)
    with pytest.raises(Unavailable, match="raw: ClientConnectorError"):
        await client.get("/x")


async def test_an_answer_that_breaks_off_is_unavailable_and_a_post_is_sent_once(
    raw: Raw, transport: HttpTransport
) -> None:
    client = Client("raw", raw.url, transport, retries=3)
    with pytest.raises(Unavailable):
        await client.post("/breaks", json={})
    assert len(raw.requests) == 1


async def test_a_silent_server_is_given_up_at_the_deadline(
    raw: Raw, transport: HttpTransport
) -> None:
    client = Client("raw", raw.url, transport, timeout_s=30)
    began_at = asyncio.get_running_loop().time()
    with deadline.within(0.2), pytest.raises(DeadlineExceeded):
        await client.get("/silent")
    assert asyncio.get_running_loop().time() - began_at < 20


async def test_keys_are_fetched_as_json_and_another_status_is_an_error(
    raw: Raw, transport: HttpTransport
) -> None:
    assert await json_fetcher(transport, f"{raw.url}/jwks")() == {"seen": 1}
    with pytest.raises(TransportError, match="answered 404"):
        await json_fetcher(transport, f"{raw.url}/absent")()
