"""One durable pull consumer on JetStream: asks for messages, hands them out, settles them.

Made by `NatsBus.consume`. It asks by its own pull requests: nats-py's `fetch` keeps a message that
has come until the request is over, when the end of an earlier request was late.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from nats.aio.client import Client as Connection
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from tarmac_kit.bus.in_flight import InFlight, payload_of, retry_after_s
from tarmac_kit.jsons import dumps
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage

MSG_ID = "Nats-Msg-Id"
KEY = "Message-Key"

IN_FLIGHT = 64
#: Messages in flight in a dead consumer are redelivered after this.
ACK_WAIT_S = 5.0
PULL_S = 2.0
#: The statuses of a pull request that is simply over: nothing there, time is up.
_OVER = ("404", "408")


class NatsConsumer:
    """One durable consumer and the messages of it in flight."""

    def __init__(
        self,
        topic: str,
        group: str,
        handler: Handler,
        park: Callable[[str, Any, str], Awaitable[None]],
        ack_wait_s: float,
    ) -> None:
        self._ack_wait_s = ack_wait_s
        self._topic = topic
        self._group = group
        self._handler = handler
        self._park = park
        self._in_flight = InFlight(self._one_ended)
        #: Where the broker answers the pull request under way, and how much may still come for it.
        self._pull = ""
        self._asked = 0
        self._broken = ""
        self._changed = asyncio.Event()

    async def run(self, nc: Connection, stream: str) -> None:
        """Pull and hand out until the connection fails, which raises."""
        self._asked, self._broken = 0, ""
        durable = f"{self._group}__{self._topic.replace('.', '-')}"
        # Also changes a consumer that an earlier version made. By its name, too, so that name and
        # filter are in the subject: a server can allow this one and no other.
        await nc.jetstream().add_consumer(
            stream,
            ConsumerConfig(
                name=durable,
                durable_name=durable,
                filter_subject=self._topic,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait_s,
                max_deliver=-1,
                max_ack_pending=IN_FLIGHT,
            ),
        )
        inbox = nc.new_inbox()
        arrivals = await nc.subscribe(f"{inbox}.*", cb=self._arrived)
        loop = asyncio.get_running_loop()
        lost_at = 0.0
        try:
            for number in itertools.count():
                self._changed.clear()
                if self._broken:
                    raise ConnectionError(self._broken)
                free = IN_FLIGHT - len(self._in_flight)
                if self._asked == 0 and free > 0:
                    self._pull, self._asked = f"{inbox}.{number}", free
                    lost_at = loop.time() + PULL_S + 1.0
                    wanted = dumps({"batch": free, "expires": int(PULL_S * 1e9)})
                    subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
                    await nc.publish(subject, wanted.encode(), self._pull)
                try:
                    async with asyncio.timeout_at(lost_at if self._asked else None):
                        await self._changed.wait()
                except TimeoutError:
                    self._asked = 0  # not even its end has come
        finally:
            with contextlib.suppress(Exception):
                await arrivals.unsubscribe()

    def interrupt(self, reason: str) -> None:
        """Let `run` raise: what it asked for was lost with the connection."""
        self._broken = reason
        self._changed.set()

    async def finish(self) -> None:
        """Wait for the handlers in flight; messages of cancelled ones are redelivered."""
        await self._in_flight.finish()

    async def _arrived(self, raw: Any) -> None:
        """Take what the broker sends: a message, or the end of a pull request."""
        status = (raw.headers or {}).get("Status")
        if status is None:
            self._asked = max(0, self._asked - 1)
            self._begin(raw)
        elif raw.subject != self._pull:
            return  # the late end of an earlier one
        elif status in _OVER:
            self._asked = 0
        else:
            self._broken = f"the broker answered {status} {raw.headers.get('Description', '')}"
        if self._asked == 0 or self._broken:
            self._changed.set()

    def _begin(self, raw: Any) -> None:
        key = (raw.headers or {}).get(KEY, "")
        self._in_flight.begin(key, lambda previous: self._settle(raw, previous))

    def _one_ended(self) -> None:
        if self._asked == 0:
            self._changed.set()

    async def _settle(self, raw: Any, previous: asyncio.Task[None] | None) -> None:
        """Handle one delivery and tell the broker; a broker that is away delivers it again."""
        work = asyncio.create_task(self._handle(raw, previous))
        try:
            while not (await asyncio.wait({work}, timeout=self._ack_wait_s / 3))[0]:
                with contextlib.suppress(nats.errors.Error, OSError):
                    await raw.in_progress()
        except asyncio.CancelledError:
            work.cancel()
            raise
        error = work.exception()
        try:
            if isinstance(error, PoisonMessage):
                await self._park(self._group, raw, str(error))
                await raw.term()
            elif error is not None:
                await raw.nak(delay=retry_after_s(raw.metadata.num_delivered))
            else:
                await raw.ack()
        except (nats.errors.Error, OSError, TimeoutError) as lost:
            get_logger("nats").warning(
                "could not settle a message; it will be redelivered",
                topic=raw.subject,
                error=repr(lost),
            )

    async def _handle(self, raw: Any, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.wait({previous})
        headers = dict(raw.headers or {})
        payload = payload_of(raw.data, headers.get(MSG_ID))
        await self._handler(
            Message(
                id=headers.pop(MSG_ID),
                topic=raw.subject,
                key=headers.pop(KEY, ""),
                payload=payload,
                headers=headers,
                attempt=raw.metadata.num_delivered,
            )
        )
