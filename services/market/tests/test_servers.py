"""The market over HTTP on a real PostgreSQL, and as a process that is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import aiohttp
import pytest

from tarmac_kit_testing import issue_token
from tarmac_market.app import PART

pytestmark = pytest.mark.servers

NEW = {
    "symbol": "NEWS",
    "name": "Newsworthy",
    "currency": "USD",
    "base_minor": 10_000,
    "volatility_ppm": 300,
}


async def reader_of(session: aiohttp.ClientSession) -> aiohttp.ClientResponse:
    """Ask for a stream until there is a place; the process hears a moment later who left."""
    async with asyncio.timeout(60):
        while True:
            stream = await session.get("/market/stream")
            if stream.status == 200:
                return stream
            stream.close()
            await asyncio.sleep(0.02)


def staff() -> str:
    return issue_token("sam", roles=["staff"])


async def test_staff_list_an_instrument_and_every_replica_quotes_it_alike(start) -> None:
    one, other = await start(PART), await start(PART)
    assert (await one.post("/market/instruments", json=NEW)).status == 401
    refused = await one.post("/market/instruments", json=NEW, token=issue_token("ann"))
    assert refused.status == 403
    listed = await one.post("/market/instruments", json=NEW, token=staff())
    assert (listed.status, listed.headers["location"]) == (201, "/market/quotes/NEWS")
    assert (await one.post("/market/instruments", json=NEW, token=staff())).status == 409
    histories = [
        (await api.get("/market/quotes/NEWS/history?limit=20&before=9000")).json()
        for api in (one, other)
    ]
    assert histories[0] == histories[1]
    assert [point["seq"] for point in histories[0]["items"]] == list(range(8980, 9000))
    quote = (await other.get("/market/quotes/NEWS")).json()
    assert 4_000 <= quote["price_minor"] <= 16_000
    (shown,) = (await one.get("/market/instruments")).json()["items"]
    assert shown.keys() == {"symbol", "name", "currency", "price_minor", "open_minor", "at"}
    both = (await one.get("/market/quotes?symbols=NEWS,NEWS")).json()["items"]
    assert [row["symbol"] for row in both] == ["NEWS"]


async def test_what_is_no_symbol_is_422_and_what_is_not_listed_404(start) -> None:
    api = await start(PART)
    for path in ("/market/quotes/news", "/market/quotes?symbols=a%00b", "/market/stream?symbols=a"):
        assert (await api.get(path)).status == 422, path
    for path in ("/market/quotes/NONE", "/market/quotes?symbols=NONE", "/market/stream?symbols=NO"):
        answer = await api.get(path)
        assert (answer.status, answer.json()["code"]) == (404, "symbol_unknown"), path
    wrong = {**NEW, "base_minor": 99}
    assert (await api.post("/market/instruments", json=wrong, token=staff())).status == 422


async def test_a_stream_goes_on_after_the_last_event_id(start) -> None:
    api = await start(PART, MARKET_TICK_S="0.02")
    await api.post("/market/instruments", json=NEW, token=staff())
    seq = (await api.get("/market/quotes/NEWS")).json()["seq"]
    answer = await api.get(
        "/market/stream?symbols=NEWS&ticks=4", headers={"Last-Event-ID": str(seq)}
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    ids = [line for line in answer.body.decode().split("\n") if line.startswith("id: ")]
    assert ids == [f"id: {seq + step}" for step in range(1, 5)]
    anew = await api.get("/market/stream?ticks=1", headers={"Last-Event-ID": "not a tick"})
    assert anew.body.count(b"event: quote") == 1


async def test_a_process_gives_a_readers_place_to_the_next_and_ends_its_streams_with_itself(
    database_url,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "MARKET_TICK_S": "60",
        "MARKET_MAX_STREAMS": "1",
        "JWKS_URL": "http://127.0.0.1:9/jwks.json",
        "JWT_ISSUER": "x",
        "JWT_AUDIENCE": "x",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tarmac_kit.serve", "tarmac_market"),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        while json.loads(await process.stdout.readline())["event"] != "started":
            pass
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with (
                session.get("/market/stream") as first,
                session.get("/market/stream") as second,
            ):
                assert (first.status, second.status) == (200, 503)
            stream = await reader_of(session)
            assert await stream.content.readline() == b"retry: 1000\n"
            process.send_signal(signal.SIGTERM)
            # To the end of the body: one that is broken off raises here.
            rest = await asyncio.wait_for(stream.content.read(), 5)
        assert b"\n\n" in b"\n" + rest
        output = (await asyncio.wait_for(process.communicate(), 5))[0].decode()
        assert process.returncode == 0, output
        assert '"level":"error"' not in output.replace(" ", ""), output
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
