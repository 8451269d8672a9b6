"""Emails: an event becomes a mail with a text and an HTML part. Pure, but for the templates.

Called by service.py. Texts of events are escaped in HTML and never become a header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tarmac_notifications import domain
from tarmac_notifications.events import Event, OrderCancelled, OrderConfirmed, UserRegistered

_TEMPLATES = Environment(
    loader=PackageLoader("tarmac_notifications"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["short"] = lambda order_id: domain.short_order(str(order_id))


@dataclass(frozen=True)
class Sender:
    """The sender of emails: the shop's name, its address, and where an order can be looked at."""

    shop: str
    address: str
    #: Without a slash at the end; empty when there is no such page.
    shop_url: str
    #: What a purchase is called: a traveller makes a booking.
    order_word: str = "order"

    def email(self, event: Event, event_id: str) -> EmailMessage:
        """Write the email of an event; its Message-ID is the event's, and so is a repetition's."""
        match event:
            case UserRegistered(registered_at=at):
                name, subject = "user_registered", f"Welcome to {self.shop}"
                about: Mapping[str, Any] = {"lines": ()}
            case OrderConfirmed(confirmed_at=at):
                name, subject = "order_confirmed", f"{self._order(event)} is confirmed"
                about = self._values(event)
            case OrderCancelled(cancelled_at=at, reason=reason):
                name, subject = "order_cancelled", f"{self._order(event)} was cancelled"
                about = {**self._values(event), "reason": domain.reason_text(reason)}
        values = {"subject": subject, "shop": self.shop, "shop_url": self.shop_url, **about}
        email = EmailMessage(policy=SMTP)
        email["Subject"] = subject
        email["From"] = Address(self.shop, addr_spec=self.address)
        email["To"] = domain.ascii_address(event.email)
        email["Date"] = format_datetime(at)
        email["Message-ID"] = f"<{event_id}@{self.address.rpartition('@')[2]}>"
        email["Auto-Submitted"] = "auto-generated"
        email.set_content(_TEMPLATES.get_template(f"{name}.txt").render(values))
        email.add_alternative(
            _TEMPLATES.get_template(f"{name}.html").render(values), subtype="html"
        )
        return email

    def _order(self, event: OrderConfirmed | OrderCancelled) -> str:
        return f"Your {self.order_word} {domain.short_order(str(event.order_id))}"

    def _values(self, event: OrderConfirmed | OrderCancelled) -> Mapping[str, Any]:
        lines = [
            {
                "name": " ".join(line.name.split()),
                "quantity": line.quantity,
                "price": domain.money(line.quantity * line.unit_price_minor, event.currency),
            }
            for line in event.lines
        ]
        return {
            "word": self.order_word,
            "order_id": str(event.order_id),
            "order_url": f"{self.shop_url}/orders/{event.order_id}" if self.shop_url else "",
            "lines": lines,
            "total": domain.money(event.total_minor, event.currency),
        }
