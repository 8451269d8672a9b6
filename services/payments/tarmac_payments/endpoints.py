"""The payments' route. Built by `app.mount` around Payments; decides nothing itself."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from tarmac_kit import CurrentUser
from tarmac_payments.schemas import PaymentOut
from tarmac_payments.service import Payments


def build_router(payments: Payments) -> APIRouter:
    """Build the route over `payments`."""
    router = APIRouter(prefix="/payments", tags=["payments"])

    @router.get("/{order_id}")
    async def show_payment(order_id: UUID, user: CurrentUser) -> PaymentOut:
        """Show the payment of an order of one's own."""
        payment = await payments.show(user, order_id)
        return PaymentOut(
            id=payment.id,
            order_id=payment.order_id,
            status=payment.state,
            reason=payment.reason,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            provider_reference=payment.provider_reference,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
        )

    return router
