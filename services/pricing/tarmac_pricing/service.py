"""Look prices up, edit rules, quote; owns the cached rules of each product.

Called by the endpoints and by the job of `imports`. Knows nothing of HTTP except the problems it
raises, and no SQL.

Cached is what a price is made of, a product's rules, and not the price: a dated rule begins and
ends on time, and one entry answers for every quantity and tier. An edit of a rule drops the
entries that it bears on, in every replica, after the commit; an entry that this misses, for Redis
was away just then, ends after `RULES_TTL_S`. Quotes and look-ups of many products never come from
the cache: what a customer pays is not old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from tarmac_kit import Cache, Database, Problem
from tarmac_pricing.domain import (
    NotPricedError,
    PricedLine,
    Quote,
    QuoteState,
    Rule,
    WantedLine,
    last_listed,
    merge,
    price,
    quoted,
)
from tarmac_pricing.repository import PriceRepository

RULES_TTL_S = 60.0
#: The tag of every entry, for rules that bear on every product.
ALL = "rules"

_RULES = TypeAdapter(tuple[Rule, ...])


@dataclass(frozen=True)
class PriceAnswer:
    """A price, whether its rules were cached, and what was out of reach."""

    priced: PricedLine
    cached: bool
    degraded: tuple[str, ...]


@dataclass(frozen=True)
class KnownPrice:
    """What a lookup of many says of one product; it can be bought if `active`."""

    product_id: UUID
    name: str
    price_minor: int
    currency: str
    active: bool


@dataclass(frozen=True)
class Page:
    """Some products with their prices and, if there are more, the last one's id."""

    prices: list[KnownPrice]
    next: UUID | None


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pricing:
    """Rules and quotes over one database and, where there is one, a cache."""

    database: Database
    cache: Cache | None
    prices: PriceRepository
    quote_ttl_s: float
    #: Counts a read of a product's rules from the database.
    count_load: Callable[[], None] = lambda: None
    clock: Callable[[], datetime] = now

    async def show(
        self, product_id: UUID, *, quantity: int, tier: str | None, at: datetime | None
    ) -> PriceAnswer:
        """Answer what a product costs; one without a list price is a problem 404."""
        rules, cached = await self._rules(product_id)
        priced = price(
            rules, product_id=product_id, quantity=quantity, tier=tier, at=at or self.clock()
        )
        if priced is None:
            raise _unknown(product_id)
        away = self.cache is not None and self.cache.degraded
        return PriceAnswer(priced, cached, ("cache",) if away else ())

    async def look_up(
        self, product_ids: Sequence[UUID], *, quantity: int, tier: str | None
    ) -> list[KnownPrice]:
        """Read the prices of the known products, those no longer sold too; never cached."""
        async with self.database.connection() as connection:
            rules = await self.prices.bearing(connection, product_ids)
        at = self.clock()
        found = (
            _known(rules, product_id, quantity=quantity, tier=tier, at=at)
            for product_id in dict.fromkeys(product_ids)
        )
        return [known for known in found if known is not None]

    async def page(self, *, after: UUID | None, limit: int, tier: str | None) -> Page:
        """Read one page of the products that can be bought, by id."""
        async with self.database.connection() as connection:
            ids = await self.prices.listed(
                connection, after=after, at=self.clock(), limit=limit + 1
            )
        prices = await self.look_up(ids[:limit], quantity=1, tier=tier) if ids else []
        return Page(prices, ids[limit - 1] if len(ids) > limit else None)

    async def rules_of(self, product_id: UUID | None) -> list[Rule]:
        """List the rules of a product alone; None: those for every product."""
        async with self.database.connection() as connection:
            return await self.prices.of_product(connection, product_id)

    async def put_rule(self, rule: Rule) -> Rule:
        """Write a rule, instead of the one with its conditions if there is one."""
        async with self.database.transaction() as connection:
            (kept,) = await self.prices.put(connection, [rule])
        await self.forget([kept])
        return kept

    async def remove_rule(self, rule_id: UUID) -> None:
        """Delete a rule; an unknown one is a problem 404."""
        async with self.database.transaction() as connection:
            removed = await self.prices.remove(connection, rule_id)
        if removed is None:
            raise Problem(404, "rule_unknown", "There is no such rule", str(rule_id))
        await self.forget([removed])

    async def forget(self, rules: Iterable[Rule]) -> None:
        """Drop what is cached of the products that these rules bear on, for all replicas."""
        if self.cache is None:
            return
        bears_on = {rule.product_id for rule in rules}
        await self.cache.invalidate(*(_tag(product_id) for product_id in bears_on))

    async def quote(self, lines: Sequence[WantedLine], *, tier: str | None) -> Quote:
        """Bind the prices of some lines for a while; without a price for each, problem 422."""
        wanted = merge(lines)
        async with self.database.transaction() as connection:
            rules = await self.prices.bearing(connection, [line.product_id for line in wanted])
            try:
                currency, priced = quoted(rules, wanted, tier=tier, at=self.clock())
            except NotPricedError as error:
                raise Problem(
                    422, "not_priced", "This cannot be quoted", str(error), products=error.products
                ) from error
            return await self.prices.add_quote(
                connection,
                uuid4(),
                tier=tier,
                currency=currency,
                lines=priced,
                ttl_s=self.quote_ttl_s,
            )

    async def show_quote(self, quote_id: UUID) -> Quote:
        """Read a quote; an unknown one is a problem 404."""
        async with self.database.connection() as connection:
            return _found(await self.prices.quote(connection, quote_id), quote_id)

    async def accept(self, quote_id: UUID, reference: UUID) -> Quote:
        """Accept an open quote for `reference`; again is fine, anything else a problem 409."""
        async with self.database.transaction() as connection:
            found = await self.prices.quote(connection, quote_id, lock=True)
            quote = _found(found, quote_id)
            if quote.state is QuoteState.OPEN:
                return await self.prices.set_quote(
                    connection, quote, QuoteState.ACCEPTED, reference
                )
        if quote.state is QuoteState.ACCEPTED and quote.reference == reference:
            return quote
        raise Problem(
            409,
            f"quote_{quote.state}",
            "This quote cannot be accepted",
            f"quote {quote_id} is {quote.state}; ask for a new one",
        )

    async def release(self, quote_id: UUID) -> Quote:
        """Give a quote back, accepted or not; asking again changes nothing."""
        async with self.database.transaction() as connection:
            quote = _found(await self.prices.quote(connection, quote_id, lock=True), quote_id)
            if quote.state is QuoteState.RELEASED:
                return quote
            return await self.prices.set_quote(connection, quote, QuoteState.RELEASED)

    async def prune(self, *, keep_s: float, batch: int) -> int:
        """Delete up to `batch` quotes that ended longer than `keep_s` ago without a buyer."""
        async with self.database.connection() as connection:
            return await self.prices.prune_quotes(connection, keep_s=keep_s, batch=batch)

    async def _rules(self, product_id: UUID) -> tuple[tuple[Rule, ...], bool]:
        loaded = False

        async def load() -> list[dict[str, Any]]:
            nonlocal loaded
            loaded = True
            self.count_load()
            async with self.database.connection() as connection:
                rules = await self.prices.bearing(connection, [product_id])
            written: list[dict[str, Any]] = _RULES.dump_python(tuple(rules), mode="json")
            return written

        if self.cache is None:
            written = await load()
        else:
            written = await self.cache.remember(
                f"rules:{product_id}", load, ttl_s=RULES_TTL_S, tags=(ALL, _tag(product_id))
            )
        return _RULES.validate_python(written), not loaded


def _known(
    rules: Sequence[Rule], product_id: UUID, *, quantity: int, tier: str | None, at: datetime
) -> KnownPrice | None:
    priced = price(rules, product_id=product_id, quantity=quantity, tier=tier, at=at)
    if priced is not None:
        return KnownPrice(product_id, priced.name, priced.price_minor, priced.currency, active=True)
    last = last_listed(rules, product_id, at)
    if last is None or last.price_minor is None:
        return None
    return KnownPrice(
        product_id, last.name or "", last.price_minor, last.currency or "", active=False
    )


def _tag(product_id: UUID | None) -> str:
    return ALL if product_id is None else f"product:{product_id}"


def _found(quote: Quote | None, quote_id: UUID) -> Quote:
    if quote is None:
        raise Problem(404, "quote_unknown", "There is no such quote", str(quote_id))
    return quote


def _unknown(product_id: UUID) -> Problem:
    return Problem(404, "price_unknown", "There is no price for this", str(product_id))
