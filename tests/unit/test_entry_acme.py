"""What the entry has written of its certificates, and why an authority gives none."""

from __future__ import annotations

import json

from tarmac.run.compose.acme import refusals, stored

WHY = "Unable to obtain ACME certificate for domains"


def line(host: str, error: str, message: str = WHY) -> str:
    return json.dumps({"level": "error", "error": error, "domains": [host], "message": message})


def test_hosts_with_a_certificate_are_those_that_are_stored():
    of = [{"domain": {"main": "www.example.com"}}, {"domain": {"main": "api.example.com"}}]
    text = json.dumps({"acme": {"Account": {}, "Certificates": of}})
    assert list(stored(text)) == ["www.example.com", "api.example.com"]
    assert list(stored(json.dumps({"acme": {"Account": {}, "Certificates": None}}))) == []
    assert list(stored("")) == []
    assert list(stored(text[:40])) == []


def test_the_newest_words_of_the_authority_are_the_reason():
    lines = [
        line("www.example.com", "no such\n  name"),
        '172.18.0.1 - - "GET / HTTP/1.1"',
        f"half a line: {WHY}",
        line("api.example.com", "rate limited"),
        line("www.example.com", "refused", "something else"),
        line("www.example.com", "connection refused"),
    ]
    assert dict(refusals(lines)) == {
        "www.example.com": "connection refused",
        "api.example.com": "rate limited",
    }
