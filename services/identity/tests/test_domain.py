"""Addresses, passwords and keys, without any I/O."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tarmac_identity import keys
from tarmac_identity.domain import (
    Rotation,
    StoredKey,
    check_password,
    login_email,
    new_refresh_token,
    normal_email,
    normal_password,
    token_hash,
)
from tarmac_identity.passwords import Passwords


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("ada+shop@example.com", "ada+shop@example.com"),
        ("ada@shop.test", "ada@shop.test"),
        ("ada@BÜCHER.example.com", "ada@bücher.example.com"),
    ],
)
def test_an_address_has_one_form(given, kept):
    assert normal_email(given) == kept
    assert login_email(given) == kept


def test_an_address_that_most_mail_servers_cannot_write_to_is_refused():
    with pytest.raises(ValueError, match="is no e-mail address"):
        normal_email("üser@example.com")


@pytest.mark.parametrize("text", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c.d"])
def test_what_is_no_address_is_refused_and_finds_nobody(text):
    with pytest.raises(ValueError, match="is no e-mail address"):
        normal_email(text)
    assert login_email(text).startswith("invalid:")
    assert text == "" or text not in login_email(text).removeprefix("invalid:")


def test_a_password_is_long_enough_and_fits_into_bcrypt():
    assert check_password("x" * 10) == "x" * 10
    assert check_password("x" * 72) == "x" * 72
    with pytest.raises(ValueError, match="at least 10 characters"):
        check_password("x" * 9)
    with pytest.raises(ValueError, match="at most 72 bytes in UTF-8"):
        check_password("x" * 73)
    with pytest.raises(ValueError, match="at most 72 bytes"):
        check_password("ä" * 37)
    for text in ("x" * 10 + "\x00", "x" * 10 + "\ud800"):
        with pytest.raises(ValueError, match="NUL or half a character"):
            check_password(text)


def test_a_password_typed_on_another_keyboard_is_the_same():
    assert normal_password("pa\u0308sswort") == normal_password("p\u00e4sswort")


def test_a_refresh_token_holds_256_bits_and_is_stored_as_a_hash():
    tokens = {new_refresh_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 for token in tokens)
    assert len(token_hash("x")) == 32
    assert token_hash("x") != token_hash("y")


def test_a_keys_name_is_its_rfc_7638_thumbprint():
    # The example of RFC 7638, section 3.1.
    jwk = {
        "kty": "RSA",
        "n": (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
            "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ"
            "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF"
            "TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ),
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert keys.thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_stored_key_opens_only_with_its_secret_and_under_its_own_name():
    made = keys.generate()
    closed = keys.close_up(made, "the right secret")
    assert b"RSA" not in closed
    opened = keys.open_up(made.kid, closed, "the right secret")
    assert opened.kid == made.kid
    assert opened.private_key.private_numbers() == made.private_key.private_numbers()
    assert set(made.public_jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    for kid, stored, secret in (
        (made.kid, closed, "another secret"),
        ("another-kid", closed, "the right secret"),
        (made.kid, closed[:-1] + bytes([closed[-1] ^ 1]), "the right secret"),
        (made.kid, b"short", "the right secret"),
    ):
        with pytest.raises(keys.KeyClosedError, match="KEY_ENCRYPTION_SECRET"):
            keys.open_up(kid, stored, secret)


def test_a_key_under_a_foreign_name_is_refused():
    made = keys.generate()
    other = keys.SigningKey("another-kid", made.private_key, made.public_jwk)
    with pytest.raises(keys.KeyClosedError, match="holds another key"):
        keys.open_up("another-kid", keys.close_up(other, "secret"), "secret")


def aged(**ages: float) -> list[StoredKey]:
    return [StoredKey(kid, b"", {}, age) for kid, age in ages.items()]


ROTATION = Rotation(every_s=1000, announced_s=100, token_ttl_s=50)


@pytest.mark.parametrize(
    ("ages", "signing", "due", "over"),
    [
        ({"first": 0}, "first", False, []),  # nobody to wait for
        ({"first": 999}, "first", False, []),
        ({"first": 1000}, "first", True, []),
        ({"new": 0, "old": 1000}, "old", False, []),  # announced, and not signing yet
        ({"new": 99, "old": 1099}, "old", False, []),
        ({"new": 100, "old": 1100}, "new", False, []),  # the old one's tokens still live
        ({"new": 210, "old": 1210}, "new", False, []),
        ({"new": 211, "old": 1211}, "new", False, ["old"]),
        ({"c": 50, "b": 1050, "a": 2050}, "b", False, ["a"]),
    ],
)
def test_a_key_is_announced_signs_and_stays_until_its_last_token_has_ended(
    ages, signing, due, over
):
    stored = aged(**ages)
    assert ROTATION.signing(stored).kid == signing
    assert ROTATION.is_due(stored) == due
    assert ROTATION.over(stored) == over
    assert ROTATION.signing(stored).kid not in ROTATION.over(stored)


def test_without_any_key_one_is_due():
    assert ROTATION.is_due([])


def test_two_keys_are_two_names():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert keys.named(private).kid == keys.named(private).kid != keys.generate().kid


@pytest.fixture
def passwords():
    made = Passwords(cost=4, workers=1)
    yield made
    made.close()


async def test_a_hash_is_bcrypt_at_the_cost_that_was_asked_for(passwords):
    hashed = await passwords.hash("correct horse", source="a")
    assert hashed.startswith("$2b$04$")
    assert await passwords.matches("correct horse", hashed, source="a")
    assert not await passwords.matches("wrong horse", hashed, source="a")
    assert not passwords.outdated(hashed)
    assert passwords.outdated(hashed.replace("$04$", "$12$"))


async def test_what_bcrypt_cannot_take_is_wrong_and_no_error(passwords):
    hashed = await passwords.hash("correct horse", source="a")
    for text in ("x" * 100, "a\x00b", "\ud800", ""):
        assert not await passwords.matches(text, hashed, source="a")


async def test_nobodys_hash_costs_as_much_and_matches_nothing(passwords):
    assert passwords.decoy_hash.startswith("$2b$04$")
    assert len(passwords.decoy_hash) == len(await passwords.hash("x", source="a"))
    assert not await passwords.matches(".", passwords.decoy_hash, source="a")
