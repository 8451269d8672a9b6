"""What notifications does with an event: an email, handed over before the event is done.

Called by the kit's consumer. At least once: after a crash between the two the same email goes
out again, recognisable by its Message-ID.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tarmac_kit import Message, PoisonMessage, get_logger
from tarmac_notifications.emails import Sender
from tarmac_notifications.events import Event, OrderCancelled, OrderConfirmed, UserRegistered
from tarmac_notifications.smtp import Mailer, RefusedForGoodError

Model = TypeVar("Model", bound=BaseModel)

log = get_logger("tarmac_notifications")


class Notifications:
    """Turns events into emails and hands them to `mailer`."""

    def __init__(self, sender: Sender, mailer: Mailer) -> None:
        self._sender = sender
        self._mailer = mailer

    async def on_confirmed(self, message: Message) -> None:
        """Send the confirmation of an order."""
        await self._send(message, _read(message, OrderConfirmed))

    async def on_cancelled(self, message: Message) -> None:
        """Send word that an order was cancelled, and why; not of one that was refused at once."""
        event = _read(message, OrderCancelled)
        if event.was_accepted:
            await self._send(message, event)
        else:
            log.info("no email: the order was refused at once", order_id=str(event.order_id))

    async def on_registered(self, message: Message) -> None:
        """Welcome a new customer."""
        await self._send(message, _read(message, UserRegistered))

    async def _send(self, message: Message, event: Event) -> None:
        # Whatever the mail server raises besides is raised: the broker brings the event again.
        try:
            email = self._sender.email(event, message.id)
        except ValueError as error:
            raise PoisonMessage(f"{message.topic}: no email can be written: {error}") from None
        try:
            await self._mailer.send(email)
        except RefusedForGoodError as error:
            raise PoisonMessage(f"{message.topic}: {error}") from None
        log.info("email sent", topic=message.topic, message_id=email["Message-ID"])


def _read(message: Message, model: type[Model]) -> Model:
    try:
        return model.model_validate(message.payload)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, found["loc"])) or "payload" for found in error.errors())
        raise PoisonMessage(f"{message.topic}: {wrong} is wrong or missing") from None
