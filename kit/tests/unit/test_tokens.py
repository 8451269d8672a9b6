"""Tokens: what is accepted, and everything that is not."""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tarmac_kit import Problem, TokenIssuer, TokenVerifier
from tarmac_kit_testing import (
    AUDIENCE,
    ISSUER,
    FakeClock,
    forge_token,
    issue_token,
    issuer,
    signing_key,
    static_verifier,
)


async def refused(token: str, verifier: TokenVerifier | None = None) -> Problem:
    with pytest.raises(Problem) as raised:
        await (verifier or static_verifier()).verify(token)
    return raised.value


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_token_of_the_issuer_gives_its_claims() -> None:
    token = issue_token("u1", email="a@example.com", roles=["staff"], ttl_s=60)
    claims = await static_verifier().verify(token)
    assert (claims.subject, claims.email, claims.roles) == (
        "u1",
        "a@example.com",
        frozenset({"staff"}),
    )
    assert claims.token_id
    assert 0 < claims.expires_at - time.time() <= 60


def public_pem() -> bytes:
    return (
        signing_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def signed_with_the_public_key() -> str:
    """HS256 with the published key as secret: the classic confusion. PyJWT refuses to make it."""
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": now, "nbf": now, "exp": now + 60}
    head = segment({"alg": "HS256", "typ": "JWT", "kid": "test"})
    text = f"{head}.{segment(claims)}"
    mac = hmac.new(public_pem(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def unsigned() -> str:
    _, claims, _ = issue_token("u1").split(".")
    return f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': 'test'})}.{claims}."


def tampered() -> str:
    head, claims, signature = issue_token("u1").split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{head}.{segment({**changed, 'sub': 'admin'})}.{signature}"


NOW = int(time.time())
BAD = {
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "tampered claims": tampered,
    "wrong audience": lambda: forge_token(aud="other"),
    "wrong issuer": lambda: forge_token(iss="https://evil.test"),
    "expired": lambda: forge_token(exp=NOW - 60),
    "not yet valid": lambda: forge_token(nbf=NOW + 86_400),
    "unknown kid": lambda: forge_token(headers={"kid": "other"}),
    "no kid": lambda: forge_token(headers={"kid": None}),
    "another key": lambda: forge_token(
        key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ),
    "RS512": lambda: forge_token(algorithm="RS512"),
    "roles in roles": lambda: forge_token(roles=[["staff"]]),
    "a word for roles": lambda: forge_token(roles="staff"),
    "a subject without a letter": lambda: forge_token(sub=""),
    "no token at all": lambda: "nonsense",
    "empty": lambda: "",
    **{
        f"no {claim}": lambda claim=claim: forge_token(without=[claim])
        for claim in ("iss", "aud", "exp", "nbf", "iat", "sub")
    },
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
async def test_a_bad_token_is_401_with_a_challenge(make) -> None:
    problem = await refused(make())
    assert problem.status == 401
    assert problem.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_forged_token_without_a_fault_is_accepted() -> None:
    assert (await static_verifier().verify(forge_token())).subject == "someone"


async def test_a_clock_that_is_a_little_off_is_forgiven() -> None:
    now = int(time.time())
    await static_verifier().verify(forge_token(exp=now - 2))
    await static_verifier().verify(forge_token(nbf=now + 3, iat=now + 3))


class Keys:
    """An issuer's key endpoint."""

    def __init__(self) -> None:
        self.asked = 0
        self.issuers = [issuer()]
        self.away = False

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise ConnectionError("no answer")
        return {"keys": [key for made in self.issuers for key in made.jwks()["keys"]]}


def verifier_with(keys: Keys, clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock)


async def test_unknown_kids_fetch_the_keys_at_most_once_per_ten_seconds() -> None:
    keys, clock = Keys(), FakeClock()
    verifier = verifier_with(keys, clock)
    for _ in range(50):
        await refused(forge_token(headers={"kid": "other"}), verifier)
    assert keys.asked == 1
    clock.advance(10)
    for _ in range(50):
        await refused(forge_token(headers={"kid": "other"}), verifier)
    assert keys.asked == 2


async def test_a_new_key_is_found_and_a_withdrawn_one_ends() -> None:
    keys, clock = Keys(), FakeClock()
    verifier = verifier_with(keys, clock)
    await verifier.verify(issue_token("u"))
    fresh = TokenIssuer(signing_key(), kid="fresh", issuer=ISSUER, audience=AUDIENCE)
    keys.issuers = [fresh]
    clock.advance(11)
    assert (await verifier.verify(fresh.issue("u"))).subject == "u"
    assert (await refused(issue_token("u"), verifier)).status == 401


async def test_known_keys_are_used_while_the_issuer_is_away() -> None:
    keys, clock = Keys(), FakeClock()
    verifier = verifier_with(keys, clock)
    await verifier.verify(issue_token("u"))
    keys.away = True
    clock.advance(3600)
    assert (await verifier.verify(issue_token("u"))).subject == "u"


async def test_no_keys_at_all_is_503_and_requests_do_not_wait_one_by_one() -> None:
    keys, clock = Keys(), FakeClock()
    keys.away = True
    verifier = verifier_with(keys, clock)
    for _ in range(20):
        assert (await refused(issue_token("u"), verifier)).status == 503
    assert keys.asked == 1
    keys.away = False
    clock.advance(1)
    assert (await verifier.verify(issue_token("u"))).subject == "u"


async def test_a_token_that_comes_again_expires_all_the_same() -> None:
    now = FakeClock()
    now.advance(time.time() - now())
    verifier = TokenVerifier(Keys(), issuer=ISSUER, audience=AUDIENCE, now=now)
    token = forge_token(exp=int(time.time()) - 3)  # over, and within what is forgiven
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    now.advance(10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jwt.api_jwt.datetime", _Later)
        assert (await refused(token, verifier)).detail == "the token is expired"


class _Later:
    """What PyJWT asks for the time, ten seconds on."""

    @staticmethod
    def now(tz: Any) -> Any:
        return datetime.now(tz) + timedelta(seconds=10)


async def test_a_token_that_comes_again_is_refused_once_its_key_is_withdrawn() -> None:
    keys, clock = Keys(), FakeClock()
    verifier = verifier_with(keys, clock)
    token = issue_token("u1")
    await verifier.verify(token)
    keys.issuers = [TokenIssuer(signing_key(), kid="fresh", issuer=ISSUER, audience=AUDIENCE)]
    clock.advance(301)
    assert (await refused(token, verifier)).detail == "the token's key is not known"


async def test_a_token_that_is_cut_or_changed_is_not_the_one_that_was_verified() -> None:
    verifier = static_verifier()
    token = issue_token("u1")
    await verifier.verify(token)
    for other in (token[:-2], token + "x", token.replace(".", "..", 1)):
        assert (await refused(other, verifier)).status == 401


async def test_only_so_many_tokens_are_remembered_and_the_oldest_are_verified_anew() -> None:
    verifier = static_verifier()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tarmac_kit.tokens.REMEMBERED", 2)
        tokens = [issue_token(f"u{number}") for number in range(3)]
        first, second, third = [await verifier.verify(token) for token in tokens]
        assert await verifier.verify(tokens[2]) is third
        assert await verifier.verify(tokens[1]) is second
        assert await verifier.verify(tokens[0]) is not first


async def test_a_token_that_a_test_module_makes_at_its_import_outlives_a_long_suite() -> None:
    claims = await static_verifier().verify(issue_token("u1"))
    assert claims.expires_at - time.time() > 3600
