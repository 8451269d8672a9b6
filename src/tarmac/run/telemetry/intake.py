"""Takes what services send: decodes a request of OTLP and hands it to what writes it.

For both transports: receiver.py (HTTP) and grpc.py. Each answers in its own words.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import zlib
from dataclasses import dataclass

from tarmac.run.telemetry import otlp
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.writer import Writer

#: What a request may be about, as OTLP's paths name it.
SIGNALS = ("traces", "metrics", "logs")
#: Bytes of a request, as it comes and unpacked: batches of the SDKs have 512 spans.
MOST_BYTES = 16 << 20


class TooLarge(ValueError):
    """A request has more than MOST_BYTES."""


class FullQueue(Exception):
    """There is no place for it now; it may be sent again."""


@dataclass(frozen=True)
class Intake:
    """Where everything that services send goes."""

    writer: Writer
    readings: ReadingLog

    async def take(self, signal: str, body: bytes, *, is_json: bool) -> None:
        """Take one request.

        Raises:
            UnreadableRequest: it is none of this signal.
            FullQueue: more waits to be written than has a place.
        """
        if signal == "metrics":
            await self._take_metrics(body, is_json=is_json)
            return
        if signal == "traces":
            decode = otlp.spans_of_json if is_json else otlp.spans_of_protobuf
            taken = self.writer.queue(decode(body))
        else:
            from tarmac.run.telemetry import otlp_logs  # noqa: PLC0415 - protobuf: 40 ms

            taken = self.writer.queue(otlp_logs.records(body, is_json=is_json))
        if not taken:
            raise FullQueue(f"too many {signal} wait to be written")

    async def _take_metrics(self, body: bytes, *, is_json: bool) -> None:
        from tarmac.run.telemetry import otlp_metrics  # noqa: PLC0415 - protobuf: 40 ms

        at_ms = time.time_ns() // 1_000_000
        found = otlp_metrics.pushed(body, is_json=is_json)
        try:
            for sent in found:
                await asyncio.to_thread(self.readings.push, sent, at_ms)
        except sqlite3.Error as error:
            raise FullQueue(f"metrics cannot be written now ({error})") from None


def unpacked(packed: bytes) -> bytes:
    """Unpack gzip, MOST_BYTES at most. Raises TooLarge, and ValueError for what is no gzip."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(packed, MOST_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"not gzip ({error})") from None
    if len(found) > MOST_BYTES:
        raise TooLarge(f"more than {MOST_BYTES} bytes when unpacked")
    if not unpacking.eof:
        raise ValueError("the gzip stream is cut off")
    return found
