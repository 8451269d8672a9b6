"""hello-dd as the crash tests host it, and what its buyers and staff do.

Used by tests/crash/test_hello_dd.py.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from crashed import Crashed

from tarmac_kit import Jobs, Sagas
from tarmac_kit_testing import Journey, World, issue_token

TROLLEY = "0de110dd-0000-4000-8000-000000000008"
ON_THE_SHELF = 12
BIN = "0de110dd-0000-4000-8000-000000000007"
HELLO = Crashed(
    "hello-dd",
    ["api-gateway", "inventory-service", "pricing-service"],
    env={
        "RESERVATION_SWEEP_S": "0.2",
        # The accounts of staff, which no journey asks for.
        "JWT_ISSUER": "https://issuer.test",
        "JWT_AUDIENCE": "tests",
        "KEY_ENCRYPTION_SECRET": "0" * 43,
        "ADMIN_PASSWORD": "a password of tests",
        "BCRYPT_COST": "4",
    },
    kinds={
        **dict.fromkeys(("purchases-ended", "sagas-ended", "price-lists-ended"), "lost"),
        **dict.fromkeys(("accepted-when-confirmed", "nothing-stays-reserved"), "lost"),
        **dict.fromkeys(("sold-when-confirmed", "stock-equals-ledger"), "doubled"),
        "stock-never-below-zero": "oversold",
    },
)


def short_leases() -> None:
    """Let work of a process that died be taken over at once, and not after seconds."""
    for made in (Sagas.__init__, Jobs.handle):
        defaults = made.__kwdefaults__
        assert "lease_s" in defaults
        defaults["lease_s"] = 0.5


async def buy(world: World, quantity: int) -> str:
    """Buy trolleys, insisting with one key; say how that ended."""
    answer = await world.insist(
        *("api-gateway", "POST", "/purchases"),
        json={"customer": "ann", "lines": [{"product_id": TROLLEY, "quantity": quantity}]},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert answer.status in (201, 202, 409), answer.body
    purchase_id = answer.json().get("id") or answer.json()["purchase_id"]
    purchase = await world.until(
        "api-gateway",
        f"/purchases/{purchase_id}",
        lambda shown: shown["saga"] in ("done", "compensated"),
    )
    code = (purchase["reason"] or "").partition(":")[0]
    return f"{purchase['state']} {code}".strip()


def bought(quantity: int) -> Any:
    async def run(world: World) -> str:
        return await buy(world, quantity)

    return run


def expect(wanted: str, *, sold: int) -> Any:
    """Say what is wrong where the purchase did not end so, or the shelf differs."""

    async def check(world: World, told: str) -> list[str]:
        wrong = [] if told == wanted else [f"wrong: the buyer was told {told!r}"]
        ends = await world.rows("gateway-db", "select state from purchases")
        if len(ends) != 1:
            wrong.append(f"{'doubled' if ends else 'lost'}: one purchase was made, found {ends}")
        shelf = await world.rows(
            "inventory-db",
            f"select on_hand, reserved from stock where product_id = '{TROLLEY}'",
        )
        if shelf != [(ON_THE_SHELF - sold, 0)]:
            wrong.append(f"oversold: {shelf} are on the shelf")
        return wrong

    return check


async def send_prices(world: World) -> str:
    """Send a price list and wait for its job."""
    listed = {"kind": "list", "product_id": BIN, "name": "Shelf bin", "currency": "EUR"}
    rules = [{**listed, "price_minor": 777}, {"kind": "tier", "tier": "x", "percent_off_bp": 100}]
    answer = await world.insist(
        *("pricing-service", "POST", "/price-lists"),
        json={"name": "autumn", "rules": rules},
        token=issue_token("sam", roles=["staff"]),
    )
    assert answer.status == 202, answer.body
    path = answer.headers["location"]
    job = await world.until(
        "pricing-service", path, lambda shown: shown["state"] in ("done", "parked")
    )
    return str(job["state"])


async def taken_over(world: World, told: str) -> list[str]:
    wrong = [] if told == "done" else [f"wrong: the job ended {told}"]
    query = f"select price_minor from price_rules where kind = 'list' and product_id = '{BIN}'"
    if (listed := await world.rows("pricing-db", query)) != [(777,)]:
        wrong.append(f"lost: the price is {listed}")
    return wrong


JOURNEYS = [
    Journey("buy", bought(5), expect("confirmed", sold=5)),
    Journey("out of stock", bought(ON_THE_SHELF + 1), expect("cancelled out_of_stock", sold=0)),
]
PRICES = Journey("price list", send_prices, taken_over)
