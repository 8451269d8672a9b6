"""What orders ask of the roles `catalog` and `inventory`, in the words of orders.

Used by the service and the steps. It turns answers into values, and knows the codes of the
inventory's problems; only the kit's clients know which services play the roles, and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tarmac_kit import Client, DeadlineExceeded, Problem, Response, Unavailable, deadline
from tarmac_orders.domain import Item, Line, Quote

#: Kept back from the request's own deadline, so that its answer can still be written and sent.
KEPT_BACK_S = 0.3


class Verdict(StrEnum):
    """What the inventory says to a step."""

    #: Done, now or before.
    DONE = "done"
    #: Something is not there; `Answer.short` says what.
    SHORT = "short"
    #: It will not do this for this order any more.
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """The inventory's verdict, with what is short."""

    verdict: Verdict
    short: tuple[dict[str, Any], ...] = ()


class NotNowError(Exception):
    """The other side gave no usable answer; the step is to be tried again later."""


@dataclass(frozen=True)
class Catalog:
    """Asks what products cost."""

    client: Client

    async def quotes(self, items: Sequence[Item]) -> dict[UUID, Quote]:
        """Look up the known products among `items`; a catalog that is away is a problem 503."""
        ids = [str(item.product_id) for item in items]
        # A lookup changes nothing, so it may be repeated although it is a POST.
        response = await self.client.post("/prices", json={"product_ids": ids}, idempotent=True)
        if response.status != 200:
            raise Problem(
                503,
                "prices_unavailable",
                "The prices cannot be looked up now",
                f"catalog answered {response.status}; try again",
                headers={"Retry-After": "1"},
            )
        quotes = (
            Quote(
                product_id=UUID(price["product_id"]),
                name=price["name"],
                price_minor=price["price_minor"],
                currency=price["currency"],
                active=price["active"],
            )
            for price in response.json()["prices"]
        )
        return {quote.product_id: quote for quote in quotes}


@dataclass(frozen=True)
class Inventory:
    """Has stock reserved, sold and released; every call may be repeated."""

    client: Client
    ttl_s: float

    async def reserve(self, order_id: UUID, lines: Sequence[Line]) -> Answer:
        """Reserve the stock of an order: DONE, SHORT or REFUSED; NotNowError without answer."""
        wanted = [{"product_id": str(line.product_id), "quantity": line.quantity} for line in lines]
        body = {"lines": wanted, "ttl_s": self.ttl_s}
        try:
            with deadline.keeping_back(KEPT_BACK_S):
                response = await self.client.put(f"/reservations/{order_id}", json=body)
        except (Unavailable, DeadlineExceeded) as error:
            raise NotNowError(str(error)) from error
        return _read(response, "reserve")

    async def commit(self, order_id: UUID) -> Answer:
        """Sell the stock of an order: DONE, SHORT or REFUSED; NotNowError without answer."""
        path = f"/reservations/{order_id}/commit"
        try:
            with deadline.keeping_back(KEPT_BACK_S):
                response = await self.client.post(path, idempotent=True)
        except (Unavailable, DeadlineExceeded) as error:
            raise NotNowError(str(error)) from error
        return _read(response, "commit")

    async def release(self, order_id: UUID) -> Answer:
        """Give back the stock of an order: DONE or REFUSED; NotNowError without answer."""
        try:
            with deadline.keeping_back(KEPT_BACK_S):
                response = await self.client.delete(f"/reservations/{order_id}")
        except (Unavailable, DeadlineExceeded) as error:
            raise NotNowError(str(error)) from error
        return _read(response, "release")


def _read(response: Response, step: str) -> Answer:
    if response.status in {200, 201, 204}:
        return Answer(Verdict.DONE)
    # Decided by the problem's code: a bare 404 or 409 may come from a proxy or a wrong address,
    # and must not cancel an order that was paid.
    problem = response.problem()
    code, short = problem.get("code"), problem.get("short")
    if code == "out_of_stock":
        return Answer(Verdict.SHORT, tuple(short) if isinstance(short, list) else ())
    if code in {"reservation_released", "reservation_differs", "reservation_unknown"}:
        return Answer(Verdict.REFUSED)
    raise NotNowError(f"inventory: {step} was answered {response.status} {code or 'without code'}")
