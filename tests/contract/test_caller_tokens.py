"""Caller tokens from the supervisor that signs them to the kit that presents and checks them."""

from __future__ import annotations

import json
from pathlib import Path

import jwt.api_jwt
import pytest

from tarmac.plan.plan import CallerEdge
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.caller_tokens import CallerTokens
from tarmac_kit import callers
from tarmac_kit.metrics import Metrics
from tarmac_kit.settings import load

ISSUER = "shop/default"
EDGE = CallerEdge("orders", "stock")
UNSAFE = {"method": "PUT", "path": "/reservations/1"}
LIFE_S, KEY_LIFE_S = 600.0, 3600.0


class Clock:
    """Tells the time to the signer and, behind by so much, to the callee."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0
        self.behind_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def of_callee(self) -> float:
        return self.now_s - self.behind_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock, which the library that checks expiry reads as well."""
    made = Clock()

    class Now(jwt.api_jwt.datetime):  # type: ignore[name-defined,misc]
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(made.of_callee(), tz)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Now)
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / ".tarmac" / "default")
    made.create()
    return made


def signer(home: Home, clock: Clock) -> CallerTokens:
    made = CallerTokens(home, life_s=LIFE_S, key_life_s=KEY_LIFE_S, now=clock)
    made.hand_out([EDGE], ISSUER)
    return made


def callee(home: Home, clock: Clock, service: str = "stock") -> callers.CallerCheck:
    environ = {
        "TARMAC_CALLER_JWKS_FILE": str(home.callers / "jwks.json"),
        "TARMAC_CALLER_ISSUER": ISSUER,
        "TARMAC_CALLERS": "orders",
    }
    said = load(callers.CallerSettings, environ, service=service)
    metrics = Metrics(service)
    return callers.CallerCheck(said, service=service, metrics=metrics, now=clock.of_callee)


def caller(home: Home):
    environ = {
        "TARMAC_CALLER_TOKEN_FILE": f"{home.callers}/orders/{{callee}}",
        "TARMAC_CALLEES": "stock=http://127.0.0.1:1",
    }
    return callers.CallerTokens(load(callers.CallerSettings, environ, service="orders")).for_url(
        "http://127.0.0.1:1"
    )


def status(check: callers.CallerCheck, token: str | None) -> int:
    refused = check.refusal(UNSAFE, None if token is None else token.encode())
    return 200 if refused is None else refused.status


@pytest.mark.parametrize("behind_s", [-20.0, 0.0, 20.0])
def test_no_call_fails_while_tokens_are_renewed_and_keys_rotate(home, clock, behind_s):
    clock.behind_s = behind_s
    issued, present, check = signer(home, clock), caller(home), callee(home, clock)
    lazy = callee(home, clock)  # one that is called once in a while, with the token of that time
    seen: dict[str, float] = {}
    kids: set[str] = set()
    for second in range(int(2.5 * KEY_LIFE_S)):
        clock.now_s += 1
        issued.renew()
        token = present()
        assert token is not None
        if token not in seen:
            seen[token] = clock.now_s
            published = json.loads((home.callers / "jwks.json").read_text())["keys"]
            kids |= {key["kid"] for key in published}
            assert all("d" not in key for key in published), "only what is public"
        assert status(check, token) == 200
        if second % 700 == 0:
            assert status(lazy, token) == 200
            # What was sent just before a renewal still counts.
            held = [t for t, since in seen.items() if clock.now_s - since < LIFE_S - 1]
            assert {status(callee(home, clock), t) for t in held} == {200}
    assert len(kids) == 3, "the key was rotated"
    assert len(seen) >= 2.5 * KEY_LIFE_S / LIFE_S, "the tokens were renewed"


def test_a_token_and_its_key_end(home, clock):
    issued, present = signer(home, clock), caller(home)
    old = present()
    kid = json.loads((home.callers / "jwks.json").read_text())["keys"][0]["kid"]
    clock.now_s += LIFE_S + 31
    check = callee(home, clock)
    assert status(check, old) == 401
    for _ in range(3):  # rotation, then the end of the old key
        clock.now_s += KEY_LIFE_S / 2
        issued.renew()
    published = json.loads((home.callers / "jwks.json").read_text())["keys"]
    assert kid not in {key["kid"] for key in published}
    assert status(check, present()) == 200


def test_a_key_that_is_withdrawn_ends_also_for_a_token_that_was_verified(home, clock):
    issued, present, check = signer(home, clock), caller(home), callee(home, clock)
    old = present()
    assert status(check, old) == 200
    issued.replace_key()
    new = present()
    assert new != old
    assert (status(check, old), status(check, new)) == (200, 200)
    issued.withdraw_keys()
    assert (status(check, old), status(check, new)) == (401, 200)
    assert status(callee(home, clock), old) == 401


def test_the_next_supervisor_goes_on_with_the_key_of_the_last(home, clock):
    signer(home, clock)
    held, check = caller(home)(), callee(home, clock)
    assert status(check, held) == 200
    clock.now_s += 5
    signer(home, clock)
    assert status(callee(home, clock), held) == 200, "what the last one signed still counts"
    assert status(check, caller(home)()) == 200


@pytest.mark.parametrize("left", [None, "", "{", "[1]", '[{"kid": "x"}]'])
def test_without_the_last_key_there_is_a_new_one_which_is_checked_at_once(home, clock, left):
    signer(home, clock)
    held, check = caller(home)(), callee(home, clock)
    if left is None:
        home.caller_keys.unlink()
    else:
        home.caller_keys.write_text(left)
    signer(home, clock)
    assert status(check, caller(home)()) == 200
    assert status(callee(home, clock), held) == 401


def test_a_token_is_of_one_caller_for_one_callee_in_one_copy_of_the_system(home, clock):
    issued = signer(home, clock)
    assert status(callee(home, clock), issued.issue("orders", "stock")) == 200
    assert status(callee(home, clock), issued.issue("mails", "stock")) == 403
    assert status(callee(home, clock), issued.issue("orders", "payments")) == 401
    assert status(callee(home, clock, "payments"), issued.issue("orders", "stock")) == 401
    issued.hand_out([EDGE], "shop/other")
    assert status(callee(home, clock), issued.issue("orders", "stock")) == 401
    assert status(callee(home, clock), None) == 401


def test_files_are_their_owners_alone_and_go_with_their_edges(home, clock):
    issued = signer(home, clock)
    issued.hand_out([EDGE, CallerEdge("orders", "mails"), CallerEdge("web", "orders")], ISSUER)
    private = [home.caller_keys, *(path for path in home.callers.rglob("*") if path.is_file())]
    assert len(private) == 5
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    folders = [home.callers, *(path for path in home.callers.iterdir() if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert "BEGIN PRIVATE KEY" in home.caller_keys.read_text()
    issued.hand_out([EDGE], ISSUER)
    left = sorted(str(path.relative_to(home.callers)) for path in home.callers.rglob("*"))
    assert left == ["jwks.json", "orders", "orders/stock"]


def test_a_clock_that_was_set_back_leaves_no_token_that_lives_for_long(home, clock):
    issued = signer(home, clock)
    clock.now_s -= 86_400
    issued.renew()
    assert status(callee(home, clock), caller(home)()) == 200
    clock.now_s += LIFE_S / 2 + 1
    before = caller(home)()
    issued.renew()
    assert caller(home)() != before
