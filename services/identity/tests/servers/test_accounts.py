"""Identity on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from identified import environ

from tarmac_identity import repository
from tarmac_identity.app import PART
from tarmac_identity.domain import token_hash
from tarmac_kit import create_app
from tarmac_kit_testing import running

pytestmark = pytest.mark.servers

ADA = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}


def account_environ(url: str, **changes: str) -> dict[str, str]:
    few = {"BCRYPT_COST": "4", "LOGIN_MAX_FAILURES": "3", "LOGIN_DELAY_S": "0.3"}
    return environ(url, **{**few, **changes})


async def test_the_whole_life_of_an_account(database_url):
    async with running(create_app([PART], account_environ(database_url))) as shop:
        assert (await shop.post("/users/register", json=ADA)).status == 201
        assert (await shop.post("/users/register", json=ADA)).status == 409
        tokens = (await shop.post("/users/login", json={**_login()})).json()
        me = await shop.get("/users/me", token=tokens["access_token"])
        assert me.json()["email"] == "ada@example.com"
        renamed = await shop.patch(
            "/users/me", json={"name": "Countess"}, token=tokens["access_token"]
        )
        assert renamed.json()["name"] == "Countess"
        refreshed = await shop.post(
            "/users/refresh", json={"refresh_token": tokens["refresh_token"]}
        )
        assert refreshed.status == 200
        await shop.post("/users/logout", json={"refresh_token": refreshed.json()["refresh_token"]})
        ready = await shop.get("/health/ready")
        assert ready.status == 200
    conn = await asyncpg.connect(database_url)
    stored = await conn.fetchval("select password_hash from users where email = $1", ADA["email"])
    assert stored.startswith("$2b$04$")
    live = await conn.fetchval("select count(*) from refresh_tokens where revoked_at is null")
    assert live == 0
    await conn.close()


def _login(**changes: str) -> dict[str, str]:
    return {"email": ADA["email"], "password": ADA["password"], **changes}


async def test_two_replicas_that_start_together_agree_on_one_key(database_url):
    apps = [create_app([PART], account_environ(database_url)) for _ in range(2)]
    async with running(apps[0]) as first, running(apps[1]) as second:
        sets = [(await one.get("/.well-known/jwks.json")).json() for one in (first, second)]
        assert sets[0] == sets[1]
        assert len(sets[0]["keys"]) == 1
        # A token of one is good at the other.
        await first.post("/users/register", json=ADA)
        tokens = (await first.post("/users/login", json=_login())).json()
        assert (await second.get("/users/me", token=tokens["access_token"])).status == 200
    # And both made the administrator once.
    conn = await asyncpg.connect(database_url)
    assert await conn.fetchval("select count(*) from users where 'staff' = any(roles)") == 1
    await conn.close()


async def test_a_key_that_another_secret_closed_ends_the_start(database_url, capsys):
    async with running(create_app([PART], account_environ(database_url))):
        pass
    other = create_app(
        [PART], account_environ(database_url, KEY_ENCRYPTION_SECRET="another secret of length")
    )
    failed = asyncio.Event()
    other.chassis.on_failure = failed.set
    await other.chassis.start()
    await asyncio.wait_for(failed.wait(), 60)
    await other.chassis.stop()
    errors = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in errors if line["level"] == "critical"]
    assert "cannot be opened with this KEY_ENCRYPTION_SECRET" in line["error"]


async def test_failures_delay_a_source_for_a_while_and_not_a_known_device(database_url):
    async with running(create_app([PART], account_environ(database_url))) as shop:
        await shop.post("/users/register", json=ADA)
        device = (await shop.post("/users/login", json=_login())).json()["device_token"]
        for _ in range(3):
            await shop.post("/users/login", json=_login(password="wrong"))
        assert (await shop.post("/users/login", json=_login())).status == 429
        known = await shop.post("/users/login", json=_login(device_token=device))
        assert known.status == 200
        await asyncio.sleep(0.35)  # the delay itself
        assert (await shop.post("/users/login", json=_login())).status == 200


async def test_of_guesses_at_once_by_two_replicas_only_the_first_few_count(database_url):
    apps = [create_app([PART], account_environ(database_url, LOGIN_DELAY_S="60")) for _ in range(2)]
    async with running(apps[0]) as one, running(apps[1]) as two:
        await one.post("/users/register", json=ADA)
        answers = await asyncio.gather(
            *(
                replica.post("/users/login", json=_login(password="wrong"))
                for _ in range(6)
                for replica in (one, two)
            )
        )
        assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 9


async def test_a_refresh_token_that_is_used_twice_at_once_works_at_most_once(database_url):
    async with running(create_app([PART], account_environ(database_url))) as shop:
        await shop.post("/users/register", json=ADA)
        token = (await shop.post("/users/login", json=_login())).json()["refresh_token"]
        answers = await asyncio.gather(
            *(shop.post("/users/refresh", json={"refresh_token": token}) for _ in range(5))
        )
        good = [answer for answer in answers if answer.status == 200]
        assert len(good) == 1
        after = await shop.post(
            "/users/refresh", json={"refresh_token": good[0].json()["refresh_token"]}
        )
        assert after.status == 401


async def test_one_address_registered_ten_times_at_once_is_one_account(database_url):
    async with running(create_app([PART], account_environ(database_url))) as shop:
        answers = await asyncio.gather(*(shop.post("/users/register", json=ADA) for _ in range(10)))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 9


async def test_failures_are_kept_by_source_and_pruned_when_none_is_left(database_url):
    async with running(create_app([PART], account_environ(database_url))) as shop:
        identity = shop.app.api.state.identity
        conn = await asyncpg.connect(database_url)
        try:
            sources = ["", "address:192.0.2.1"]
            assert await repository.failures(conn, "a@b.c", sources) == {}
            await repository.begin_failures(conn, "a@b.c", sources)
            await repository.set_failures(conn, "a@b.c", sources[1], 2.5)
            await repository.begin_failures(conn, "a@b.c", sources)  # changes nothing
            found = await repository.failures(conn, "a@b.c", sources, lock=True)
            assert {name: row.level for name, row in found.items()} == {"": 0, sources[1]: 2.5}
            assert 0 <= found[sources[1]].age_s < 60
            await repository.forget_failures(conn, "a@b.c", "")
            assert list(await repository.failures(conn, "a@b.c", sources)) == [sources[1]]

            await conn.execute("update login_failures set failed_at = now() - interval '1 day'")
            made = await shop.post("/users/register", json=ADA)
            await repository.add_refresh_token(
                conn,
                token_hash=token_hash("old"),
                family=uuid4(),
                user_id=made.json()["id"],
                expires_at=datetime.now(UTC) - timedelta(days=2),
            )
            assert await identity.prune() == 2
            found = await repository.credentials(conn, ADA["email"])
            assert found is not None
            await repository.set_password_hash(
                conn, found.id, old=found.password_hash, new="$2b$new"
            )
            again = await repository.credentials(conn, ADA["email"])
            assert again is not None
            assert again.password_hash == "$2b$new"
        finally:
            await conn.close()


async def test_reuse_ends_what_is_being_issued_at_the_same_moment_too(database_url):
    """A refresh in flight must not slip past the end of its family."""
    async with running(create_app([PART], account_environ(database_url))) as shop:
        await shop.post("/users/register", json=ADA)
        first = (await shop.post("/users/login", json=_login())).json()["refresh_token"]
        body = {"refresh_token": first}
        second = (await shop.post("/users/refresh", json=body)).json()["refresh_token"]
        conn = await asyncpg.connect(database_url)
        try:
            # The honest refresh holds its family's lock until it commits; the reuse waits for it.
            for _ in range(10):
                answers = await asyncio.gather(
                    shop.post("/users/refresh", json={"refresh_token": second}),
                    shop.post("/users/refresh", json=body),
                )
                assert answers[1].status == 401
                usable = await conn.fetchval(
                    "select count(*) from refresh_tokens where used_at is null "
                    "and revoked_at is null"
                )
                assert usable == 0
                first = (await shop.post("/users/login", json=_login())).json()["refresh_token"]
                body = {"refresh_token": first}
                second = (await shop.post("/users/refresh", json=body)).json()["refresh_token"]
        finally:
            await conn.close()


async def test_keys_change_in_the_database_and_every_replica_signs_with_the_new_one(database_url):
    fast = account_environ(
        database_url, KEY_ROTATION_S="0.2", KEY_ANNOUNCE_S="0", KEY_RELOAD_S="0.05"
    )
    apps = [create_app([PART], fast) for _ in range(2)]
    async with running(apps[0]) as one, running(apps[1]) as two:
        await one.post("/users/register", json=ADA)
        token = (await one.post("/users/login", json=_login())).json()["access_token"]
        kid = (await one.get("/.well-known/jwks.json")).json()["keys"][0]["kid"]
        async with asyncio.timeout(60):
            while True:
                rings = [app.api.state.identity.ring for app in apps]
                if all(ring.issuer.kid != kid for ring in rings):
                    break
                await asyncio.sleep(0.02)
        assert (await two.get("/users/me", token=token)).status == 200
