"""What a price rule is, and the price that a set of rules comes to.

Used by the service, the repository and the schemas. Pure: no database, no HTTP, no clock; the same
rules, quantity, tier and time give the same price, in whatever order the rules are given.

How rules combine:

1. A rule counts if it is for this product or for all, its time has come and is not over
   (`valid_from <= at < valid_to`), the quantity reaches its `min_quantity`, and its tier, if it
   names one, is the customer's.
2. The list price is that of the most specific list rule. Without one there is no price.
3. Of volume, tier and dated rules the most specific one of each kind is chosen.
4. The customer pays the lowest of the list price and what the chosen rules come to. Discounts
   do not add up.

More specific is, in this order: for this product rather than for all; for a tier rather than for
all customers; from a larger quantity; in a period rather than always; since a later day; cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

#: A hundred percent in basis points, in which discounts are counted.
WHOLE_BP = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Kind(StrEnum):
    """What makes a rule count; in the order in which equal prices are told apart."""

    #: What a product costs when nothing else is agreed.
    LIST = "list"
    #: From a quantity on.
    VOLUME = "volume"
    #: For customers of a tier.
    TIER = "tier"
    #: For a period.
    DATED = "dated"


_KINDS = tuple(Kind)


class QuoteState(StrEnum):
    """Where a quote is in its life."""

    #: The prices hold until `expires_at`.
    OPEN = "open"
    #: A customer buys at these prices.
    ACCEPTED = "accepted"
    #: Given back, before or after it was accepted.
    RELEASED = "released"
    #: Its time was over before it was accepted.
    EXPIRED = "expired"


@dataclass(frozen=True)
class Rule:
    """One price rule: conditions, and either a price or a discount.

    `price_minor` is in minor units of `currency`; `percent_off_bp` is off the list price.
    """

    id: UUID
    kind: Kind
    #: None is for every product.
    product_id: UUID | None = None
    #: What a list price calls its product.
    name: str | None = None
    tier: str | None = None
    min_quantity: int = 1
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    price_minor: int | None = None
    currency: str | None = None
    percent_off_bp: int | None = None


@dataclass(frozen=True)
class AppliedRule:
    """A rule that had its part in a price, and the unit price that it comes to."""

    id: UUID
    kind: Kind
    price_minor: int


@dataclass(frozen=True)
class PricedLine:
    """What one product costs; all amounts in minor units of `currency`."""

    product_id: UUID
    name: str
    quantity: int
    list_price_minor: int
    #: Of one piece.
    price_minor: int
    currency: str
    rules: tuple[AppliedRule, ...]

    @property
    def total_minor(self) -> int:
        """Return the price of all pieces."""
        return self.quantity * self.price_minor


@dataclass(frozen=True)
class WantedLine:
    """How many of a product a price is asked for."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Quote:
    """Prices that hold until `expires_at` for every caller that has its id."""

    id: UUID
    state: QuoteState
    tier: str | None
    currency: str
    total_minor: int
    lines: tuple[PricedLine, ...]
    #: What accepted it: the id of an order or a purchase.
    reference: UUID | None
    expires_at: datetime
    created_at: datetime


class NotPricedError(ValueError):
    """Something among the lines has no price; `products` says which and why."""

    def __init__(self, message: str, products: Sequence[dict[str, str]]) -> None:
        super().__init__(message)
        self.products = list(products)


def counts(rule: Rule, *, product_id: UUID, quantity: int, tier: str | None, at: datetime) -> bool:
    """Return whether a rule has any bearing on this price."""
    return (
        rule.product_id in {None, product_id}
        and quantity >= rule.min_quantity
        and rule.tier in {None, tier}
        and (rule.valid_from is None or rule.valid_from <= at)
        and (rule.valid_to is None or at < rule.valid_to)
    )


def unit_price(rule: Rule, *, list_price_minor: int, currency: str) -> int | None:
    """Return what one piece costs by this rule; None when its currency is another one.

    A discount that leaves half a minor unit leaves a whole one: the price is rounded half up.
    """
    if rule.percent_off_bp is not None:
        kept = list_price_minor * (WHOLE_BP - rule.percent_off_bp)
        return (2 * kept + WHOLE_BP) // (2 * WHOLE_BP)
    return rule.price_minor if rule.currency == currency else None


