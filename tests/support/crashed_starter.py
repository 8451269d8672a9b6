"""The starter as the crash tests host it, and what its users do.

Used by tests/crash/test_starter.py. Its documents are in a PostgreSQL, which stands in for MongoDB.
"""

from __future__ import annotations

from crashed import Crashed

from tarmac_kit_testing import Journey, World, issue_token

ADMIN_EMAIL, ADMIN_KEY = "admin@example.com", "a" * 43
EMAIL = "ada@example.com"
CUP = "5eed0000-0000-4000-8000-000000001003"
#: What the seed holds.
SEEDED = 2
STARTER = Crashed(
    "starter",
    ["user-service", "order-service"],
    env={
        "JWT_ISSUER": "https://issuer.test",
        "JWT_AUDIENCE": "tests",
        "KEY_ENCRYPTION_SECRET": "0" * 43,
        "ADMIN_EMAIL": ADMIN_EMAIL,
        "ADMIN_KEY": ADMIN_KEY,
        "ORDER_STEP_AFTER_S": "0.2",
        "ORDER_SWEEP_S": "0.1",
    },
    kinds={
        "orders-end": "lost",
        "totals-are-sums": "lost",
        "history-leads-to-the-state": "lost",
    },
)


async def sign_up_and_move(world: World) -> str:
    """Become a user, whatever it takes, and move to another city; say how that went."""
    made = await world.insist("user-service", "POST", "/users", json={"email": EMAIL, "name": "A"})
    if made.status == 201:
        user = made.json()
        user_id, key = user["id"], user["key"]
    else:  # the first answer was lost, and the key with it: staff helps
        assert made.json()["code"] == "email_taken", made.body
        staff = await token(world, ADMIN_EMAIL, ADMIN_KEY)
        path = f"/users?email={EMAIL}"
        listed = await world.insist("user-service", "GET", path, token=staff)
        user_id = listed.json()["items"][0]["id"]
        path = f"/users/{user_id}/key"
        renewed = await world.insist("user-service", "PUT", path, token=staff)
        key = renewed.json()["key"]
    own = await token(world, EMAIL, key)
    shown = await world.insist("user-service", "GET", f"/users/{user_id}", token=own)
    changed = await world.insist(
        *("user-service", "PUT", f"/users/{user_id}"),
        json={
            **{name: shown.json()[name] for name in ("email", "name", "attributes", "version")},
            "city": "Bruges",
        },
        token=own,
    )
    # A change whose answer was lost is there: the repetition is told so.
    return "moved" if changed.status in (200, 409) else str(changed.body)


async def token(world: World, email: str, key: str) -> str:
    body = {"email": email, "key": key}
    answer = await world.insist("user-service", "POST", "/users/token", json=body)
    assert answer.status == 200, answer.body
    return str(answer.json()["access_token"])


async def one_user_who_moved(world: World, told: str) -> list[str]:
    wrong = [] if told == "moved" else [f"wrong: the user was told {told}"]
    query = f"select body ->> 'city' from users where body ->> 'email' = '{EMAIL}'"
    users = await world.rows("users-db", query)
    if len(users) != 1:
        wrong.append(f"{'doubled' if users else 'lost'}: one user was made, found {users}")
    elif users != [("Bruges",)]:
        wrong.append(f"lost: the user lives in {users}")
    made = await world.rows("users-db", "select count(*) from users")
    if made != [(len(users) + 1,)]:
        wrong.append(f"doubled: with the administrator there are {made}")
    return wrong


async def order(world: World) -> str:
    """Order two cups, insisting with one key; say how that ended."""
    item = {"product_id": CUP, "name": "Cup", "quantity": 2, "unit_price_minor": 450}
    answer = await world.insist(
        *("order-service", "POST", "/orders"),
        json={"items": [item], "currency": "EUR"},
        headers={"Idempotency-Key": "first"},
        token=issue_token("ada", email=EMAIL),
    )
    return str(answer.json().get("status"))


async def one_order(world: World, told: str) -> list[str]:
    wrong = [] if told == "confirmed" else [f"wrong: the user was told {told}"]
    query = f"select state, total_minor from orders order by created_at offset {SEEDED}"
    orders = await world.rows("orders-db", query)
    if len(orders) != 1:
        wrong.append(f"{'doubled' if orders else 'lost'}: one order was made, found {orders}")
    elif orders != [("confirmed", 900)]:
        wrong.append(f"wrong: the order is {orders}")
    return wrong


USER = Journey("sign up and move", sign_up_and_move, one_user_who_moved)
ORDER = Journey("order", order, one_order)
