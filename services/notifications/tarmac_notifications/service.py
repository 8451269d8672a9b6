"""What notifications does with an event: one letter, handed over before the event is done.

Called by the kit's consumer. At least once: after a crash between the two the same letter goes
out again, recognisable by its Message-ID.
"""

from __future__ import annotations

from pydantic import ValidationError

from tarmac_kit import Message, PoisonMessage, get_logger
from tarmac_notifications.events import OrderCancelled, OrderConfirmed
from tarmac_notifications.letters import Sender
from tarmac_notifications.smtp import Mailer, RefusedForGoodError

log = get_logger("tarmac_notifications")


class Notifications:
    """Turns events into letters and hands them to `mailer`."""

    def __init__(self, sender: Sender, mailer: Mailer) -> None:
        self._sender = sender
        self._mailer = mailer

    async def on_confirmed(self, message: Message) -> None:
        """Send the confirmation of an order."""
        await self._send(message, OrderConfirmed)

    async def on_cancelled(self, message: Message) -> None:
        """Send word that an order was cancelled, and why."""
        await self._send(message, OrderCancelled)

    async def _send(self, message: Message, model: type[OrderConfirmed | OrderCancelled]) -> None:
        # Whatever the mail server raises besides is raised: the broker brings the event again.
        try:
            letter = self._sender.letter(model.model_validate(message.payload), message.id)
        except ValidationError as error:
            wrong = ", ".join(
                ".".join(map(str, found["loc"])) or "payload" for found in error.errors()
            )
            raise PoisonMessage(f"{message.topic}: {wrong} is wrong or missing") from None
        except ValueError as error:
            raise PoisonMessage(f"{message.topic}: no letter can be written: {error}") from None
        try:
            await self._mailer.send(letter)
        except RefusedForGoodError as error:
            raise PoisonMessage(f"{message.topic}: {error}") from None
        log.info("letter sent", topic=message.topic, message_id=letter["Message-ID"])
