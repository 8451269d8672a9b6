"""Amounts, addresses and emails, without any I/O."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from pydantic import ValidationError

from tarmac_notifications.domain import ascii_address, money, reason_text, short_order
from tarmac_notifications.emails import Sender
from tarmac_notifications.events import OrderCancelled, OrderConfirmed, UserRegistered
from tarmac_notifications.smtp import SmtpAddress, parse_url

SENDER = Sender("Ada's <Shop>", "no-reply@shop.example", "https://shop.example")


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (123450, "EUR", "€1,234.50"),
        (5, "USD", "$0.05"),
        (0, "GBP", "£0.00"),
        (1200, "JPY", "¥1,200"),
        (1234567, "KWD", "1,234.567 KWD"),
        (1999, "CHF", "19.99 CHF"),
        (-500, "USD", "-$5.00"),
        (90071992547409931, "USD", "$900,719,925,474,099.31"),
    ],
)
def test_an_amount_is_written_with_its_currencys_decimals(minor, currency, written):
    assert money(minor, currency) == written


def parts(written) -> tuple[str, str]:
    email = message_from_bytes(bytes(written), policy=default)
    text = email.get_body(("plain",)).get_content()
    html = email.get_body(("html",)).get_content()
    return text, html


def test_a_confirmation_lists_the_lines_and_the_total_in_both_parts(confirmed):
    email = SENDER.email(OrderConfirmed.model_validate(confirmed), "event-1")
    text, html = parts(email)
    assert email["Subject"] == "Your order 7B0E6D1C is confirmed"
    assert email["To"] == "ada@example.com"
    assert email["Message-ID"] == "<event-1@shop.example>"
    assert email["Auto-Submitted"] == "auto-generated"
    assert email["Date"] == "Sat, 31 Jan 2026 12:00:00 +0000"
    assert "2 x Kettle <b>& Co: €2,589.50" in text
    assert "Total: €2,589.50" in text
    assert "https://shop.example/orders/7b0e6d1c-4f0b-4c51-9a3e-2f6f6d3c8a10" in text
    assert "Kettle &lt;b&gt;&amp; Co" in html
    assert "<b>" not in html
    assert "Ada&#39;s &lt;Shop&gt;" in html
    assert html.count("€2,589.50") == 2


def test_a_cancellation_says_why_and_that_the_money_goes_back(cancelled):
    text, html = parts(SENDER.email(OrderCancelled.model_validate(cancelled), "event-2"))
    for part in (text, html):
        assert "Your payment was declined." in part
        assert "goes back to you" in part
    bare = OrderCancelled.model_validate({**cancelled, "lines": [], "reason": "<script>"})
    plain = Sender("Shop", "a@shop.example", "").email(bare, "event-3")
    text, html = parts(plain)
    assert "It could not be completed." in text
    assert "script" not in text + html
    assert "http" not in text


def test_a_new_account_is_welcomed_with_the_shops_words_alone(registered):
    """Whoever types an address chooses neither words nor links of what is sent there."""
    event = UserRegistered.model_validate({**registered, "name": "Win at https://evil.example"})
    email = SENDER.email(event, "event-1")
    assert email["Subject"] == "Welcome to Ada's <Shop>"
    assert email["Date"] == "Sat, 31 Jan 2026 12:00:00 +0000"
    for part in parts(email):
        assert "https://shop.example" in part
        assert "evil" not in part
        assert "order" not in part.replace("border", "").lower()
    for part in parts(Sender("Shop", "a@shop.example", "").email(event, "event-2")):
        assert "http" not in part


def test_a_travellers_email_speaks_of_a_booking(confirmed, cancelled):
    sender = Sender("Trips", "a@trips.example", "https://trips.example", "booking")
    for email in (
        sender.email(OrderConfirmed.model_validate(confirmed), "event-1"),
        sender.email(OrderCancelled.model_validate(cancelled), "event-2"),
    ):
        assert email["Subject"].startswith("Your booking 7B0E6D1C ")
        for part in parts(email):
            assert "booking" in part
            assert "order" not in part.replace("/orders/", "").replace("border", "").lower()


def test_a_repeated_event_gives_the_same_email(confirmed):
    event = OrderConfirmed.model_validate(confirmed)
    first, second = (SENDER.email(event, "event-1") for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"]
    assert parts(first) == parts(second)


def test_a_word_is_found_for_every_known_reason():
    known = ("out_of_stock", "payment_declined", "by_customer", "reservation_expired")
    sentences = {reason_text(reason) for reason in known}
    assert len(sentences) == 4
    assert reason_text("else") not in sentences
    assert short_order("7b0e6d1c-4f0b") == "7B0E6D1C"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@example.com, eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "<a@b>",
    ],
)
def test_an_address_that_could_be_more_than_one_is_refused(confirmed, email):
    with pytest.raises(ValidationError):
        OrderConfirmed.model_validate({**confirmed, "email": email})


def test_a_domain_is_written_as_dns_knows_it():
    assert ascii_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    with pytest.raises(ValueError, match="label"):
        ascii_address("ada@example..com")


def test_a_long_or_foreign_text_is_in_lines_that_servers_take(confirmed):
    lines = [{**confirmed["lines"][0], "name": "Tasse für Tee " + "é" * 1200}]
    email = Sender("Läden", "a@shop.example", "").email(
        OrderConfirmed.model_validate({**confirmed, "lines": lines}), "event-1"
    )
    assert max(map(len, bytes(email).splitlines())) <= 998
    assert bytes(email).isascii()
    assert "é" * 1200 in parts(email)[0]
    read = message_from_bytes(bytes(email), policy=default)
    assert read["From"] == "Läden <a@shop.example>"


def test_a_shops_name_of_several_lines_never_becomes_a_header(confirmed):
    sender = Sender("Shop\r\nBcc: eve@example.com", "a@shop.example", "")
    with pytest.raises(ValueError, match="From has several lines"):
        sender.email(OrderConfirmed.model_validate(confirmed), "event-1")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "smtp://shop:p%40ss@127.0.0.1:2525",
            SmtpAddress("127.0.0.1", 2525, "shop", "p@ss", tls=False),
        ),
        ("smtp://mail", SmtpAddress("mail", 25, None, None, tls=False)),
        ("smtps://mail", SmtpAddress("mail", 465, None, None, tls=True)),
    ],
)
def test_a_mail_servers_url_is_taken_apart(url, address):
    assert parse_url(url) == address


def test_a_wrong_url_is_refused_without_its_password():
    with pytest.raises(ValueError, match="smtp://") as caught:
        parse_url("http://shop:hidden@mail")
    assert "hidden" not in str(caught.value)
