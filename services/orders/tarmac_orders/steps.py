"""The steps of an order that are its own service's to take, each of which resumes after a crash.

Called with an order's id by the service (at once) and by the sweep (for orders that were left in
between). A step asks the inventory, which may be asked again, and then moves the order in one
statement with its event; the state it moves from is the guard, so two at once are no more than
one. Answers no HTTP and reads no broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from tarmac_kit import Database, Problem, Sweep, get_logger
from tarmac_kit.outbox import Row
from tarmac_orders import events
from tarmac_orders.domain import Order, Reason, State
from tarmac_orders.repository import OrderRepository
from tarmac_orders.upstream import Answer, Inventory, NotNowError, Verdict

#: States in which the next step is ours, and the sweep's if it is not taken.
SWEPT = frozenset({State.PENDING, State.PAID, State.CANCELLING})
#: What an inventory that is not there says.
DONE = Answer(Verdict.DONE)

log = get_logger(__name__)


class WritesEvents(Protocol):
    """The part of the kit's outbox that is used here."""

    def event(
        self, *, topic: str, aggregate_type: str, aggregate_id: str, payload: dict[str, Any]
    ) -> AbstractContextManager[Row | None]: ...


@dataclass(frozen=True)
class Steps:
    """Takes orders on, from wherever they stand."""

    database: Database
    orders: OrderRepository
    #: None: no stock is kept, so there is always enough.
    inventory: Inventory | None
    outbox: WritesEvents
    #: How long a process that changed an order has for the next step before the sweep takes over.
    sweep_after_s: float
    #: Payments are taken, and an order waits for their outcome.
    awaits_payment: bool = True

    def sweep(self, *, batch: int = 16) -> Sweep[UUID]:
        """Build the sweep of orders that stand still where a step of ours is due."""
        claim = partial(self.orders.claim, lease_s=self.sweep_after_s)
        return Sweep("order", self.database, claim, self.try_to_advance, batch)

    async def advance(self, order_id: UUID, *, known: Order | None = None) -> Order:
        """Take every step that is due and answer the order as it then stands.

        `known` is the order as the caller just read or wrote it. Raises NotNowError when the
        inventory gave no answer; the sweep will ask again.
        """
        step = {
            State.PENDING: self._reserve,
            State.PAID: self._sell,
            State.CANCELLING: self._release,
        }
        order = known or await self._read(order_id)
        while order.state in step:
            # None: another process moved the order meanwhile; look where it is now.
            order = await step[order.state](order) or await self._read(order_id)
        return order

    async def try_to_advance(self, order_id: UUID, *, known: Order | None = None) -> Order | None:
        """Advance an order, and leave it to the sweep if that does not work now (None then)."""
        try:
            return await self.advance(order_id, known=known)
        except (NotNowError, Problem) as error:
            log.warning("order waits for its next step", order_id=str(order_id), error=str(error))
            return None

    async def _read(self, order_id: UUID) -> Order:
        async with self.database.connection() as connection:
            order = await self.orders.find(connection, order_id)
        if order is None:
            raise LookupError(f"orders: {order_id} is gone; were rows deleted by hand?")
        return order

    async def _reserve(self, order: Order) -> Order | None:
        answer = DONE
        if self.inventory is not None:
            answer = await self.inventory.reserve(order.id, order.lines)
        if answer.verdict is Verdict.DONE:
            return await self._move(order, self._after_reserving())
        # Not straight to cancelled: the release bars the order at the inventory, so that another
        # attempt to reserve, under way now, cannot hold stock for a dead order.
        if answer.verdict is Verdict.SHORT:
            return await self._cancel(order, Reason.OUT_OF_STOCK, answer.short)
        return await self._cancel(order, Reason.RESERVATION_REFUSED)

    def _after_reserving(self) -> State:
        """Return the state in which an order waits for another service, or is done."""
        if self.awaits_payment:
            return State.PLACED
        return State.CONFIRMED if self.inventory is None else State.PAID

    async def _sell(self, order: Order) -> Order | None:
        answer = DONE
        if self.inventory is not None:
            answer = await self.inventory.commit(order.id)
        if answer.verdict is Verdict.DONE:
            return await self._move(order, State.CONFIRMED)
        if answer.verdict is Verdict.SHORT:
            return await self._cancel(order, Reason.RESERVATION_EXPIRED, answer.short)
        return await self._cancel(order, Reason.RESERVATION_REFUSED)

    async def _release(self, order: Order) -> Order | None:
        answer = DONE
        if self.inventory is not None:
            answer = await self.inventory.release(order.id)
        if answer.verdict is not Verdict.DONE:
            raise NotNowError(f"inventory: release of {order.id} came to {answer.verdict}")
        return await self._move(order, State.CANCELLED)

    async def _cancel(
        self, order: Order, reason: Reason, short: Sequence[dict[str, Any]] | None = None
    ) -> Order | None:
        return await self._move(order, State.CANCELLING, reason=reason, short=short)

    async def _move(
        self,
        order: Order,
        to: State,
        *,
        reason: Reason | None = None,
        short: Sequence[dict[str, Any]] | None = None,
    ) -> Order | None:
        """Move an order on from where it stands, with its event; None when it stands elsewhere."""
        writing: AbstractContextManager[Row | None] = nullcontext()
        if to in events.SAID:
            topic, payload = events.SAID[to]
            writing = self.outbox.event(
                topic=topic,
                aggregate_type="order",
                aggregate_id=str(order.id),
                payload=payload(order),
            )
        # One statement, so one transaction.
        async with self.database.connection() as connection:
            with writing as event:
                return await self.orders.move(
                    connection,
                    order.id,
                    of={order.state},
                    to=to,
                    reason=reason,
                    short=short,
                    sweep_after_s=self.sweep_after_s if to in SWEPT else 0.0,
                    event=event,
                )
