"""Take the money for an order once, and give it back when the order is cancelled.

Called by the consumers, the endpoints and the sweep. The payment's row is written before the
provider is asked, with the key it is asked by; so whatever happens in between, the sweep asks
again by the same key. The result and its event are one transaction, guarded by the state.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol
from uuid import UUID, uuid4

from tarmac_kit import Claims, Database, Message, Problem, Sweep, get_logger
from tarmac_kit.outbox import Row
from tarmac_payments import events
from tarmac_payments.domain import (
    Charge,
    NewPayment,
    Payment,
    State,
    after_charge,
    charge_key,
    refund_key,
)
from tarmac_payments.provider import ChargeRequest, Provider, ProviderError, RefundRequest
from tarmac_payments.repository import PaymentRepository

STAFF = "staff"
CONSUMER = "payments"

log = get_logger(__name__)


class WritesEvents(Protocol):
    """The part of the kit's outbox that is used here."""

    def event(
        self, *, topic: str, aggregate_type: str, aggregate_id: str, payload: dict[str, Any]
    ) -> AbstractContextManager[Row | None]: ...


class SeesFirst(Protocol):
    """The part of the kit's inbox that is used here."""

    async def first_time(self, conn: Any, *, consumer: str, message_id: str) -> bool: ...


@dataclass(frozen=True)
class Payments:
    """One payment per order, through one provider."""

    database: Database
    payments: PaymentRepository
    provider: Provider
    outbox: WritesEvents
    inbox: SeesFirst
    #: How long a process that changed a payment has for the next call before the sweep takes over.
    sweep_after_s: float

    def sweep(self, *, batch: int = 16) -> Sweep[UUID]:
        """Build the sweep of payments that stand still where the provider is to be asked."""
        claim = partial(self.payments.claim, lease_s=self.sweep_after_s)
        return Sweep("payment", self.database, claim, self.try_to_advance, batch)

    async def show(self, user: Claims, order_id: UUID) -> Payment:
        """Read the payment of an own order, staff any; else problem 404."""
        async with self.database.connection() as connection:
            payment = await self.payments.find_of_order(connection, order_id)
        if payment is None or not (payment.customer_id == user.subject or STAFF in user.roles):
            raise Problem(
                404, "payment_unknown", "There is no payment for this order", str(order_id)
            )
        return payment

    async def on_order_placed(self, message: Message) -> None:
        """Hear that an order wants paying: write its one payment, then ask the provider."""
        order = events.read(events.PlacedOrder, message.topic, message.payload)
        new = NewPayment(
            id=uuid4(),
            order_id=order.order_id,
            customer_id=order.customer_id,
            amount_minor=order.total_minor,
            currency=order.currency,
            payment_token=order.payment_token,
            state=State.PROCESSING,
        )
        async with self.database.connection() as connection:  # one statement, so one transaction
            payment = await self.payments.add_once(
                connection,
                new,
                consumer=CONSUMER,
                message_id=message.id,
                sweep_after_s=self.sweep_after_s,
            )
        # None: it was heard before, or cancelled (and voided), or placed under another message id.
        if payment is not None:
            await self.try_to_advance(payment.id, known=payment)

    async def on_order_cancelled(self, message: Message) -> None:
        """Hear that an order is over: give back what was taken, or see that nothing is."""
        order = events.read(events.CancelledOrder, message.topic, message.payload)
        async with self.database.transaction() as connection:
            if not await self._is_first(connection, message):
                return
            void = NewPayment(
                id=uuid4(),
                order_id=order.order_id,
                customer_id=order.customer_id,
                amount_minor=order.total_minor,
                currency=order.currency,
                payment_token=None,
                state=State.VOIDED,
            )
            if await self.payments.add(connection, void, sweep_after_s=0.0):
                return
            payment = await self.payments.find_of_order(connection, order.order_id, lock=True)
            if payment is None:
                raise LookupError(f"payments: of order {order.order_id} is gone")
            if payment.state is State.PROCESSING:
                await self.payments.mark_cancelled(connection, payment.id)
            moved = await self.payments.move(
                connection,
                payment.id,
                of={State.CAPTURED},
                to=State.REFUNDING,
                reason=order.reason,
                sweep_after_s=self.sweep_after_s,
            )
        if moved:
            await self.try_to_advance(moved.id, known=moved)

    async def advance(self, payment_id: UUID, *, known: Payment | None = None) -> None:
        """Ask the provider for what is due; ProviderError when it gave no usable answer.

        `known` is the payment as the caller just wrote it. If it moved meanwhile, the provider's
        key and the guard of the state make the same of it as of one that is read at this moment.
        """
        payment = known or await self._read(payment_id)
        if payment.state is State.PROCESSING:
            payment = await self._charge(payment)
        if payment.state is State.REFUNDING:
            await self._refund(payment)

    async def try_to_advance(self, payment_id: UUID, *, known: Payment | None = None) -> None:
        """Advance a payment, and leave it to the sweep if that does not work now."""
        try:
            await self.advance(payment_id, known=known)
        except (ProviderError, Problem) as error:
            log.warning("payment waits", payment_id=str(payment_id), error=str(error))

    async def _charge(self, payment: Payment) -> Payment:
        moved: Payment | None = None

        async def deliver(charge: Charge) -> None:
            nonlocal moved
            moved = await self._apply(payment, charge) or moved

        request = ChargeRequest(
            key=charge_key(payment.id),
            token=payment.payment_token or "",
            amount_minor=payment.amount_minor,
            currency=payment.currency,
        )
        await self.provider.charge(request, deliver)
        return moved or await self._read(payment.id)

    async def _read(self, payment_id: UUID) -> Payment:
        async with self.database.connection() as connection:
            payment = await self.payments.find(connection, payment_id)
        if payment is None:
            raise LookupError(f"payments: {payment_id} is gone; were rows deleted by hand?")
        return payment

    async def _apply(self, payment: Payment, charge: Charge) -> Payment | None:
        """Write a result with its event; one that was written before changes nothing: None."""
        topic, dated, said = events.of_charge(charge)
        while payment.state is State.PROCESSING:
            result = replace(
                payment,
                reason=charge.declined or payment.reason,
                provider_reference=charge.reference or payment.provider_reference,
            )
            writing = self.outbox.event(
                topic=topic,
                aggregate_type="payment",
                aggregate_id=str(payment.id),
                payload=said(result),
            )
            # One statement, so one transaction.
            async with self.database.connection() as connection:
                with writing as event:
                    moved = await self.payments.settle(
                        connection,
                        result,
                        to=after_charge(payment, charge),
                        sweep_after_s=self.sweep_after_s,
                        event=event,
                        dated=dated,
                    )
            if moved is not None:
                return moved
            # An order.cancelled at this moment came before this result, or another result did.
            payment = await self._read(payment.id)
        return None

    async def _refund(self, payment: Payment) -> None:
        if payment.provider_reference is None:
            raise LookupError(f"payments: {payment.id} is to be refunded and was never taken")
        request = RefundRequest(
            key=refund_key(payment.id),
            reference=payment.provider_reference,
            amount_minor=payment.amount_minor,
        )
        await self.provider.refund(request)
        async with self.database.transaction() as connection:
            await self.payments.move(
                connection, payment.id, of={State.REFUNDING}, to=State.REFUNDED
            )

    async def _is_first(self, connection: Any, message: Message) -> bool:
        return await self.inbox.first_time(connection, consumer=CONSUMER, message_id=message.id)
