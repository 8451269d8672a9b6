"""Purchases: stock and price bound in two services, both or neither.

Called by the endpoints (`buy`, `show`) and, through the saga, by the kit (the steps). A purchase is
a row in this service's database before anything else happens; its saga then quotes, reserves,
accepts the quote and sells the stock, and undoes what was begun when one of them says no. Each step
may be asked again: reservations are keyed by the purchase's id, a quote is accepted for it alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID, uuid4

from tarmac_kit import Database, Problem, Step, StepRejected
from tarmac_kit.saga import Saga, SagaEvent
from tarmac_offers.domain import Line, fingerprint
from tarmac_offers.repository import TOO_LATE, NewPurchase, Purchase, PurchaseRepository, State
from tarmac_offers.upstream import Inventory, Pricing, RefusedError

SAGA = "purchase"


class Drives(Protocol):
    """The part of the kit's sagas that is used here."""

    async def begin(self, conn: Any, id: UUID, data: dict[str, Any]) -> None: ...  # noqa: A002
    async def advance(self, id: UUID) -> Saga: ...  # noqa: A002
    async def find(self, conn: Any, id: UUID) -> Saga | None: ...  # noqa: A002
    async def history(self, conn: Any, id: UUID) -> list[SagaEvent]: ...  # noqa: A002


@dataclass(frozen=True)
class PurchaseView:
    """A purchase as it stands, the state of its saga, and whether it was asked for before."""

    purchase: Purchase
    saga: str
    history: Sequence[SagaEvent] = ()
    replayed: bool = False


@dataclass(frozen=True)
class Steps:
    """The steps of a purchase, each of which may be asked more than once."""

    database: Database
    purchases: PurchaseRepository
    inventory: Inventory
    pricing: Pricing

    def in_order(self) -> tuple[Step, ...]:
        """List the steps: what does and what undoes each."""
        return (
            Step("quote", do=self.quote, undo=self.cancel),
            Step("reserve", do=self.reserve, undo=self.give_back),
            Step("accept", do=self.accept, undo=self.release),
            # What it sells is given back by the step that reserved it.
            Step("commit", do=self.commit),
        )

    async def quote(self, purchase_id: UUID, data: dict[str, Any]) -> dict[str, Any]:
        """Have the prices bound."""
        async with self._final(purchase_id):
            quoted = await self.pricing.quote(_lines(data), data["tier"])
        async with self.database.connection() as connection:
            await self.purchases.priced(
                connection, purchase_id, quoted.currency, quoted.total_minor, quoted.lines
            )
        return {"quote_id": quoted.quote_id}

    async def reserve(self, purchase_id: UUID, data: dict[str, Any]) -> None:
        """Have the stock reserved."""
        async with self._final(purchase_id):
            await self.inventory.reserve(purchase_id, _lines(data))

    async def accept(self, purchase_id: UUID, data: dict[str, Any]) -> None:
        """Accept the quote, which no other purchase can then."""
        async with self._final(purchase_id):
            await self.pricing.accept(data["quote_id"], purchase_id)

    async def commit(self, purchase_id: UUID, _data: dict[str, Any]) -> None:
        """Sell the stock, and call the purchase confirmed."""
        async with self._final(purchase_id):
            await self.inventory.commit(purchase_id)
        async with self.database.connection() as connection:
            await self.purchases.end(connection, purchase_id, State.CONFIRMED)

    async def release(self, _purchase_id: UUID, data: dict[str, Any]) -> None:
        """Give the quote back."""
        await self.pricing.release(data["quote_id"])

    async def give_back(self, purchase_id: UUID, _data: dict[str, Any]) -> None:
        """Give the stock back, whether it was reserved, sold or neither."""
        await self.inventory.give_back(purchase_id)

    async def cancel(self, purchase_id: UUID, _data: dict[str, Any]) -> None:
        """Call the purchase cancelled."""
        async with self.database.connection() as connection:
            await self.purchases.end(connection, purchase_id, State.CANCELLED)

    @asynccontextmanager
    async def _final(self, purchase_id: UUID) -> AsyncIterator[None]:
        """Turn a service's final no into the saga's, and note it for the customer."""
        try:
            yield
        except RefusedError as error:
            async with self.database.connection() as connection:
                await self.purchases.refused(connection, purchase_id, str(error))
            raise StepRejected(str(error)) from error


@dataclass(frozen=True)
class Purchases:
    """The purchases of all customers."""

    database: Database
    purchases: PurchaseRepository
    sagas: Drives

    async def buy(
        self, customer: str, key: str, lines: Sequence[Line], *, tier: str | None
    ) -> PurchaseView:
        """Accept a purchase once per customer and key, and take it as far as it goes now.

        One that is refused is a problem 409, for every request with this key.
        """
        asked = fingerprint(lines, tier)
        new = NewPurchase(uuid4(), customer, key, asked, tier, lines)
        async with self.database.transaction() as connection:
            added = await self.purchases.add(connection, new)
            if added:
                written = [[str(line.product_id), line.quantity] for line in lines]
                await self.sagas.begin(connection, new.id, {"lines": written, "tier": tier})
            known = await self.purchases.by_key(connection, customer, key)
        if known is None:
            raise LookupError(f"purchases: {new.id} is gone; were rows deleted by hand?")
        if known.fingerprint != asked:
            raise Problem(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key belongs to another purchase",
                f"purchase {known.id} was asked for something else; use a new key",
            )
        if known.state is State.PENDING:
            await self.sagas.advance(known.id)
        bought = await self.show(known.id, replayed=not added)
        purchase = bought.purchase
        if purchase.state is State.CANCELLED or bought.saga == "compensating":
            code, _, detail = (purchase.reason or TOO_LATE).partition(": ")
            raise Problem(
                409,
                code,
                "This purchase cannot be made",
                detail or code,
                headers={"Idempotency-Replayed": "true"} if bought.replayed else None,
                purchase_id=str(purchase.id),
                state=purchase.state.value,
            )
        return bought

    async def show(self, purchase_id: UUID, *, replayed: bool = False) -> PurchaseView:
        """Read a purchase and what happened to it; else problem 404."""
        async with self.database.connection() as connection:
            # Before the purchase: of a saga that is done, the purchase is at its end as well.
            saga = await self.sagas.find(connection, purchase_id)
            purchase = await self.purchases.find(connection, purchase_id)
            if purchase is None:
                raise Problem(
                    404, "purchase_unknown", "There is no such purchase", str(purchase_id)
                )
            history = await self.sagas.history(connection, purchase_id)
        # Sagas that ended are pruned some day; the purchase knows how it ended.
        ended = {State.CONFIRMED: "done", State.CANCELLED: "compensated"}
        state = saga.state if saga is not None else ended.get(purchase.state, "running")
        if purchase.state is State.CONFIRMED and state != "done":
            # Written by its last step, which may be undone yet.
            purchase = replace(purchase, state=State.PENDING)
        return PurchaseView(purchase, state, history, replayed)


def _lines(data: dict[str, Any]) -> list[Line]:
    return [Line(UUID(product_id), quantity) for product_id, quantity in data["lines"]]
