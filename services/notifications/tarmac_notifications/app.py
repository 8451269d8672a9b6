"""Notifications: wires events to emails and emails to the mail server."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_notifications.emails import Sender
from tarmac_notifications.events import (
    ORDER_CANCELLED,
    ORDER_CONFIRMED,
    USER_REGISTERED,
    Address,
)
from tarmac_notifications.service import Notifications
from tarmac_notifications.smtp import SmtpMailer, parse_url

GROUP = "notifications"


def _is_smtp(url: str) -> str:
    parse_url(url)
    return url


class NotificationSettings(BaseSettings):
    """Every variable that notifications reads besides the kit's own."""

    smtp_url: Annotated[str, AfterValidator(_is_smtp)]
    mail_from: Address = "no-reply@example.com"
    shop_name: str = Field(default="Shop", min_length=1, max_length=80, pattern=r"^[^\r\n]+$")
    shop_url: str = ""
    order_word: str = Field(default="order", pattern=r"^[a-z]{1,20}$")
    smtp_timeout_s: float = Field(default=10.0, gt=0)


def mount(chassis: Chassis) -> None:
    settings = chassis.read(NotificationSettings)
    mailer = SmtpMailer(parse_url(settings.smtp_url), timeout_s=settings.smtp_timeout_s)
    sender = Sender(
        settings.shop_name,
        settings.mail_from,
        settings.shop_url.rstrip("/"),
        settings.order_word,
    )
    notifications = Notifications(sender, mailer)
    chassis.consume(ORDER_CONFIRMED, notifications.on_confirmed, group=GROUP)
    chassis.consume(ORDER_CANCELLED, notifications.on_cancelled, group=GROUP)
    chassis.consume(USER_REGISTERED, notifications.on_registered, group=GROUP)
    chassis.check("mail", mailer.ping)


PART = Part(name="notifications", mount=mount)
