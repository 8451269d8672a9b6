"""Identity's routes over ASGI in process."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import bcrypt
import jwt
import pytest

from tarmac_identity import domain
from tarmac_identity.app import PART
from tarmac_identity.ring import KeyRing
from tarmac_kit import SettingsError, create_app
from tarmac_kit_testing import FakeDatabase, forge_token

#: As a trusted proxy says it.
FROM_AFAR = {"x-forwarded-for": "6.6.6.6, 203.0.113.9"}
ADA = {"email": "Ada@Example.com", "password": "correct horse battery", "name": " Ada "}


async def registered(shop):
    response = await shop.post("/users/register", json=ADA)
    assert response.status == 201
    return response.json()


async def logged_in(shop, email="ada@example.com", password=ADA["password"]):
    return await shop.post("/users/login", json={"email": email, "password": password})


async def test_registering_makes_an_account_without_showing_its_password(shop, store):
    made = await registered(shop)
    assert made["email"] == "ada@example.com"
    assert made["name"] == "Ada"
    assert made["roles"] == []
    assert "password" not in str(made)
    [hashed] = [kept for user, kept in store.users.values() if user.email == made["email"]]
    assert hashed.startswith("$2b$04$")
    assert bcrypt.checkpw(ADA["password"].encode(), hashed.encode())


async def test_an_address_that_differs_in_case_only_is_taken(shop, outbox):
    await registered(shop)
    response = await shop.post("/users/register", json={**ADA, "email": "ADA@example.com"})
    assert (response.status, response.json()["code"]) == (409, "email_taken")
    assert len(outbox.added) == 1


async def test_a_new_account_is_published_and_the_administrators_is_not(shop, outbox):
    assert outbox.added == []
    made = await registered(shop)
    (event,) = outbox.added
    assert (event.topic, event.aggregate_id) == ("user.registered", made["id"])
    assert event.payload == {
        "user_id": made["id"],
        "email": "ada@example.com",
        "registered_at": made["created_at"],
    }


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"email": "nonsense"}, "email", "is no e-mail address"),
        ({"password": "short"}, "password", "at least 10 characters"),
        ({"password": "ä" * 40}, "password", "at most 72 bytes"),
        ({"name": "  "}, "name", "must not be empty"),
        ({"name": "a\nb"}, "name", "control characters"),
        ({"name": None}, "name", "string"),
        ({"roles": ["staff"]}, "roles", "Extra inputs"),
    ],
)
async def test_a_body_that_breaks_the_schema_is_422_and_names_the_field(shop, change, where, words):
    response = await shop.post("/users/register", json={**ADA, **change})
    assert response.status == 422
    [error] = response.json()["errors"]
    assert error["loc"][-1] == where
    assert words in error["msg"]
    assert change.get("password", "other") not in str(response.json())


async def test_a_body_that_is_no_json_is_400(shop):
    response = await shop.post(
        "/users/register", content=b"{", headers={"content-type": "application/json"}
    )
    assert (response.status, response.json()["code"]) == (400, "malformed_body")


async def test_a_login_gives_a_token_that_says_who_it_is(shop):
    made = await registered(shop)
    response = await logged_in(shop, "ADA@example.com")
    tokens = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    head = jwt.get_unverified_header(tokens["access_token"])
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    [key] = (await shop.get("/.well-known/jwks.json")).json()["keys"]
    assert (head["alg"], head["kid"]) == ("RS256", key["kid"])
    assert claims["sub"] == made["id"]
    assert claims["email"] == "ada@example.com"
    assert claims["roles"] == []
    assert claims["iss"] == "https://shop.test"
    assert claims["aud"] == "shop"
    assert claims["exp"] - claims["iat"] == 900
    assert claims["nbf"] <= claims["iat"]
    assert claims["jti"]
    jwt.decode(tokens["access_token"], jwt.PyJWK(key).key, algorithms=["RS256"], audience="shop")


async def test_unknown_and_wrong_are_answered_alike_at_the_same_cost(shop, monkeypatch):
    await registered(shop)
    checked = []
    real = bcrypt.checkpw

    def watched(password, hashed):
        checked.append(hashed[:7])
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", watched)
    answers = [
        await logged_in(shop, "nobody@example.com"),
        await logged_in(shop, "no address at all"),
        await logged_in(shop, password="wrong"),
        await logged_in(shop, password="x" * 200),
    ]
    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert {answer.status for answer in answers} == {401}
    assert all(body == bodies[0] for body in bodies)
    # One check at the same cost each, whatever the reason.
    assert checked == [b"$2b$04$"] * len(answers)


async def test_a_delayed_login_is_answered_alike_for_any_account_and_hashes_nothing(
    shop, monkeypatch
):
    await registered(shop)
    emails = ("ada@example.com", "nobody@example.com", "no address at all")
    for email in emails:
        for _ in range(3):
            assert (await logged_in(shop, email, "wrong")).status == 401
    checked = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda *given: checked.append(given))
    answers = [await logged_in(shop, email) for email in emails]
    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert {answer.status for answer in answers} == {429}
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "login_delayed"
    assert [answer.headers["retry-after"] for answer in answers] == ["2"] * 3
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert checked == []


async def test_a_delay_grows_ends_by_itself_and_a_login_clears_it(shop, store):
    await registered(shop)
    for _ in range(3):
        await logged_in(shop, password="wrong")
    delays = []
    for _ in range(10):
        delayed = await logged_in(shop)
        delays.append(int(delayed.headers["retry-after"]))
        store.now += timedelta(seconds=delays[-1])
        assert (await logged_in(shop, password="wrong")).status == 401
    assert delays == sorted(delays)
    assert (delays[:4], delays[-1]) == ([2, 4, 8, 16], 300)
    store.now += timedelta(seconds=300)
    assert (await logged_in(shop)).status == 200
    assert [source for _, source in store.failed] == [""]


async def test_of_many_guesses_at_once_only_the_first_few_count_and_none_succeeds(
    shop, store, monkeypatch
):
    """The right password is checked with the others, and found when the first few have failed."""
    await registered(shop)
    passwords = shop.app.api.state.identity._passwords
    matches = passwords.matches

    async def after_the_first_failures(password, hashed, *, source):
        right = await matches(password, hashed, source=source)
        while right and store.failed.get(("ada@example.com", "address:127.0.0.1"), (0,))[0] < 3:  # noqa: ASYNC110 - until they have failed
            await asyncio.sleep(0)
        return right

    monkeypatch.setattr(passwords, "matches", after_the_first_failures)
    guesses = [logged_in(shop, password="wrong") for _ in range(6)]
    answers = await asyncio.gather(*guesses, logged_in(shop))
    assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 4
    assert answers[-1].status == 429


async def test_a_known_device_is_let_in_whatever_others_try(shop, store):
    await registered(shop)
    device = (await logged_in(shop)).json()["device_token"]
    other = {"email": "eve@example.com", "password": "another good one", "name": "Eve"}
    await shop.post("/users/register", json=other, headers=FROM_AFAR)
    while (await logged_in(shop, password="wrong")).status != 429:
        pass
    assert (await logged_in(shop)).status == 429
    body = {"email": "ada@example.com", "password": ADA["password"]}
    for _ in range(40):  # until the rate of this address is used up
        last = await logged_in(shop, password="wrong")
    assert last.json()["code"] == "rate_limited"
    assert (await shop.post("/users/login", json=body)).status == 429
    again = await shop.post("/users/login", json={**body, "device_token": device})
    assert again.status == 200
    # It is known to the accounts that have logged in there, and to no other.
    foreign = {"email": "eve@example.com", "password": "another good one", "device_token": device}
    assert (await shop.post("/users/login", json=foreign)).status == 429


async def test_registrations_have_the_rate_of_their_address(shop):
    """Behind a trusted proxy it is the user's address that counts."""
    answers = [
        await shop.post("/users/register", json={**ADA, "email": f"a{n}@example.com"})
        for n in range(31)
    ]
    assert [answer.status for answer in answers] == [201] * 30 + [429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["retry-after"]) >= 1
    elsewhere = await shop.post("/users/register", json=ADA, headers=FROM_AFAR)
    assert elsewhere.status == 201


