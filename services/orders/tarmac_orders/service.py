"""Take an order, show it, list, cancel, and hear what became of its payment.

Called by the endpoints and the consumer. It accepts (writes the pending row) and decides; the
steps after that are in `steps`. Knows nothing of HTTP except the problems it raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tarmac_kit import Claims, Database, Message, PoisonMessage, Problem, get_logger
from tarmac_orders import events
from tarmac_orders.domain import (
    CANCELLABLE,
    MAX_QUANTITY,
    BadCursorError,
    Item,
    NewOrder,
    NotOrderableError,
    Order,
    Quote,
    Reason,
    State,
    Step,
    decode_cursor,
    encode_cursor,
    fingerprint,
    merge,
    price,
    total,
)
from tarmac_orders.repository import OrderRepository
from tarmac_orders.steps import Steps
from tarmac_orders.upstream import Catalog, NotNowError

STAFF = "staff"
CONSUMER = "orders"

log = get_logger(__name__)


@dataclass(frozen=True)
class Request:
    """What a customer asks for; never a price where a catalog says it."""

    items: tuple[Item, ...]
    payment_token: str
    shipping_address: dict[str, Any] | None
    #: Names and prices of its own, where there is no catalog that says them.
    quotes: Mapping[UUID, Quote] | None = None


@dataclass(frozen=True)
class PlacedOrder:
    """An order, and whether an earlier request with the same key had made it."""

    order: Order
    replayed: bool


@dataclass(frozen=True)
class OrderPage:
    """Some orders and, if there are more, where the next page begins."""

    orders: Sequence[Order]
    next_cursor: str | None


@dataclass(frozen=True)
class Orders:
    """The orders of all customers."""

    database: Database
    orders: OrderRepository
    #: None: each request brings its prices.
    catalog: Catalog | None
    steps: Steps

    async def place(self, customer: Claims, key: str, request: Request) -> PlacedOrder:
        """Accept an order once per customer and key, and take it as far as it goes now.

        Out of stock is a problem 409, for every request with this key. An inventory that does
        not answer leaves the order pending: it is accepted, and the sweep will finish it.
        """
        items = merge(request.items)
        asked = fingerprint(items, request.payment_token, request.shipping_address, request.quotes)
        order, replayed = await self._accept(customer, key, items, request, asked)
        if order.fingerprint != asked:
            raise Problem(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key belongs to another order",
                f"order {order.id} was asked for something else; use a new key",
            )
        try:
            order = await self.steps.advance(order.id, known=order)
        except NotNowError as error:
            log.warning("order left pending", order_id=str(order.id), error=str(error))
            order = await self._left_pending(order.id)
        if order.reason == Reason.OUT_OF_STOCK:
            raise Problem(
                409,
                "out_of_stock",
                "Not everything is in stock",
                f"order {order.id} was cancelled; order what is there with a new key",
                headers={"Idempotency-Replayed": "true"} if replayed else None,
                order_id=str(order.id),
                short=order.short or [],
            )
        return PlacedOrder(order, replayed)

    async def show(self, user: Claims, order_id: UUID) -> tuple[Order, Sequence[Step]]:
        """Read an order of the user's own, staff any, with its history; else problem 404."""
        async with self.database.connection() as connection:
            order = await self.orders.find(connection, order_id)
            if order is None or not _may_read(user, order):
                raise _unknown(order_id)
            return order, await self.orders.history(connection, order_id)

    async def page(
        self,
        user: Claims,
        *,
        all_customers: bool,
        state: State | None,
        limit: int,
        cursor: str | None,
    ) -> OrderPage:
        """List own orders, latest first; those of all customers for staff, else problem 403."""
        if all_customers and STAFF not in user.roles:
            raise Problem(403, "forbidden", "Only staff may list the orders of all customers")
        try:
            after = decode_cursor(cursor) if cursor else None
        except BadCursorError as error:
            raise Problem(400, "bad_cursor", "The cursor is not valid", str(error)) from error
        async with self.database.connection() as connection:
            found = await self.orders.page(
                connection,
                customer_id=None if all_customers else user.subject,
                state=state,
                after=after,
                limit=limit + 1,
            )
        orders = found[:limit]
        more = len(found) > limit
        return OrderPage(
            orders=orders,
            next_cursor=encode_cursor(orders[-1].created_at, orders[-1].id) if more else None,
        )

    async def cancel(self, customer: Claims, order_id: UUID) -> Order:
        """Cancel an own order that is not paid yet; again is fine, later is a problem 409."""
        async with self.database.transaction() as connection:
            order = await self.orders.find(connection, order_id, lock=True)
            if order is None or order.customer_id != customer.subject:
                raise _unknown(order_id)
            if order.state in {State.PAID, State.CONFIRMED}:
                raise Problem(
                    409,
                    "not_cancellable",
                    "This order cannot be cancelled any more",
                    f"order {order_id} is {order.state}",
                )
            moved = await self.orders.move(
                connection,
                order_id,
                of=CANCELLABLE,
                to=State.CANCELLING,
                reason=Reason.BY_CUSTOMER,
                sweep_after_s=self.steps.sweep_after_s,
            )
        advanced = await self.steps.try_to_advance(order_id, known=moved)
        return advanced or await self._found(order_id)

    async def on_payment_captured(self, message: Message) -> None:
        """Hear that an order is paid: sell its stock and confirm it."""
        await self._on_payment(message, to=State.PAID, reason=None)

    async def on_payment_declined(self, message: Message) -> None:
        """Hear that an order will not be paid: give its stock back and cancel it."""
        await self._on_payment(message, to=State.CANCELLING, reason=Reason.PAYMENT_DECLINED)

    async def _on_payment(self, message: Message, *, to: State, reason: Reason | None) -> None:
        order_id = events.read_payment(message.payload).order_id
        async with self.database.connection() as connection:  # one statement, so one transaction
            is_new, moved = await self.orders.move_once(
                connection,
                order_id,
                consumer=CONSUMER,
                message_id=message.id,
                of={State.PLACED},
                to=to,
                reason=reason,
                sweep_after_s=self.steps.sweep_after_s,
            )
            if moved is None:
                order = await self.orders.find(connection, order_id)
                if order is None:
                    raise PoisonMessage(f"{message.topic}: there is no order {order_id}")
                if not is_new:
                    return
                # Cancelled meanwhile: order.cancelled makes the payments give the money back.
                log.info(
                    "payment heard too late",
                    order_id=str(order_id),
                    state=order.state,
                    topic=message.topic,
                )
        # Committed: from here on the sweep would do it too.
        await self.steps.try_to_advance(order_id, known=moved)

    async def _accept(
        self, customer: Claims, key: str, items: Sequence[Item], request: Request, asked: str
    ) -> tuple[Order, bool]:
        """Write the pending row; the order of another request with this key if that was first."""
        too_many = [item for item in items if item.quantity > MAX_QUANTITY]
        if too_many:
            raise _not_orderable(
                f"at most {MAX_QUANTITY} of a product can be ordered",
                [{"product_id": str(i.product_id), "why": "too_many"} for i in too_many],
            )
        try:
            currency, lines = price(items, await self._quotes(items, request))
        except (NotOrderableError, Problem) as error:
            # An order that this key made stands, whatever has become of its products. Few requests
            # are repeated, so it is looked for only where another one cannot be made.
            if order := await self._by_key(customer, key):
                return order, True
            if isinstance(error, NotOrderableError):
                raise _not_orderable(str(error), error.products) from error
            raise
        new = NewOrder(
            id=uuid4(),
            customer_id=customer.subject,
            email=customer.email,
            idempotency_key=key,
            fingerprint=asked,
            currency=currency,
            total_minor=total(lines),
            payment_token=request.payment_token,
            shipping_address=request.shipping_address,
            lines=lines,
        )
        async with self.database.connection() as connection:  # one statement, so one transaction
            added = await self.orders.add(connection, new, sweep_after_s=self.steps.sweep_after_s)
        if added is not None:
            return added, False
        order = await self._by_key(customer, key)
        if order is None:
            raise LookupError(f"orders: key of {new.id} is gone; were rows deleted by hand?")
        return order, True

    async def _quotes(self, items: Sequence[Item], request: Request) -> Mapping[UUID, Quote]:
        if self.catalog is not None:
            return await self.catalog.quotes(items)
        return request.quotes or {}

    async def _left_pending(self, order_id: UUID) -> Order:
        """Accept an order that is still pending; answer it as it stands, pending or not."""
        async with self.database.transaction() as connection:
            order = await self.orders.accept(connection, order_id)
            order = order or await self.orders.find(connection, order_id)
        if order is None:
            raise _unknown(order_id)
        return order

    async def _by_key(self, customer: Claims, key: str) -> Order | None:
        async with self.database.connection() as connection:
            return await self.orders.find_by_key(connection, customer.subject, key)

    async def _found(self, order_id: UUID) -> Order:
        async with self.database.connection() as connection:
            order = await self.orders.find(connection, order_id)
        if order is None:
            raise _unknown(order_id)
        return order


def _may_read(user: Claims, order: Order) -> bool:
    return order.customer_id == user.subject or STAFF in user.roles


def _unknown(order_id: UUID) -> Problem:
    return Problem(404, "order_unknown", "There is no such order", str(order_id))


def _not_orderable(detail: str, products: Sequence[dict[str, str]]) -> Problem:
    return Problem(422, "not_orderable", "This cannot be ordered", detail, products=[*products])
