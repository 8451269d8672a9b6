"""Probes of servers that are there and not ready: what is said of them, and how soon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from wired import reset_when_closed

from tarmac.base.launch import ExchangeProbe, HttpProbe, Probe
from tarmac.run.local.process import probes
from tarmac.run.local.process.spawn import Spawner


async def said_of(probe: Probe, folder: Path) -> str | None:
    return await probes.passes(
        probe,
        host="127.0.0.1",
        secrets={},
        env={},
        cwd=folder,
        matched=False,
        lived_s=0.0,
        spawner=Spawner(),
    )


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([b"+OK\r\n", b"+PO", b"NG\r\n"], None),
        # It says so at once and keeps the connection: nobody waits for the rest of the limit.
        ([b"+OK\r\n", b"-LOADING the data\r\n"], "answers b'+OK\\r\\n-LOADING the data\\r\\n'"),
    ],
)
async def test_a_server_that_says_not_yet_is_asked_again_soon(
    serve, answers, expected, tmp_path: Path
):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in answers:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()

    probe = ExchangeProbe((await serve(answer)).port, expect=b"+PONG", send=b"PING\r\n")
    assert await said_of(probe, tmp_path) == expected


@pytest.mark.parametrize("end", ["closes", "resets", "keeps the connection"])
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([b"HTTP/1.0 503 No\r\n", b"\r\n", b"the cache", b" is cold\n"], "503 the cache is cold"),
        ([b"HTTP/1.0 404 Not Found\r\n\r\n"], "404"),
        ([b"HTTP/1.1 204\r\n", b"Server: one of few words\r\n\r\n"], None),
    ],
)
async def test_a_server_that_refuses_is_heard_to_the_end(
    serve, answers, end, expected, tmp_path: Path
):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for chunk in answers:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.01)
        if end == "keeps the connection":
            await reader.read()
        if end == "resets":
            reset_when_closed(writer.get_extra_info("socket"))
        writer.close()

    probe = HttpProbe((await serve(answer)).port, "/health")
    assert await said_of(probe, tmp_path) == (expected and f"/health answers {expected}")
