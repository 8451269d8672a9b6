"""The pure part of pricing: which rules count, which of them wins, and how it is rounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac_pricing.domain import (
    Kind,
    NotPricedError,
    PricedLine,
    QuoteState,
    Rule,
    WantedLine,
    last_listed,
    merge,
    price,
    quoted,
    state_at,
    unit_price,
)

CUP, POT = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
_numbers = iter(range(100, 10_000))


def rule(kind: Kind, product: UUID | None = CUP, **conditions) -> Rule:
    return Rule(UUID(int=next(_numbers)), kind, product, **conditions)


def listed(minor: int = 1000, product: UUID = CUP, **conditions) -> Rule:
    named = {"name": f"thing {product.int}", "currency": "EUR", **conditions}
    return rule(Kind.LIST, product, price_minor=minor, **named)


def priced(*rules: Rule, quantity: int = 1, tier: str | None = None, at=NOON) -> PricedLine:
    found = price(rules, product_id=CUP, quantity=quantity, tier=tier, at=at)
    assert found is not None
    return found


def unit(*rules: Rule, **asked) -> int:
    return priced(*rules, **asked).price_minor


def test_the_list_price_is_the_price_when_nothing_else_is_agreed() -> None:
    found = priced(listed(1250), quantity=3)
    assert (found.price_minor, found.total_minor, found.currency) == (1250, 3750, "EUR")
    assert [rule.kind for rule in found.rules] == ["list"]


def test_without_a_list_price_there_is_no_price() -> None:
    only_others = [rule(Kind.TIER, tier="gold", price_minor=5, currency="EUR"), listed(9, POT)]
    assert price(only_others, product_id=CUP, quantity=1, tier="gold", at=NOON) is None


def test_a_volume_rule_counts_from_its_quantity_on_and_the_largest_one_reached_wins() -> None:
    rules = [
        listed(1000),
        rule(Kind.VOLUME, min_quantity=10, percent_off_bp=500),
        rule(Kind.VOLUME, min_quantity=100, percent_off_bp=1500),
    ]
    assert [unit(*rules, quantity=n) for n in (9, 10, 99, 100)] == [1000, 950, 950, 850]


def test_a_tier_rule_is_for_its_tier_alone() -> None:
    rules = [listed(1000), rule(Kind.TIER, tier="gold", percent_off_bp=1000)]
    assert [unit(*rules, tier=tier) for tier in (None, "silver", "gold")] == [1000, 1000, 900]


def test_a_dated_rule_begins_on_time_and_ends_just_before_its_end() -> None:
    sale = rule(Kind.DATED, valid_from=NOON, valid_to=NOON + DAY, percent_off_bp=2000)
    moments = (NOON - timedelta(microseconds=1), NOON, NOON + DAY - timedelta(seconds=1))
    assert [unit(listed(), sale, at=at) for at in (*moments, NOON + DAY)] == [1000, 800, 800, 1000]


def test_discounts_do_not_add_up_the_best_one_counts() -> None:
    volume = rule(Kind.VOLUME, min_quantity=2, percent_off_bp=500)
    tier = rule(Kind.TIER, tier="gold", percent_off_bp=1000)
    found = priced(listed(), volume, tier, quantity=2, tier="gold")
    assert found.price_minor == 900
    assert [rule.id for rule in found.rules][1:] == [tier.id]


def test_no_rule_makes_a_product_dearer_than_its_list_price() -> None:
    assert unit(listed(500), rule(Kind.VOLUME, min_quantity=2, price_minor=700, currency="EUR"),
                quantity=2) == 500  # fmt: skip


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"product": None, "tier": "gold"}, {"tier": "gold"}),
        ({"min_quantity": 2}, {"min_quantity": 2, "tier": "gold"}),
        ({"min_quantity": 2}, {"min_quantity": 5}),
        ({"min_quantity": 2}, {"min_quantity": 2, "valid_from": NOON - DAY}),
        ({"valid_from": NOON - 2 * DAY}, {"valid_from": NOON - DAY}),
    ],
)
def test_the_more_specific_rule_of_a_kind_wins_although_it_is_dearer(wide, narrow) -> None:
    kind = Kind.VOLUME if "min_quantity" in wide else Kind.TIER if "tier" in wide else Kind.DATED
    rules = [
        listed(),
        rule(kind, **{"product": CUP, **wide}, percent_off_bp=5000),
        rule(kind, **{"product": CUP, **narrow}, percent_off_bp=100),
    ]
    assert unit(*rules, quantity=9, tier="gold") == 990


def test_of_two_equally_specific_rules_the_cheaper_one_wins() -> None:
    rules = [rule(Kind.TIER, tier="gold", percent_off_bp=off) for off in (100, 300, 200)]
    assert unit(listed(), *rules, tier="gold") == 970


def test_a_later_list_price_takes_the_place_of_an_earlier_one() -> None:
    rules = [listed(1000), listed(1200, valid_from=NOON)]
    assert [unit(*rules, at=at) for at in (NOON - DAY, NOON)] == [1000, 1200]


def test_a_price_in_another_currency_has_no_bearing() -> None:
    assert (
        unit(listed(), rule(Kind.TIER, tier="x", price_minor=1, currency="USD"), tier="x") == 1000
    )


@pytest.mark.parametrize(("minor", "off", "left"), [(1, 5000, 1), (3, 5000, 2), (999, 3333, 666)])
def test_half_a_minor_unit_is_rounded_up(minor: int, off: int, left: int) -> None:
    cheaper = rule(Kind.TIER, tier="x", percent_off_bp=off)
    assert unit_price(cheaper, list_price_minor=minor, currency="EUR") == left


conditions = st.fixed_dictionaries(
    {
        "product": st.sampled_from([None, CUP, POT]),
        "tier": st.sampled_from([None, "gold", "silver"]),
        "min_quantity": st.integers(1, 20),
        "valid_from": st.sampled_from([None, NOON - DAY, NOON, NOON + DAY]),
        "valid_to": st.sampled_from([None, NOON + 2 * DAY, NOON + 3 * DAY]),
    }
)
effects = st.one_of(
    st.builds(lambda off: {"percent_off_bp": off}, st.integers(1, 10_000)),
    st.builds(lambda minor: {"price_minor": minor, "currency": "EUR"}, st.integers(0, 10_000)),
)
discounts = st.builds(
    lambda kind, given_, effect: rule(kind, **given_, **effect),
    st.sampled_from([Kind.VOLUME, Kind.TIER, Kind.DATED]),
    conditions,
    effects,
)
asked = st.fixed_dictionaries(
    {
        "quantity": st.integers(1, 30),
        "tier": st.sampled_from([None, "gold", "silver"]),
        "at": st.sampled_from([NOON, NOON + DAY, NOON + 2 * DAY]),
    }
)


@given(st.integers(0, 1_000_000_000), st.lists(discounts, max_size=12), asked, st.randoms())
def test_a_price_is_never_negative_never_above_the_list_and_the_same_in_any_order(
    minor, rules, question, dice
) -> None:
    rules = [listed(minor), *rules]
    found = priced(*rules, **question)
    assert 0 <= found.price_minor <= minor == found.list_price_minor
    assert found.total_minor == found.price_minor * question["quantity"]
    assert found.price_minor == found.rules[-1].price_minor
    shuffled = dice.sample(rules, len(rules))
    assert priced(*shuffled, **question) == found


@given(st.integers(0, 1_000_000_000), st.integers(1, 10_000))
def test_a_discount_is_exact_to_half_a_minor_unit(minor: int, off: int) -> None:
    left = unit_price(
        rule(Kind.TIER, tier="x", percent_off_bp=off), list_price_minor=minor, currency="EUR"
    )
    exact = Fraction(minor) * (10_000 - off) / 10_000
    assert -Fraction(1, 2) <= exact - left < Fraction(1, 2)


def test_a_product_that_was_sold_once_is_known_by_its_last_list_price() -> None:
    rules = [
        listed(900, valid_to=NOON - DAY),
        listed(1000, valid_from=NOON - DAY, valid_to=NOON),
        listed(5, POT, valid_to=NOON),
    ]
    last = last_listed(rules, CUP, NOON)
    assert last is not None
    assert last.price_minor == 1000
    assert last_listed([listed()], CUP, NOON) is None


def test_lines_of_one_product_are_priced_together() -> None:
    rules = [listed(1000), rule(Kind.VOLUME, min_quantity=4, percent_off_bp=1000), listed(50, POT)]
    lines = merge([WantedLine(CUP, 1), WantedLine(POT, 2), WantedLine(CUP, 3)])
    currency, found = quoted(rules, lines, tier=None, at=NOON)
    assert currency == "EUR"
    assert [(line.product_id, line.total_minor) for line in found] == [(CUP, 3600), (POT, 100)]


def test_what_has_no_price_or_another_currency_is_not_quoted() -> None:
    with pytest.raises(NotPricedError) as missing:
        quoted([listed()], [WantedLine(CUP, 1), WantedLine(POT, 1)], tier=None, at=NOON)
    assert missing.value.products == [{"product_id": str(POT), "why": "price_unknown"}]
    rules = [listed(), listed(5, POT, currency="USD")]
    with pytest.raises(NotPricedError, match="EUR, USD"):
        quoted(rules, [WantedLine(CUP, 1), WantedLine(POT, 1)], tier=None, at=NOON)


def test_an_open_quote_ends_with_its_time_and_no_other_does() -> None:
    assert state_at(QuoteState.OPEN, NOON, NOON - DAY) is QuoteState.OPEN
    assert state_at(QuoteState.OPEN, NOON, NOON) is QuoteState.EXPIRED
    assert state_at(QuoteState.ACCEPTED, NOON, NOON) is QuoteState.ACCEPTED
