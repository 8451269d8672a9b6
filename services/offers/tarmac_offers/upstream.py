"""What offers ask of the roles `inventory` and `pricing`, in the words of offers.

Used by the service and the steps of a purchase. Lookups turn no answer into "not heard"; steps
turn it into NotNowError, so that the saga asks again. Only the kit's clients know which services
play the roles, and where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tarmac_kit import (
    Client,
    DeadlineExceeded,
    Problem,
    Response,
    Unavailable,
    deadline,
    get_logger,
)
from tarmac_offers.domain import INVENTORY, PRICING, Line, Price, RoleAnswer

#: Kept back from the request's own deadline, so that a partial answer can still be sent.
KEPT_BACK_S = 0.1

log = get_logger(__name__)


class NotNowError(Exception):
    """The other side gave no usable answer; the step is to be tried again later."""


class RefusedError(Exception):
    """The other side will not do this for this purchase any more; the text begins with a code."""


@dataclass(frozen=True)
class PricePage:
    """A page of what can be bought, and the id to ask on after."""

    prices: list[Price]
    next: UUID | None


@dataclass(frozen=True)
class PurchaseQuote:
    """A quote and what it comes to."""

    quote_id: str
    currency: str
    total_minor: int
    lines: list[dict[str, Any]]


@dataclass(frozen=True)
class Inventory:
    """Asks for stock, and has it reserved, sold and given back; every call may be repeated."""

    client: Client
    ttl_s: float

    async def levels(self, product_ids: Sequence[UUID]) -> RoleAnswer[int]:
        """Look up how many of each product can be bought."""
        body = {"product_ids": [str(product_id) for product_id in product_ids]}
        # A lookup changes nothing, so it may be repeated although it is a POST.
        asked = self.client.post("/stock-levels", json=body, idempotent=True)
        response = await _look_up(INVENTORY, asked)
        if response is None:
            return RoleAnswer(None)
        levels = response.json()["levels"]
        return RoleAnswer({UUID(level["product_id"]): level["available"] for level in levels})

    async def reserve(self, purchase_id: UUID, lines: Sequence[Line]) -> None:
        """Reserve the stock of a purchase; RefusedError if it is short or the purchase barred."""
        wanted = [{"product_id": str(line.product_id), "quantity": line.quantity} for line in lines]
        body = {"lines": wanted, "ttl_s": self.ttl_s}
        await _do(INVENTORY, self.client.put(f"/reservations/{purchase_id}", json=body))

    async def commit(self, purchase_id: UUID) -> None:
        """Sell the stock of a purchase; RefusedError if it holds none any more."""
        path = f"/reservations/{purchase_id}/commit"
        await _do(INVENTORY, self.client.post(path, idempotent=True))

    async def give_back(self, purchase_id: UUID) -> None:
        """Give back the stock of a purchase, held, sold or neither."""
        try:
            await _do(INVENTORY, self.client.delete(f"/reservations/{purchase_id}"))
        except RefusedError:
            # It was sold: an answer got lost, and by now the purchase is to be undone.
            path = f"/reservations/{purchase_id}/return"
            await _do(INVENTORY, self.client.post(path, idempotent=True))


@dataclass(frozen=True)
class Pricing:
    """Asks for prices, and has them bound by a quote."""

    client: Client

    async def price(
        self, product_id: UUID, *, quantity: int, tier: str | None
    ) -> RoleAnswer[Price]:
        """Look up what one product costs."""
        asked = self.client.get(
            f"/prices/{product_id}", params={"quantity": quantity, "tier": tier}
        )
        response = await _look_up(PRICING, asked, unknown="price_unknown")
        if response is None:
            return RoleAnswer(None)
        if response.status == 404:
            return RoleAnswer({})
        return RoleAnswer({product_id: _price({**response.json(), "active": True})})

    async def prices(
        self, product_ids: Sequence[UUID], *, quantity: int, tier: str | None
    ) -> RoleAnswer[Price]:
        """Look up what some products cost."""
        body = {
            "product_ids": [str(product_id) for product_id in product_ids],
            "quantity": quantity,
        }
        asked = self.client.post("/prices", json={**body, "tier": tier}, idempotent=True)
        response = await _look_up(PRICING, asked)
        if response is None:
            return RoleAnswer(None)
        found = [_price(price) for price in response.json()["prices"]]
        return RoleAnswer({price.product_id: price for price in found})

    async def page(self, *, after: UUID | None, limit: int, tier: str | None) -> PricePage | None:
        """List what can be bought; None without an answer."""
        params = {"after": after, "limit": limit, "tier": tier}
        response = await _look_up(PRICING, self.client.get("/prices", params=params))
        if response is None:
            return None
        body = response.json()
        return PricePage(
            prices=[_price(price) for price in body["prices"]],
            next=None if body["next"] is None else UUID(body["next"]),
        )

    async def quote(self, lines: Sequence[Line], tier: str | None) -> PurchaseQuote:
        """Bind the prices of some lines; RefusedError if one has none.

        A second quote in place of one whose answer was lost does no harm: that one ends by itself.
        """
        wanted = [{"product_id": str(line.product_id), "quantity": line.quantity} for line in lines]
        body = {"lines": wanted, "tier": tier}
        made = (await _do(PRICING, self.client.post("/quotes", json=body, idempotent=True))).json()
        return PurchaseQuote(made["id"], made["currency"], made["total_minor"], made["lines"])

    async def accept(self, quote_id: str, purchase_id: UUID) -> None:
        """Accept a quote for a purchase; RefusedError if it is over."""
        path, body = f"/quotes/{quote_id}/accept", {"reference": str(purchase_id)}
        await _do(PRICING, self.client.post(path, json=body, idempotent=True))

    async def release(self, quote_id: str) -> None:
        """Give a quote back; one that is gone is given back."""
        try:
            await _do(PRICING, self.client.post(f"/quotes/{quote_id}/release", idempotent=True))
        except RefusedError as error:
            log.info("quote was gone already", quote_id=quote_id, error=str(error))


async def _look_up(
    role: str, asked: Awaitable[Response], *, unknown: str | None = None
) -> Response | None:
    """Await an answer; None for one that cannot be used, so that others can still be shown."""
    try:
        with deadline.keeping_back(KEPT_BACK_S):
            response = await asked
    except (Unavailable, DeadlineExceeded) as error:
        log.warning("offer without a role", role=role, error=str(error))
        return None
    if response.status == 200 or (
        response.status == 404 and response.problem().get("code") == unknown
    ):
        return response
    log.warning("offer without a role", role=role, status=response.status)
    return None


async def _do(role: str, asked: Awaitable[Response]) -> Response:
    """Await the answer to a step; RefusedError for a final no, NotNowError for no answer."""
    try:
        with deadline.keeping_back(KEPT_BACK_S):
            response = await asked
    except (Unavailable, DeadlineExceeded) as error:
        raise NotNowError(str(error)) from error
    if 200 <= response.status < 300:
        return response
    problem = response.problem()
    code = problem.get("code")
    # Decided by the problem's code: a bare 404 or 409 may come from a proxy or a wrong address.
    if code is not None and response.status in {404, 409, 422}:
        raise RefusedError(f"{code}: {_detail(problem)}")
    raise NotNowError(f"{role}: answered {response.status} {code or 'without code'}")


def _detail(problem: dict[str, Any]) -> str:
    short = problem.get("short")
    if isinstance(short, list):
        return ", ".join(_shortage(line) for line in short)
    return str(problem.get("detail", ""))


def _shortage(short: dict[str, Any]) -> str:
    return f"{short['product_id']} wanted {short['wanted']}, available {short['available']}"


def _price(body: dict[str, Any]) -> Price:
    return Price(
        product_id=UUID(body["product_id"]),
        name=body["name"],
        price_minor=body["price_minor"],
        currency=body["currency"],
        active=body["active"],
    )


def nothing_heard() -> Problem:
    """Return the 503 for when no role answered."""
    return Problem(
        503,
        "offers_unavailable",
        "Offers cannot be made now",
        "neither inventory nor pricing answered; try again",
        headers={"Retry-After": "1"},
    )
