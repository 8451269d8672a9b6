"""Certificates of `up --mtls`: what they say, how long they live, and who may read their keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from tarmac.run.local.network import tls
from tarmac.run.local.network.identities import LIFE_S, Identities


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identities(tmp_path: Path, clock: Clock) -> Identities:
    made = Identities(tmp_path / "identities", now=clock)
    made.begin("default")
    made.hand_out(["orders", "orders-db"])
    return made


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_certificate_has_one_spiffe_id_and_may_not_sign(identities):
    found = certificate(identities.file_of("orders"))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [
        "spiffe://tarmac.local/ns/default/sa/orders"
    ]
    assert names.critical
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not found.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_authority_signs_services_and_nothing_below_them(identities, clock):
    authority = certificate(identities.authority)
    verifier = PolicyBuilder().store(Store([authority])).max_chain_depth(0)
    at = certificate(identities.file_of("orders")).not_valid_before_utc
    checked = (
        verifier.time(at)
        .build_client_verifier()
        .verify(certificate(identities.file_of("orders")), [])
    )
    assert len(checked.chain) == 2
    assert b"PRIVATE" not in identities.authority.read_bytes()


def test_keys_are_readable_by_their_owner_alone(identities):
    assert identities.authority.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in identities.authority.parent.iterdir()} == {
        0o600
    }


def test_a_certificate_is_replaced_at_half_its_life_with_another_key(identities, clock):
    first = certificate(identities.file_of("orders"))
    clock.now_s += LIFE_S / 2 - 1
    assert not identities.renew()
    clock.now_s += 2
    assert identities.renew()
    second = certificate(identities.file_of("orders"))
    assert second.public_key() != first.public_key()
    assert second.not_valid_after_utc > first.not_valid_after_utc


def test_a_clock_that_was_set_back_renews_at_once(identities, clock):
    clock.now_s -= 3600
    assert identities.renew()


def test_a_service_that_has_gone_keeps_no_certificate(identities):
    identities.hand_out(["orders"])
    assert not identities.file_of("orders-db").exists()
    identities.end()
    assert not identities.authority.parent.exists()


def test_each_start_has_an_authority_of_its_own(identities):
    before = certificate(identities.authority).public_key()
    identities.begin("default")
    assert certificate(identities.authority).public_key() != before
    assert not identities.file_of("orders").exists()


@pytest.mark.parametrize(
    ("names", "identity"),
    [
        (
            (("URI", "spiffe://tarmac.local/ns/default/sa/a"),),
            "spiffe://tarmac.local/ns/default/sa/a",
        ),
        ((("DNS", "a"), ("URI", "spiffe://t/a")), "spiffe://t/a"),
        ((("URI", "spiffe://t/a"), ("URI", "spiffe://t/b")), ""),
        ((("URI", "https://t/a"),), ""),
        ((("DNS", "spiffe://t/a"),), ""),
        ((), ""),
    ],
)
def test_an_identity_is_the_only_spiffe_id_of_a_certificate(names, identity):
    assert tls.identity_of({"subjectAltName": names}) == identity
    assert tls.identity_of(None) == ""


class Shown(asyncio.BaseTransport):
    """A connection whose other end has shown this certificate."""

    def __init__(self, identity: str) -> None:
        super().__init__({"peercert": {"subjectAltName": (("URI", identity),)}})


def end(identities: Identities, peers: list[str]) -> tls.TlsEnd:
    told = {
        "side": tls.CALLEE,
        "certificate": str(identities.file_of("orders-db")),
        "authority": str(identities.authority),
        "peers": peers,
        "users": [],
    }
    return tls.Certificates().end(told)


def test_an_end_counts_whom_it_admits_and_refuses_by_identity(identities):
    made = end(identities, ["spiffe://t/a"])
    assert made.admits(Shown("spiffe://t/a"))
    assert not made.admits(Shown("spiffe://t/b"))
    assert made.counts() == {"admitted": {"spiffe://t/a": 1}, "refused": {"spiffe://t/b": 1}}


def test_identities_that_a_stranger_invents_do_not_fill_the_memory(identities):
    made = end(identities, [])
    for number in range(tls.MOST_REFUSED + 10):
        made.admits(Shown(f"spiffe://t/{number}"))
    refused = made.counts()["refused"]
    assert len(refused) == tls.MOST_REFUSED + 1
    assert refused[tls.UNKNOWN] == 10


def test_a_client_that_shows_nothing_in_time_is_refused(identities, monkeypatch):
    made = end(identities, [])
    made.begin()
    assert made.counts()["refused"] == {}
    monkeypatch.setattr(tls, "HANDSHAKE_S", -1.0)
    assert made.counts()["refused"] == {tls.UNKNOWN: 1}
