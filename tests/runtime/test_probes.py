"""Probes of servers that are there and not ready: what is said of them, and how soon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tarmac.launch import ExchangeProbe
from tarmac.local.nodes import probes
from tarmac.local.starting.spawn import Spawner


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
        for each in answers:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()

    said = await probes.passes(
        ExchangeProbe((await serve(answer)).port, expect=b"+PONG", send=b"PING\r\n"),
        host="127.0.0.1",
        secrets={},
        env={},
        cwd=tmp_path,
        matched=False,
        lived_s=0.0,
        spawner=Spawner(),
    )
    assert said == expected
