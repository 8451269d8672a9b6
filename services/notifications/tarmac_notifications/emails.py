"""Emails: an event becomes a mail with a text and an HTML part. Pure, but for the templates.

Called by service.py. Texts of events are escaped in HTML and never become a header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.charset import Charset
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
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
#: UTF-8 as it is, where MIMEText would write base64.
_UTF_8 = Charset("utf-8")
_UTF_8.body_encoding = None  # type: ignore[assignment]
_TEMPLATES.filters["short"] = lambda order_id: domain.short_order(str(order_id))


#: Octets of a line without its end (RFC 5321, 4.5.3.1.6).
LONGEST_LINE = 998


@dataclass(frozen=True)
class Sender:
    """The sender of emails: the shop's name, its address, and where an order can be looked at."""

    shop: str
    address: str
    #: Without a slash at the end; empty when there is no such page.
    shop_url: str
    #: What a purchase is called: a traveller makes a booking.
    order_word: str = "order"

    def email(self, event: Event, event_id: str) -> Message:
        """Write the email of an event; its Message-ID is the event's, and so is a repetition's.

        Raises ValueError for a header of several lines. `email.message.EmailMessage` refuses them
        itself, and takes four times as long.
        """
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
        headers = {
            "Subject": subject,
            "From": formataddr((self.shop, self.address)),
            "To": domain.ascii_address(event.email),
            "Date": format_datetime(at),
            "Message-ID": f"<{event_id}@{self.address.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
        }
        email = MIMEMultipart("alternative")
        for header, value in headers.items():
            if len(value.splitlines()) > 1:
                raise ValueError(f"{header} has several lines")
            email[header] = value
        for kind, ending in (("plain", "txt"), ("html", "html")):
            text = _TEMPLATES.get_template(f"{name}.{ending}").render(values)
            # A Charset is as good as its name, which the library's types do not know.
            charset: Any = _UTF_8 if _fits(text) else "utf-8"
            email.attach(MIMEText(text, kind, charset))
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


def _fits(text: str) -> bool:
    """Say whether every line is as short as SMTP wants it; base64 has no long lines."""
    return len(text) < LONGEST_LINE or all(
        len(line.encode()) <= LONGEST_LINE for line in text.splitlines()
    )
