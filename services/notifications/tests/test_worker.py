"""The worker in process: a bus in memory and a mail server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from tarmac_kit import Message, SettingsError, create_app
from tarmac_kit_testing import FakeBus, InProcess, running
from tarmac_notifications import smtp
from tarmac_notifications.app import PART

TOPICS = "order.confirmed,order.cancelled,user.registered"


@dataclass
class MailServer:
    """An SMTP server that keeps emails, or answers as it is told."""

    port: int = 0
    emails: list[Mail] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    at_recipient: str = ""
    at_data: str = ""
    server: asyncio.Server | None = None
    #: Its side of every connection.
    sessions: list[SMTP] = field(default_factory=list)
    #: A client has taken leave.
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.at_recipient:
            return self.at_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        if self.at_data:
            return self.at_data
        assert isinstance(envelope.content, bytes)
        self.emails.append(message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    async def handle_QUIT(  # noqa: N802 - as above
        self, _server: SMTP, _session: Any, _envelope: Envelope
    ) -> str:
        self.left.set()
        return "221 OK"

    def _authenticate(self, _s: Any, _session: Any, _e: Any, _m: Any, data: Any) -> AuthResult:
        self.logins.append(data.login)
        right = data.password == b"p@ss"
        return AuthResult(success=right, handled=right)

    def _session(self) -> SMTP:
        made = SMTP(self, authenticator=self._authenticate, auth_require_tls=False)
        self.sessions.append(made)
        return made

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(self._session, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


def environ(mail: MailServer, **changes: str) -> dict[str, str]:
    return {
        "SERVICE_NAME": "notification-service",
        "CONSUMES": TOPICS,
        "SMTP_URL": f"smtp://shop:p%40ss@127.0.0.1:{mail.port}",
        "MAIL_FROM": "no-reply@shop.example",
        **changes,
    }


@pytest.fixture
async def worker(mail: MailServer, bus: FakeBus) -> AsyncIterator[InProcess]:
    async with running(create_app([PART], environ(mail), bus=bus)) as client:
        yield client


def event(topic: str, payload: dict[str, Any], number: int = 1) -> Message:
    return Message(f"event-{number}", topic, payload.get("order_id", ""), payload)


async def test_one_event_is_one_email_to_its_customer(
    worker, bus, mail, confirmed, cancelled, registered
):
    await bus.publish(event("order.confirmed", confirmed, 1))
    await bus.publish(event("order.cancelled", cancelled, 2))
    await bus.publish(event("user.registered", registered, 3))
    assert [email["Message-ID"] for email in mail.emails] == [
        "<event-1@shop.example>",
        "<event-2@shop.example>",
        "<event-3@shop.example>",
    ]
    assert mail.recipients == [["ada@example.com"]] * 3
    assert mail.emails[0]["Subject"] == "Your order 7B0E6D1C is confirmed"
    assert mail.logins == [b"shop"]  # all over one connection
    assert bus.waiting == []
    assert bus.dead_letters == []


async def test_a_connection_that_the_server_has_closed_is_replaced(worker, bus, mail, confirmed):
    await bus.publish(event("order.confirmed", confirmed, 1))
    mail.sessions[0].transport.close()
    await bus.publish(event("order.confirmed", confirmed, 2))
    assert len(mail.emails) == len(mail.logins) == 2
    assert bus.waiting == []


async def test_a_connection_takes_so_many_emails_and_no_more(
    worker, bus, mail, confirmed, monkeypatch
):
    monkeypatch.setattr(smtp, "MOST_EMAILS", 2)
    for number in range(3):
        await bus.publish(event("order.confirmed", confirmed, number))
    assert len(mail.emails) == 3
    assert len(mail.logins) == 2
    await asyncio.wait_for(mail.left.wait(), 5)


async def test_a_connection_that_nothing_uses_ends(worker, bus, mail, confirmed, monkeypatch):
    monkeypatch.setattr(smtp, "KEPT_S", 0.01)
    await bus.publish(event("order.confirmed", confirmed))
    await asyncio.wait_for(mail.left.wait(), 5)
    await bus.publish(event("order.confirmed", confirmed, 2))
    assert len(mail.emails) == len(mail.sessions) == 2


async def test_an_order_that_was_refused_at_once_gets_no_email(worker, bus, mail, cancelled):
    sold_out = {**cancelled, "reason": "out_of_stock"}
    await bus.publish(event("order.cancelled", {**sold_out, "was_accepted": False}, 1))
    assert mail.emails == []
    await bus.publish(event("order.cancelled", sold_out, 2))
    del sold_out["was_accepted"]  # from an orders service that does not say it yet
    await bus.publish(event("order.cancelled", sold_out, 3))
    assert [email["Message-ID"] for email in mail.emails] == [
        "<event-2@shop.example>",
        "<event-3@shop.example>",
    ]
    assert (bus.waiting, bus.dead_letters) == ([], [])


async def test_while_the_mail_server_is_down_the_event_waits(worker, bus, mail, confirmed):
    await mail.stop()
    await bus.publish(event("order.confirmed", confirmed))
    assert len(bus.waiting) == 1
    assert mail.emails == []
    await mail.start()
    await bus.redeliver()
    assert [email["Message-ID"] for email in mail.emails] == ["<event-1@shop.example>"]
    assert bus.waiting == []


@pytest.mark.parametrize(
    ("at_recipient", "at_data", "parked"),
    [
        ("550 no such mailbox", "", 1),
        ("450 come back later", "", 0),
        ("", "554 not this one", 1),
        ("", "451 later", 0),
    ],
)
async def test_only_what_is_refused_for_good_is_parked(
    worker, bus, mail, confirmed, *, at_recipient, at_data, parked
):
    mail.at_recipient, mail.at_data = at_recipient, at_data
    await bus.publish(event("order.confirmed", confirmed))
    assert (len(bus.dead_letters), len(bus.waiting)) == (parked, 1 - parked)
    assert all("ada@example.com" not in reason for _, reason in bus.dead_letters)


async def test_a_login_that_is_refused_is_tried_again_and_loses_nothing(mail, bus, confirmed):
    wrong = environ(mail, SMTP_URL=f"smtp://shop:wrong@127.0.0.1:{mail.port}")
    async with running(create_app([PART], wrong, bus=bus)):
        await bus.publish(event("order.confirmed", confirmed))
    assert (len(bus.dead_letters), len(bus.waiting)) == (0, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": "ada@example..com"}, "no email can be written"),
        ({"currency": "euro"}, "currency"),
        ({"total_minor": "much"}, "total_minor"),
        ({"lines": []}, "lines"),
        ({"lines": [{"name": "x"}]}, "lines.0.product_id"),
        ({"confirmed_at": None}, "confirmed_at"),
    ],
)
async def test_a_malformed_event_is_parked_and_says_what_is_wrong(
    worker, bus, mail, confirmed, *, change, words
):
    await bus.publish(event("order.confirmed", {**confirmed, **change}))
    [(_, reason)] = bus.dead_letters
    assert words in reason
    assert mail.emails == []


async def test_a_member_that_is_not_known_is_no_error(worker, bus, mail, confirmed):
    await bus.publish(event("order.confirmed", {**confirmed, "gift": True}))
    assert len(mail.emails) == 1


async def test_a_topic_that_is_not_bound_is_not_consumed(mail, bus, confirmed):
    bound = environ(mail, CONSUMES="order.cancelled")
    async with running(create_app([PART], bound, bus=bus)):
        await bus.publish(event("order.confirmed", confirmed))
    assert mail.emails == []


async def test_ready_needs_the_broker(worker, bus):
    assert (await worker.get("/health/ready")).status == 200
    bus.connected = False
    await asyncio.sleep(0.55)  # a check's answer is kept for half a second
    response = await worker.get("/health/ready")
    assert response.status == 503
    assert "broker" in response.json()["failed"]
    assert (await worker.get("/health/live")).status == 200


async def test_ready_needs_the_mail_server(bus):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = MailServer(port=probe.getsockname()[1])
    async with running(create_app([PART], environ(nobody), bus=bus)) as client:
        response = await client.get("/health/ready")
        assert (response.status, response.json()["failed"]) == (503, ["mail"])
        assert "p@ss" not in str(response.json())
        assert (await client.get("/health")).status == 200


async def test_health_and_metrics_are_all_that_is_served(worker, bus, confirmed):
    await bus.publish(event("order.confirmed", confirmed))
    text = (await worker.get("/metrics")).body.decode()
    assert 'messages_consumed_total{group="notifications",result="ok"' in text
    assert (await worker.get("/openapi.json")).json()["paths"] == {}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "SMTP_URL is not set"),
        ({"SMTP_URL": "http://mail"}, "SMTP_URL is wrong"),
        ({"SMTP_URL": "smtp://mail", "MAIL_FROM": "nobody"}, "MAIL_FROM is wrong"),
    ],
)
def test_a_missing_or_wrong_variable_is_named(environ, words):
    with pytest.raises(SettingsError) as caught:
        create_app([PART], environ)
    assert words in str(caught.value)


async def test_an_address_that_the_server_cannot_write_to_is_parked_and_holds_up_nobody(
    worker, bus, mail, confirmed
):
    await bus.publish(event("order.confirmed", {**confirmed, "email": "üser@example.com"}))
    assert [reason for _, reason in bus.dead_letters]
    assert bus.waiting == []
    assert mail.emails == []
