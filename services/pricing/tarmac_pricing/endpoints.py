"""The pricing routes. Built by `app.mount` around Pricing; decides nothing itself.

Prices and quotes are for other services: no gateway routes them, so they ask for no token. Rules
and price lists are for staff.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response

from tarmac_kit import CurrentUser, require_role
from tarmac_pricing.domain import Rule, WantedLine
from tarmac_pricing.imports import Imports
from tarmac_pricing.schemas import (
    MAX_QUANTITY,
    AcceptIn,
    BatchPrice,
    JobOut,
    LineOut,
    Moment,
    PriceListIn,
    PriceOut,
    PricePage,
    PricesIn,
    PricesOut,
    QuoteIn,
    QuoteOut,
    RuleIn,
    RuleList,
    RuleOut,
    Tier,
)
from tarmac_pricing.service import KnownPrice, Pricing

_STAFF = [Depends(require_role("staff"))]

Quantity = Annotated[int, Query(ge=1, le=MAX_QUANTITY, description="How many of it.")]
CustomerTier = Annotated[Tier | None, Query(description="The customer's tier, if any.")]
At = Annotated[Moment | None, Query(description="When; now if left out.")]
Limit = Annotated[int, Query(ge=1, le=100)]


def build_router(pricing: Pricing, imports: Imports) -> APIRouter:
    """Build the routes over `pricing`."""
    router = APIRouter(tags=["pricing"])

    @router.get("/prices")
    async def list_prices(
        after: UUID | None = None, limit: Limit = 20, tier: CustomerTier = None
    ) -> PricePage:
        """List what can be bought, and for how much."""
        page = await pricing.page(after=after, limit=limit, tier=tier)
        return PricePage(prices=[_batch(price) for price in page.prices], next=page.next)

    @router.get("/prices/{product_id}")
    async def show_price(
        product_id: UUID,
        quantity: Quantity = 1,
        tier: CustomerTier = None,
        at: At = None,
    ) -> PriceOut:
        """Show what a product costs, by which rules, and whether the cache had them."""
        shown = await pricing.show(product_id, quantity=quantity, tier=tier, at=at)
        line = LineOut.model_validate(shown.priced)
        return PriceOut(**line.model_dump(), cached=shown.cached, degraded=[*shown.degraded])

    @router.post("/prices")
    async def look_up_prices(body: PricesIn) -> PricesOut:
        """Look up what products cost now (for other services; no gateway routes it)."""
        found = await pricing.look_up(body.product_ids, quantity=body.quantity, tier=body.tier)
        return PricesOut(prices=[_batch(known) for known in found])

    @router.get("/rules", dependencies=_STAFF)
    async def list_rules(product_id: UUID | None = None) -> RuleList:
        """List the rules of a product, or those for every product (staff)."""
        rules = await pricing.rules_of(product_id)
        return RuleList(rules=[RuleOut.model_validate(rule) for rule in rules])

    @router.post("/rules", status_code=201, dependencies=_STAFF)
    async def put_rule(body: RuleIn) -> RuleOut:
        """Write a rule; one with the same conditions is replaced and keeps its id (staff)."""
        rule = Rule(id=uuid4(), **body.model_dump())
        return RuleOut.model_validate(await pricing.put_rule(rule))

    @router.delete("/rules/{rule_id}", status_code=204, dependencies=_STAFF)
    async def remove_rule(rule_id: UUID) -> None:
        """Delete a rule (staff)."""
        await pricing.remove_rule(rule_id)

    @router.post("/price-lists", status_code=202, dependencies=_STAFF)
    async def send_price_list(body: PriceListIn, user: CurrentUser, response: Response) -> JobOut:
        """Send many rules; a job takes them over, all or none (staff)."""
        job_id = await imports.accept(body.name, body.rules, sent_by=user.subject)
        response.headers["Location"] = f"/jobs/{job_id}"
        return JobOut(id=job_id, state="queued")

    @router.post("/quotes", status_code=201)
    async def quote(body: QuoteIn, response: Response) -> QuoteOut:
        """Bind the prices of some products for a while."""
        lines = [WantedLine(line.product_id, line.quantity) for line in body.lines]
        made = await pricing.quote(lines, tier=body.tier)
        response.headers["Location"] = f"/quotes/{made.id}"
        return QuoteOut.model_validate(made)

    @router.get("/quotes/{quote_id}")
    async def show_quote(quote_id: UUID) -> QuoteOut:
        """Show a quote as it stands now."""
        return QuoteOut.model_validate(await pricing.show_quote(quote_id))

    @router.post("/quotes/{quote_id}/accept")
    async def accept_quote(quote_id: UUID, body: AcceptIn) -> QuoteOut:
        """Accept a quote that is open; again for the same reference changes nothing."""
        return QuoteOut.model_validate(await pricing.accept(quote_id, body.reference))

    @router.post("/quotes/{quote_id}/release")
    async def release_quote(quote_id: UUID) -> QuoteOut:
        """Give a quote back, accepted or not; asking again changes nothing."""
        return QuoteOut.model_validate(await pricing.release(quote_id))

    return router


def _batch(known: KnownPrice) -> BatchPrice:
    return BatchPrice(**asdict(known))
