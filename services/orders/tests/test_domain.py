"""The pure part of orders: merging, pricing, fingerprints and cursors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from tarmac_orders.domain import (
    BadCursorError,
    Item,
    Line,
    NotOrderableError,
    Quote,
    decode_cursor,
    encode_cursor,
    fingerprint,
    merge,
    price,
    total,
)

CUP, POT = UUID(int=1), UUID(int=2)


def quote(product_id: UUID, *, minor: int = 500, currency: str = "EUR", active: bool = True):
    return Quote(product_id, f"product {product_id.int}", minor, currency, active)


def test_items_of_the_same_product_are_added_up() -> None:
    assert merge([Item(CUP, 2), Item(POT, 1), Item(CUP, 3)]) == (Item(CUP, 5), Item(POT, 1))


def test_prices_and_names_come_from_the_catalog() -> None:
    currency, lines = price(
        [Item(CUP, 2), Item(POT, 1)], {CUP: quote(CUP), POT: quote(POT, minor=2999)}
    )
    assert currency == "EUR"
    assert lines == (Line(CUP, "product 1", 2, 500), Line(POT, "product 2", 1, 2999))
    assert total(lines) == 3999


def test_unknown_and_archived_products_are_all_named_at_once() -> None:
    with pytest.raises(NotOrderableError) as caught:
        price([Item(CUP, 1), Item(POT, 1)], {POT: quote(POT, active=False)})
    assert caught.value.products == [
        {"product_id": str(CUP), "why": "unknown"},
        {"product_id": str(POT), "why": "not_for_sale"},
    ]


def test_two_currencies_cannot_stand_in_one_order() -> None:
    with pytest.raises(NotOrderableError, match="EUR, USD"):
        price([Item(CUP, 1), Item(POT, 1)], {CUP: quote(CUP), POT: quote(POT, currency="USD")})


def test_the_fingerprint_does_not_depend_on_the_order_of_items() -> None:
    there = fingerprint([Item(CUP, 1), Item(POT, 2)], "tok_ok", None)
    back = fingerprint([Item(POT, 2), Item(CUP, 1)], "tok_ok", None)
    assert there == back


@pytest.mark.parametrize(
    "other",
    [
        fingerprint([Item(CUP, 2)], "tok_ok", None),
        fingerprint([Item(CUP, 1)], "tok_declined", None),
        fingerprint([Item(CUP, 1)], "tok_ok", {"city": "Ghent"}),
    ],
)
def test_the_fingerprint_tells_different_requests_apart(other: str) -> None:
    assert fingerprint([Item(CUP, 1)], "tok_ok", None) != other


def test_a_cursor_comes_back_as_it_went() -> None:
    at, order_id = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC), uuid4()
    assert decode_cursor(encode_cursor(at, order_id)) == (at, order_id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "äö",
        "bm90IGEgY3Vyc29y",
        encode_cursor(datetime(2026, 1, 1), CUP),  # noqa: DTZ001
        encode_cursor(datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), CUP),
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(text: str) -> None:
    with pytest.raises(BadCursorError, match="start without a cursor"):
        decode_cursor(text)
