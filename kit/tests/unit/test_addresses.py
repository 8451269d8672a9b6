"""A client's address behind trusted proxies, and its household."""

from __future__ import annotations

import pytest

from tarmac_kit.addresses import client_address, household, parse_networks

PROXIES = parse_networks("127.0.0.0/8, 10.0.0.0/8")


def test_what_a_client_says_of_its_address_counts_only_behind_a_trusted_proxy():
    sent = [(b"x-forwarded-for", b"6.6.6.6, 1.2.3.4, 10.0.0.9")]
    assert client_address("9.9.9.9", sent, ()) == "9.9.9.9"
    assert client_address("9.9.9.9", sent, PROXIES) == "9.9.9.9"
    assert client_address("10.0.0.1", sent, PROXIES) == "1.2.3.4"
    assert client_address("10.0.0.1", [], PROXIES) == "10.0.0.1"
    bad = [(b"x-forwarded-for", b"nonsense")]
    assert client_address("10.0.0.1", bad, PROXIES) == "10.0.0.1"
    assert client_address("not-an-address", sent, PROXIES) == "not-an-address"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_is_counted_as_one(address, counted):
    assert household(address) == counted


def test_a_list_of_networks_is_read_and_a_wrong_entry_refused():
    assert [str(network) for network in PROXIES] == ["127.0.0.0/8", "10.0.0.0/8"]
    assert parse_networks("") == ()
    with pytest.raises(ValueError, match="x"):
        parse_networks("10.0.0.0/8, x")
