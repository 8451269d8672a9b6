"""The routes of offers and purchases. Built by `app.mount`; they decide nothing themselves."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from tarmac_kit import key_parameter, require_key
from tarmac_offers.domain import Line
from tarmac_offers.purchases import Purchases, PurchaseView
from tarmac_offers.repository import State
from tarmac_offers.schemas import (
    MAX_QUANTITY,
    OfferOut,
    OfferPage,
    OffersIn,
    OffersOut,
    PurchaseIn,
    PurchaseLine,
    PurchaseOut,
    StepOut,
    Tier,
)
from tarmac_offers.service import Offers

Quantity = Annotated[int, Query(ge=1, le=MAX_QUANTITY, description="How many of it.")]
CustomerTier = Annotated[Tier | None, Query(description="The customer's tier, if any.")]
Limit = Annotated[int, Query(ge=1, le=100)]
# Shown as required, and read as optional: without it the answer is a 400 that says what to send.
Key = Annotated[str | None, Header(alias="Idempotency-Key", include_in_schema=False)]
KEY_PARAMETER = key_parameter("one purchase per key")


def build_offers(offers: Offers) -> APIRouter:
    """Build the routes of offers."""
    router = APIRouter(prefix="/offers", tags=["offers"])

    @router.get("")
    async def list_offers(
        after: UUID | None = None, limit: Limit = 20, tier: CustomerTier = None
    ) -> OfferPage:
        """List what can be bought, with stock and price."""
        page = await offers.page(after=after, limit=limit, tier=tier)
        return OfferPage(
            offers=[OfferOut.model_validate(offer) for offer in page.offers], next=page.next
        )

    @router.get("/{product_id}")
    async def show_offer(
        product_id: UUID, quantity: Quantity = 1, tier: CustomerTier = None
    ) -> OfferOut:
        """Show a product's stock and price; what does not answer in time is left out and named."""
        shown = await offers.show(product_id, quantity=quantity, tier=tier)
        return OfferOut.model_validate(shown)

    @router.post("")
    async def look_up_offers(body: OffersIn) -> OffersOut:
        """Look up the offers of many products at once."""
        found = await offers.look_up(body.product_ids, quantity=body.quantity, tier=body.tier)
        return OffersOut(offers=[OfferOut.model_validate(offer) for offer in found])

    return router


def build_purchases(purchases: Purchases) -> APIRouter:
    """Build the routes of purchases, for where there is a database to keep them."""
    router = APIRouter(prefix="/purchases", tags=["purchases"])

    @router.post(
        "",
        status_code=201,
        responses={
            201: {"description": "Confirmed: the price is accepted and the stock sold."},
            202: {"model": PurchaseOut, "description": "Accepted; it goes on by itself."},
            409: {"description": "Refused, as by `out_of_stock`: nothing is held for it."},
        },
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def buy(body: PurchaseIn, response: Response, key: Key = None) -> PurchaseOut:
        """Buy something, once per customer and Idempotency-Key."""
        bought = await purchases.buy(
            body.customer,
            require_key(key),
            [Line(line.product_id, line.quantity) for line in body.lines],
            tier=body.tier,
        )
        response.headers["Location"] = f"/purchases/{bought.purchase.id}"
        if bought.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        if bought.purchase.state is State.PENDING:
            response.status_code = 202
        return _purchase(bought)

    @router.get("/{purchase_id}")
    async def show_purchase(purchase_id: UUID) -> PurchaseOut:
        """Show a purchase to every caller that knows its id, and what happened to it."""
        return _purchase(await purchases.show(purchase_id))

    return router


def _purchase(bought: PurchaseView) -> PurchaseOut:
    purchase = bought.purchase
    return PurchaseOut(
        id=purchase.id,
        customer=purchase.customer,
        state=purchase.state,
        reason=purchase.reason,
        tier=purchase.tier,
        currency=purchase.currency,
        total_minor=purchase.total_minor,
        lines=[PurchaseLine.model_validate(line) for line in purchase.lines],
        created_at=purchase.created_at,
        saga=bought.saga,
        history=[StepOut.model_validate(entry) for entry in bought.history],
    )
