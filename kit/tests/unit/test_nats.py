"""Where NATS answers to."""

from __future__ import annotations

import pytest

from tarmac_kit.bus.nats import inbox_of


@pytest.mark.parametrize(
    ("url", "inbox"),
    [
        ("nats://order_service:pw@127.0.0.1:4222", "_INBOX.order_service"),
        ("nats://a-b:pw@one:4222,nats://a-b:pw@two:4222", "_INBOX.a-b"),
        ("nats://127.0.0.1:4222", "_INBOX"),
        # A token is a secret, and a subject is none.
        ("nats://s3cr3t@127.0.0.1:4222", "_INBOX"),
        # These would listen to others, or to nothing.
        ("nats://%3E:pw@127.0.0.1:4222", "_INBOX"),
        ("nats://*:pw@127.0.0.1:4222", "_INBOX"),
        ("nats://a.b:pw@127.0.0.1:4222", "_INBOX"),
        ("nats://a%20b:pw@127.0.0.1:4222", "_INBOX"),
    ],
)
def test_answers_come_to_an_inbox_of_the_urls_user(url: str, inbox: str) -> None:
    assert inbox_of(url) == inbox
