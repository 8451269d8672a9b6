"""Takes what services send: decodes a request of OTLP and hands it to what writes it.

For both transports: receiver.py (HTTP) and grpc.py. Each answers in its own words. Requests are
decoded in a thread, one at a time, so that a large one delays others of its kind alone.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.identity import Identities
from tarmac.run.telemetry.limits import FullQueue, HeldBytes, Limits, TooLarge
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.writer import Writer

#: What a request may be about, as OTLP's paths name it.
SIGNALS = ("traces", "metrics", "logs")


class Body(NamedTuple):
    """The body of a request."""

    content: bytes
    is_json: bool = False
    #: Packed by gzip.
    is_packed: bool = False
    #: By which the service is known that sent it.
    token: str = ""


class Intake:
    """Where everything that services send goes."""

    def __init__(
        self,
        writer: Writer,
        readings: ReadingLog,
        identities: Identities,
        limits: Limits | None = None,
    ) -> None:
        """Take what writes spans and records, and what writes metrics."""
        self.writer = writer
        self._identities = identities
        self.limits = limits or Limits()
        self.held = HeldBytes(self.limits.held_bytes)
        self._readings = readings
        self._decoder = ThreadPoolExecutor(1, "decoder")

    async def take(self, signal: str, body: Body) -> None:
        """Take one request.

        Raises:
            UnreadableRequest: it is none of this signal.
            TooLarge: it is never taken.
            FullQueue: more waits to be written than has a place.
        """
        loop = asyncio.get_running_loop()
        decode = partial(decoded, signal, body, self.limits.request_bytes, self._identities.name)
        found, size = await loop.run_in_executor(self._decoder, decode)
        if signal == "metrics":
            await self._take_metrics(found)
        elif not self.writer.queue(found, size):
            raise FullQueue(f"too many {signal} wait to be written")

    async def _take_metrics(self, found: list[Any]) -> None:
        at_ms = time.time_ns() // 1_000_000
        try:
            for sent in found:
                await asyncio.to_thread(self._readings.push, sent, at_ms)
        except sqlite3.Error as error:
            raise FullQueue(f"metrics cannot be written now ({error})") from None


def decoded(
    signal: str, body: Body, most_bytes: int, name: Callable[[str, str], str]
) -> tuple[list[Any], int]:
    """Decode a request; returns what it has, and its size in bytes.

    Args:
        name: returns a service's name as it is kept, of the name and the token that were sent.

    Raises:
        UnreadableRequest: it is none of this signal.
        TooLarge: it has more bytes when it is unpacked.
    """
    content = unpacked(body.content, most_bytes) if body.is_packed else body.content
    found: list[Any]
    if signal == "traces":
        decode = otlp.spans_of_json if body.is_json else otlp.spans_of_protobuf
        found = list(decode(content))
    elif signal == "logs":
        from tarmac.run.telemetry import otlp_logs  # noqa: PLC0415 - protobuf: 40 ms

        found = list(otlp_logs.records(content, is_json=body.is_json))
    else:
        from tarmac.run.telemetry import otlp_metrics  # noqa: PLC0415 - protobuf: 40 ms

        found = list(otlp_metrics.pushed(content, is_json=body.is_json))
    names = {service: name(service, body.token) for service in {one.service for one in found}}
    kept = [
        one if names[one.service] == one.service else replace(one, service=names[one.service])
        for one in found
    ]
    return kept, len(content)


def unpacked(packed: bytes, most_bytes: int) -> bytes:
    """Unpack gzip. Raises TooLarge, and UnreadableRequest for what is not gzip."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(packed, most_bytes + 1)
    except zlib.error as error:
        raise otlp.UnreadableRequest(f"not gzip ({error})") from None
    if len(found) > most_bytes:
        raise TooLarge(f"more than {most_bytes} bytes when unpacked")
    if not unpacking.eof:
        raise otlp.UnreadableRequest("the gzip stream is cut off")
    return found