def price(
    rules: Iterable[Rule], *, product_id: UUID, quantity: int, tier: str | None, at: datetime
) -> PricedLine | None:
    """Return what `rules` make of a product's price at a time; None without a list price."""
    bearing = [
        rule
        for rule in rules
        if counts(rule, product_id=product_id, quantity=quantity, tier=tier, at=at)
    ]
    listed = _most_specific(
        (rule, rule.price_minor)
        for rule in bearing
        if rule.kind is Kind.LIST and rule.price_minor is not None
    )
    if listed is None or listed.currency is None:
        return None
    list_price, currency = _known(listed.price_minor), listed.currency
    lowest = AppliedRule(listed.id, listed.kind, list_price)
    for kind in _KINDS[1:]:
        offers = {
            rule: minor
            for rule in bearing
            if rule.kind is kind
            and (minor := unit_price(rule, list_price_minor=list_price, currency=currency))
            is not None
        }
        chosen = _most_specific(offers.items())
        if chosen is not None and offers[chosen] < lowest.price_minor:
            lowest = AppliedRule(chosen.id, kind, offers[chosen])
    applied = [AppliedRule(listed.id, listed.kind, list_price)]
    if lowest != applied[0]:
        applied.append(lowest)
    return PricedLine(
        product_id=product_id,
        name=listed.name or "",
        quantity=quantity,
        list_price_minor=list_price,
        price_minor=lowest.price_minor,
        currency=currency,
        rules=tuple(applied),
    )


def last_listed(rules: Iterable[Rule], product_id: UUID, at: datetime) -> Rule | None:
    """Return the list rule of a product that ended last before `at`: it was sold once."""
    ended = [
        rule
        for rule in rules
        if rule.kind is Kind.LIST
        and rule.product_id == product_id
        and rule.valid_to is not None
        and rule.valid_to <= at
    ]
    return max(ended, key=lambda rule: (rule.valid_to, rule.id), default=None)


def merge(lines: Iterable[WantedLine]) -> tuple[WantedLine, ...]:
    """Add up lines of the same product; keeps the order in which they were named."""
    quantities: dict[UUID, int] = {}
    for line in lines:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    return tuple(WantedLine(product_id, quantity) for product_id, quantity in quantities.items())


def quoted(
    rules: Sequence[Rule], lines: Sequence[WantedLine], *, tier: str | None, at: datetime
) -> tuple[str, tuple[PricedLine, ...]]:
    """Return the currency and the priced lines; NotPricedError if one has no price."""
    found = {
        line.product_id: price(
            rules, product_id=line.product_id, quantity=line.quantity, tier=tier, at=at
        )
        for line in lines
    }
    missing = [product_id for product_id, priced in found.items() if priced is None]
    if missing:
        raise NotPricedError(
            "some products have no price",
            [{"product_id": str(product_id), "why": "price_unknown"} for product_id in missing],
        )
    priced = tuple(line for line in found.values() if line is not None)
    currencies = {line.currency for line in priced}
    if len(currencies) > 1:
        raise NotPricedError(
            f"the products are sold in several currencies ({', '.join(sorted(currencies))})",
            [{"product_id": str(line.product_id), "why": line.currency} for line in priced],
        )
    return currencies.pop(), priced


def state_at(state: QuoteState, expires_at: datetime, at: datetime) -> QuoteState:
    """Return the state of a quote as of `at`: an open one ends with its time."""
    over = state is QuoteState.OPEN and at >= expires_at
    return QuoteState.EXPIRED if over else state


def _most_specific(offers: Iterable[tuple[Rule, int | None]]) -> Rule | None:
    """Choose by what the rule says of itself, then by its price, then by its id."""
    best = min(offers, key=lambda offer: _rank(*offer), default=None)
    return None if best is None else best[0]


def _rank(rule: Rule, minor: int | None) -> tuple[bool, bool, int, bool, float, int, UUID]:
    since = rule.valid_from or _LONG_AGO
    return (
        rule.product_id is None,
        rule.tier is None,
        -rule.min_quantity,
        rule.valid_from is None and rule.valid_to is None,
        -(since - _LONG_AGO).total_seconds(),
        _known(minor),
        rule.id,
    )


def _known(minor: int | None) -> int:
    if minor is None:
        raise ValueError("price: a list rule without price; correct the row")
    return minor
