"""What a cart costs, what is left of it, and which order it makes: pure decisions."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from tarmac_cart.domain import Checkout, Line, Quote, total, without

A, B = UUID(int=1), UUID(int=2)


def quote(minor: int = 100, currency: str = "EUR", *, active: bool = True) -> Quote:
    return Quote("thing", minor, currency, active)


def test_a_total_adds_up_what_can_be_bought():
    lines = (Line(A, 2), Line(B, 3))
    assert total(lines, {A: quote(150), B: quote(10)}) == ("EUR", 330)
    assert total(lines, {A: quote(150), B: quote(10, active=False)}) == ("EUR", 300)


def test_there_is_no_total_without_prices_or_in_two_currencies():
    lines = (Line(A, 2), Line(B, 3))
    assert total(lines, {A: quote()}) is None
    assert total(lines, {A: quote(), B: quote(currency="USD")}) is None
    assert total((), {}) is None


def test_one_version_of_a_cart_is_one_order():
    cart = uuid4()
    first = Checkout(cart, 3, (Line(A, 1),))
    assert first.order_key == Checkout(cart, 3, (Line(B, 9),)).order_key
    keys = {first.order_key, Checkout(cart, 4, ()).order_key, Checkout(uuid4(), 3, ()).order_key}
    assert len(keys) == 3


LINES = st.dictionaries(st.sampled_from([A, B, UUID(int=3)]), st.integers(1, 99)).map(
    lambda found: tuple(Line(*item) for item in found.items())
)


@given(LINES, LINES)
def test_nothing_is_left_of_what_was_ordered_and_all_of_what_was_not(lines, ordered):
    left = {line.product_id: line.quantity for line in without(lines, ordered)}
    taken = {line.product_id: line.quantity for line in ordered}
    for line in lines:
        assert left.get(line.product_id, 0) == max(0, line.quantity - taken.get(line.product_id, 0))
    assert all(quantity > 0 for quantity in left.values())