async def test_an_old_hash_is_made_again_at_todays_cost(shop, store):
    await registered(shop)
    [(user, _)] = [kept for kept in store.users.values() if kept[0].email == "ada@example.com"]
    old = bcrypt.hashpw(ADA["password"].encode(), bcrypt.gensalt(5)).decode()
    store.users[user.id] = (user, old)
    assert (await logged_in(shop)).status == 200
    assert store.users[user.id][1].startswith("$2b$04$")
    assert (await logged_in(shop)).status == 200


async def test_the_loop_is_free_while_a_password_is_hashed(shop, monkeypatch):
    entered, leave = threading.Event(), threading.Event()
    real = bcrypt.hashpw

    def slow(password, salt):
        entered.set()
        assert leave.wait(5)
        return real(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", slow)
    registering = asyncio.create_task(shop.post("/users/register", json=ADA))
    await asyncio.to_thread(entered.wait, 5)
    assert (await shop.get("/health")).status == 200
    assert not registering.done()
    leave.set()
    assert (await registering).status == 201


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(shop):
    await registered(shop)
    first = (await logged_in(shop)).json()["refresh_token"]
    other = (await logged_in(shop)).json()["refresh_token"]
    second = (await shop.post("/users/refresh", json={"refresh_token": first})).json()
    assert second["refresh_token"] != first
    again = await shop.post("/users/refresh", json={"refresh_token": first})
    assert (again.status, again.json()["code"]) == (401, "invalid_refresh_token")
    ended = await shop.post("/users/refresh", json={"refresh_token": second["refresh_token"]})
    assert ended.status == 401
    # Another login of the same user goes on.
    assert (await shop.post("/users/refresh", json={"refresh_token": other})).status == 200


async def test_refresh_tokens_are_stored_as_hashes_only(shop, store):
    await registered(shop)
    token = (await logged_in(shop)).json()["refresh_token"]
    assert list(store.tokens) == [domain.token_hash(token)]
    assert token not in str(store.tokens)


async def test_an_expired_or_unknown_refresh_token_is_401(shop, store):
    await registered(shop)
    token = (await logged_in(shop)).json()["refresh_token"]
    [(token_hash, kept)] = store.tokens.items()
    store.tokens[token_hash] = replace(kept, expires_at=store.now - timedelta(seconds=1))
    for wrong in (token, "unknown", ""):
        response = await shop.post("/users/refresh", json={"refresh_token": wrong})
        assert response.status == 401
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_after_logout_the_refresh_token_is_worth_nothing(shop):
    await registered(shop)
    token = (await logged_in(shop)).json()["refresh_token"]
    assert (await shop.post("/users/logout", json={"refresh_token": token})).status == 204
    assert (await shop.post("/users/refresh", json={"refresh_token": token})).status == 401
    assert (await shop.post("/users/logout", json={"refresh_token": "unknown"})).status == 204


async def test_the_repeated_read_of_a_profile_is_a_hit_until_it_changes(shop, store, cache):
    await registered(shop)
    token = (await logged_in(shop)).json()["access_token"]
    first = await shop.get("/users/me", token=token)
    reads = store.reads
    second = await shop.get("/users/me", token=token)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.json() == second.json()
    assert store.reads == reads
    changed = await shop.patch("/users/me", json={"name": "Countess"}, token=token)
    assert changed.json()["name"] == "Countess"
    assert not [key for key in cache.values if key.startswith("user:")]
    third = await shop.get("/users/me", token=token)
    assert (third.headers["x-cache"], third.json()["name"]) == ("miss", "Countess")


async def test_profiles_are_read_without_a_cache(shop):
    await registered(shop)
    token = (await logged_in(shop)).json()["access_token"]
    shop.app.api.state.identity._cache = None
    assert (await shop.get("/users/me", token=token)).headers["x-cache"] == "miss"
    assert (await shop.patch("/users/me", json={"name": "A"}, token=token)).status == 200


async def test_a_profile_wants_a_token_of_this_issuer(shop):
    await registered(shop)
    assert (await shop.get("/users/me")).status == 401
    assert (await shop.get("/users/me", token="garbage")).status == 401
    assert (await shop.get("/users/me", token=forge_token())).status == 401


async def test_a_user_that_is_gone_is_404(shop, store):
    await registered(shop)
    token = (await logged_in(shop)).json()["access_token"]
    store.users.clear()
    assert (await shop.get("/users/me", token=token)).status == 404
    assert (await shop.patch("/users/me", json={"name": "A"}, token=token)).status == 404
    identity = shop.app.api.state.identity
    odd = identity.ring.issuer.issue("no-uuid")
    assert (await shop.get("/users/me", token=odd)).status == 404


async def test_the_administrator_is_there_and_is_staff(shop):
    tokens = (await logged_in(shop, "admin@example.com", "administrator's own")).json()
    profile = (await shop.get("/users/me", token=tokens["access_token"])).json()
    assert profile["roles"] == ["staff"]
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["roles"] == ["staff"]


async def test_a_second_start_keeps_key_and_administrator(shop, store):
    before = (list(store.keys), dict(store.users))
    await shop.app.api.state.identity.prepare()
    assert (store.keys, store.users) == before
    assert store.locks == 1


async def test_the_key_changes_by_itself_and_no_token_ends_by_it(shop, store):
    await registered(shop)
    ring = shop.app.api.state.identity.ring
    first = ring.issuer.kid
    early = (await logged_in(shop)).json()["access_token"]
    store.grow_older(30 * 86_400)
    await ring.turn()
    assert (len(ring.key_set["keys"]), ring.issuer.kid) == (2, first)  # announced
    store.grow_older(600)
    await ring.turn()
    second = ring.issuer.kid
    assert second != first
    late = (await logged_in(shop)).json()["access_token"]
    for token in (early, late):
        assert (await shop.get("/users/me", token=token)).status == 200
    store.grow_older(900 + 61)
    await ring.turn()
    published = (await shop.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == [second]


async def test_staff_changes_the_key_and_after_a_leak_the_old_one_is_withdrawn(shop, store):
    await registered(shop)
    token = (await logged_in(shop)).json()["access_token"]
    assert (await shop.post("/users/signing-keys", json={})).status == 401
    assert (await shop.post("/users/signing-keys", json={}, token=token)).status == 403
    staff = (await logged_in(shop, "admin@example.com", "administrator's own")).json()
    staff = staff["access_token"]
    [first] = [key.kid for key in store.keys]
    announced = await shop.post("/users/signing-keys", json={}, token=staff)
    assert (announced.status, len(announced.json()["keys"])) == (201, 2)
    body = {"withdraw": True}
    withdrawn = await shop.post("/users/signing-keys", json=body, token=staff)
    [left] = [key["kid"] for key in withdrawn.json()["keys"]]
    assert left not in {first, *(key["kid"] for key in announced.json()["keys"])}
    again = (await logged_in(shop)).json()["access_token"]
    assert jwt.get_unverified_header(again)["kid"] == left


async def test_a_turn_that_read_before_a_withdrawal_does_not_bring_the_old_key_back(
    shop, store, monkeypatch
):
    ring = shop.app.api.state.identity.ring
    read = store.signing_keys

    async def slowly(conn):
        found = await read(conn)
        await asyncio.sleep(0.02)
        return found

    monkeypatch.setattr(store, "signing_keys", slowly)
    await asyncio.gather(ring.turn(), ring.turn(now=True, withdraw=True), ring.turn())
    assert [key["kid"] for key in ring.key_set["keys"]] == [key.kid for key in store.keys]
    assert ring.issuer.kid == store.keys[0].kid


async def test_another_replica_reads_the_key_that_this_one_made(shop, store):
    here = shop.app.api.state.identity.ring
    there = KeyRing(FakeDatabase(), shop.app.api.state.identity._settings)
    await there.turn()
    assert there.issuer.kid == here.issuer.kid
    store.grow_older(30 * 86_400)
    await there.turn()
    await here.turn()
    assert sorted(map(str, here.key_set["keys"])) == sorted(map(str, there.key_set["keys"]))
    assert len(store.keys) == 2


async def test_the_stored_key_does_not_show_its_private_half(shop, store):
    [key] = store.keys
    assert "d" not in key.public_jwk
    assert b"PRIVATE" not in key.private_key
    answer = await shop.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert set(answer.json()["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}


async def test_the_document_shows_every_route_with_examples(shop):
    document = (await shop.get("/openapi.json")).json()
    assert {"/users/register", "/users/login", "/users/refresh", "/users/me"} <= set(
        document["paths"]
    )
    body = document["components"]["schemas"]["Registration"]
    assert body["properties"]["password"]["minLength"] == 10


async def test_without_its_key_identity_says_that_it_is_starting(shop):
    await registered(shop)
    shop.app.api.state.identity.ring.issuer = None
    assert (await logged_in(shop)).status == 503


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "KEY_ENCRYPTION_SECRET is not set"),
        ({}, "DATABASE_URL is not set"),
        ({"ADMIN_PASSWORD": "short"}, "ADMIN_PASSWORD is wrong"),
        ({"ADMIN_EMAIL": "nonsense"}, "ADMIN_EMAIL is wrong"),
        ({"BCRYPT_COST": "3"}, "BCRYPT_COST is wrong"),
        ({"TRUSTED_PROXIES": "x"}, "TRUSTED_PROXIES is wrong"),
    ],
)
def test_a_missing_or_wrong_variable_is_named(environ, words):
    with pytest.raises(SettingsError) as caught:
        create_app([PART], environ)
    assert words in str(caught.value)
    assert "short" not in str(caught.value)
