"""Spans for a collector that speaks OTLP over HTTP: OTEL_EXPORTER_OTLP_ENDPOINT, off without one.

Made by `create_app`. OpenTelemetry's SDK samples and makes the spans; each that ends is written as
OTLP's JSON and waits in a queue, from which a task of the process sends batches. Only that task
waits for the collector: what finds the queue full is dropped, and counted. What is sent has no
query, no path but its template, no header and no body. Without an endpoint it is never imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp  # noqa: F401 - 80 ms of import, which no request is to wait for
from opentelemetry.sdk import version
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from tarmac_kit import otlp
from tarmac_kit.background import end
from tarmac_kit.client import Request, Response, Transport, TransportError
from tarmac_kit.logs import get_logger
from tarmac_kit.otlp import SpanSettings
from tarmac_kit.trace import FinishedSpan, SpanSource
from tarmac_kit.transport import HttpTransport

#: Answers after which the same spans may be sent again (OTLP 1.x, "Retryable Response Codes").
RETRYABLE = frozenset({429, 502, 503, 504})
#: Seconds after which a batch that could not be sent is given up; the queue is small meanwhile.
GIVE_UP_S = 60.0
#: Seconds of the first pause and of the longest; a collector may ask for one of up to the third.
PAUSE_S, LONGEST_S, MOST_ASKED_S = 1.0, 30.0, 300.0
#: Seconds that the last spans have to go out when the process ends.
CLOSE_S = 2.0


class OtlpExporter(SpanProcessor):
    """Sends the spans of one service; `source` makes them."""

    def __init__(
        self,
        settings: SpanSettings,
        service: str,
        count: Callable[[str, int], None],
        transport: Transport | None = None,
    ) -> None:
        """Take the counter of spans by outcome: sent, dropped, rejected or lost."""
        resource = {
            "service.name": service,
            **otlp.pairs(settings.otel_resource_attributes),
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": version.__version__,
        }
        if settings.otel_service_name:
            resource["service.name"] = settings.otel_service_name
        # An explicit resource: the SDK's detectors cost 10 ms of start.
        provider = TracerProvider(
            resource=Resource(resource), sampler=settings.sampler(), shutdown_on_exit=False
        )
        provider.add_span_processor(self)
        self.source = SpanSource(provider.get_tracer("tarmac_kit"), self.record)
        self._head, self._tail = otlp.around(resource, "tarmac_kit")
        self._url = settings.url
        self._headers = {**settings.headers, "Content-Type": "application/json"}
        self._timeout_s = settings.otel_exporter_otlp_timeout / 1000
        self._every_s = settings.otel_bsp_schedule_delay / 1000
        self._most = settings.otel_bsp_max_queue_size
        self._batch = min(settings.otel_bsp_max_export_batch_size, self._most)
        self._count = count
        self._http = HttpTransport()
        self._transport: Transport = transport or self._http
        self._queue: deque[bytes] = deque()
        #: The batch that is being sent: empty when it is settled.
        self._hand: list[bytes] = []
        self._under_way: asyncio.Task[None] | None = None
        self._full = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause_s = PAUSE_S
        #: Until when the collector is left alone, on the loop's clock.
        self._rests_until = 0.0
        self._failing = False

    def on_end(self, span: ReadableSpan) -> None:
        """Let a span wait for its batch; called by the SDK, in any thread."""
        if self._has_place():
            self._wait(otlp.written(span))

    def record(self, span: FinishedSpan) -> None:
        """Let a span wait that is over before it was made; sampled as the one above it is."""
        if self._has_place():
            self._wait(otlp.written_finished(span, random.getrandbits(64) or 1))

    def _has_place(self) -> bool:
        if len(self._queue) < self._most:
            return True
        self._count("dropped", 1)
        return False

    def _wait(self, written: bytes) -> None:
        self._queue.append(written)
        if len(self._queue) == self._batch and self._loop is not None:
            self._loop.call_soon_threadsafe(self._full.set)

    async def run(self) -> None:
        """Send what waits until cancelled: when a batch is full, and after some seconds."""
        self._loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._full.wait()
            self._full.clear()
            while self._take():
                await self._deliver()
                if len(self._queue) < self._batch:
                    break

    async def close(self) -> None:
        """Give what is left CLOSE_S to go out; a collector that rests is not asked again."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                if self._under_way is not None:
                    await asyncio.wait({self._under_way})
                while loop.time() >= self._rests_until and self._take():
                    await self._attempt()
        if self._under_way is not None:
            await end(self._under_way)
        if left := len(self._hand) + len(self._queue):
            self._count("lost", left)
            get_logger("spans").warning("the last spans were lost", spans=left)
        self._queue.clear()
        self._loop, self._most = None, 0
        await self._http.close()

    def _take(self) -> bool:
        """Take the oldest spans as the batch in flight; say whether there are any."""
        if not self._hand:
            count = min(self._batch, len(self._queue))
            self._hand += [self._queue.popleft() for _ in range(count)]
        return bool(self._hand)

    async def _deliver(self) -> None:
        """Send the batch in flight, with retries; give up after GIVE_UP_S."""
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + GIVE_UP_S
        while self._hand:
            # The end of the process does not break off what the collector may have taken.
            self._under_way = asyncio.create_task(self._attempt())
            await asyncio.shield(self._under_way)
            if self._hand and loop.time() >= gives_up_at:
                self._settle(lost=len(self._hand))
            # Also before the next batch: it would be refused as this one was.
            await asyncio.sleep(max(0.0, self._rests_until - loop.time()))

    async def _attempt(self) -> None:
        """Send once; empty the hand unless it may be sent again, at `_rests_until`."""
        body = b"".join((self._head, b",".join(self._hand), self._tail))
        request = Request("POST", self._url, self._headers, body, self._timeout_s)
        try:
            answer = await self._transport(request)
        except (TimeoutError, TransportError) as error:
            self._rest(str(error) or type(error).__name__, None)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the next batch may pass
            self._told(type(error).__name__)
            self._settle(lost=len(self._hand))
            return
        count = len(self._hand)
        if answer.status in RETRYABLE:
            self._rest(f"it answered {answer.status}", _retry_after_s(answer.headers))
            return
        self._pause_s = PAUSE_S
        if answer.ok:
            refused = min(count, _rejected(answer))
            self._told(f"it rejected {refused} of {count} spans" if refused else "")
            self._settle(sent=count - refused, refused=refused)
        else:
            self._told(f"it answered {answer.status}")
            self._settle(refused=count)

    def _settle(self, **counts: int) -> None:
        for result, number in counts.items():
            self._count(result, number)
        self._hand.clear()

    def _rest(self, why: str, asked_s: float | None) -> None:
        self._told(why)
        # Jitter, so that a collector that comes back does not meet all services at once.
        own_s = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._pause_s = min(self._pause_s * 2, LONGEST_S)
        pause_s = own_s if asked_s is None else min(asked_s, MOST_ASKED_S)
        self._rests_until = asyncio.get_running_loop().time() + pause_s

    def _told(self, failure: str) -> None:
        """Log when it begins to fail and when that is over; neither headers nor credentials."""
        if bool(failure) != self._failing:
            self._failing = bool(failure)
            log, collector = get_logger("spans"), urlsplit(self._url).hostname
            if failure:
                log.warning(
                    "the collector does not accept spans", collector=collector, error=failure
                )
            else:
                log.info("the collector accepts spans again", collector=collector)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause that an answer asks for, in seconds or until a date; None if none."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return None


def _rejected(answer: Response) -> int:
    """Return how many spans of a batch the collector says that it did not take."""
    try:
        return int(json.loads(answer.body)["partialSuccess"]["rejectedSpans"])
    except (ValueError, KeyError, TypeError):
        return 0  # all were taken: the usual answer is an empty object
