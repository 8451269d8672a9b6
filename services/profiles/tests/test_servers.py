"""Profiles as a process on real documents: routes, tokens, and an order-service that goes away."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import jwt
import pytest

from tarmac_kit_testing import issue_token
from tarmac_profiles.app import PART

pytestmark = pytest.mark.servers

ADA = {"email": "Ada@Example.com", "name": " Ada ", "city": "Ghent", "attributes": {"a": [1]}}


@pytest.fixture
async def api(start, environ):
    return await start(PART, **environ)


@pytest.fixture
async def staff(api, environ) -> str:
    """Give the administrator's token."""
    body = {"email": "admin@example.com", "key": environ["ADMIN_KEY"]}
    answer = await api.post("/users/token", json=body)
    return answer.json()["access_token"]


async def test_the_journey_of_a_user_through_the_routes(api, look, order_service, an_order) -> None:
    made = await api.post("/users", json=ADA)
    assert made.status == 201
    user = made.json()
    assert made.headers["location"] == f"/users/{user['id']}"
    assert made.headers["cache-control"] == "no-store"
    assert (user["email"], user["name"], user["version"]) == ("ada@example.com", "Ada", 1)
    token, path = user["access_token"], f"/users/{user['id']}"
    shown = (await api.get(path, token=token)).json()
    assert shown == {name: user[name] for name in shown}
    assert "key" not in shown
    assert "key_hash" not in shown
    async with look() as connection:
        document = await connection.fetchrow(
            "SELECT body->>'name' AS name, version FROM users WHERE id = $1", user["id"]
        )
    assert tuple(document) == ("Ada", 1)

    change = {**ADA, "city": "Bruges", "version": 1}
    changed = await api.put(path, json=change, token=token)
    assert (changed.status, changed.json()["version"], changed.json()["city"]) == (200, 2, "Bruges")
    stale = await api.put(path, json=change, token=token)
    assert (stale.status, stale.json()["code"], stale.json()["version"]) == (
        409,
        "version_conflict",
        2,
    )
    for name in ADA:  # left out it would be wiped
        short = {key: value for key, value in {**change, "version": 2}.items() if key != name}
        assert (await api.put(path, json=short, token=token)).status == 422
    emptied = {**change, "city": None, "attributes": {}, "version": 2}
    kept = (await api.get(path, token=token)).json()
    assert (kept["version"], kept["attributes"]) == (2, {"a": [1]})
    told = (await api.put(path, json=emptied, token=token)).json()
    assert (told["city"], told["attributes"]) == (None, {})
    twice = await api.post("/users", json=ADA)
    assert (twice.status, twice.json()["code"]) == (409, "email_taken")

    order_service.answers(200, {"items": [an_order], "next_cursor": None})
    orders = await api.get(f"{path}/orders", token=token)
    assert orders.status == 200
    assert [order["total_minor"] for order in orders.json()["items"]] == [900]
    assert order_service.asked[-1][1]["Authorization"] == f"Bearer {token}"


async def test_a_key_gives_a_token_that_everybody_can_verify(api, environ) -> None:
    user = (await api.post("/users", json=ADA)).json()
    answer = await api.post("/users/token", json={"email": ADA["email"], "key": user["key"]})
    assert (answer.status, answer.json()["expires_in"]) == (200, 900)
    published = (await api.get("/.well-known/jwks.json")).json()
    key = jwt.PyJWKSet.from_dict(published).keys[0]
    claims = jwt.decode(
        answer.json()["access_token"],
        key,
        algorithms=["RS256"],
        issuer=environ["JWT_ISSUER"],
        audience=environ["JWT_AUDIENCE"],
    )
    assert (claims["sub"], claims["email"]) == (user["id"], "ada@example.com")
    renewed = await api.put(f"/users/{user['id']}/key", token=user["access_token"])
    assert renewed.json()["key"] != user["key"]
    old = await api.post("/users/token", json={"email": ADA["email"], "key": user["key"]})
    assert (old.status, old.headers["www-authenticate"]) == (401, "Bearer")


async def test_nobody_gets_in_without_a_token_that_is_ours(api, staff) -> None:
    user = (await api.post("/users", json=ADA)).json()
    path = f"/users/{user['id']}"
    for token in (None, "a.b.c", issue_token(user["id"])):
        for method, asked in (("GET", path), ("GET", "/users"), ("GET", f"{path}/orders")):
            answer = await api.request(method, asked, token=token)
            assert answer.status == 401, (token, asked)
    other = (await api.post("/users", json={**ADA, "email": "bob@example.com"})).json()
    assert (await api.get(path, token=other["access_token"])).status == 404
    assert (await api.get("/users", token=other["access_token"])).status == 403
    listed = (await api.get("/users?city=Ghent", token=staff)).json()
    assert [user["email"] for user in listed["items"]] == ["bob@example.com", "ada@example.com"]


async def test_an_order_service_that_hangs_or_is_gone_is_a_503_within_its_timeout(
    api, order_service
) -> None:
    user = (await api.post("/users", json=ADA)).json()
    token, path = user["access_token"], f"/users/{user['id']}"
    order_service.hangs = True
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    answer = await api.get(f"{path}/orders", token=token)
    assert loop.time() - began_at < 20
    assert (answer.status, answer.json()["code"]) == (503, "orders_unavailable")
    assert answer.json()["degraded"] == ["orders"]
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await api.get(path, token=token)).status == 200
    order_service.hangs = False
    order_service.answers(503, {})
    details = [(await api.get(f"{path}/orders", token=token)).json()["detail"] for _ in range(12)]
    assert "it answered 503" in details[0]
    assert "the circuit is open" in details[-1]  # the breaker leaves it alone
    assert (await api.get("/health/ready")).status == 200


@pytest.mark.parametrize(
    "broken",
    [
        {"email": "ada"},
        {"name": ""},
        {"name": "a\nb"},
        {"city": " "},
        {"attributes": []},
        {"attributes": {"a": "x" * 9000}},
        {"roles": ["staff"]},
        {"key": "mine"},
    ],
)
async def test_a_body_that_breaks_the_schema_is_422(api, staff, broken) -> None:
    answer = await api.post("/users", json={**ADA, **broken})
    assert (answer.status, answer.json()["code"]) == (422, "invalid_request")
    answer = await api.get(f"/users/{uuid4()}/orders?limit=0", token=staff)
    assert answer.status == 422


async def test_a_second_start_keeps_the_key_and_the_users(start, environ) -> None:
    first = await start(PART, **environ)
    user = (await first.post("/users", json=ADA)).json()
    second = await start(PART, **environ)
    answer = await second.get(f"/users/{user['id']}", token=user["access_token"])
    assert (answer.status, answer.json()["email"]) == (200, "ada@example.com")
