"""The pure part of the catalog: search words, pages and cursors."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from tarmac_catalog.domain import (
    BadCursorError,
    Product,
    Sort,
    cut_page,
    decode_cursor,
    encode_cursor,
    prefix_query,
    search_words,
)
from tarmac_catalog.schemas import ProductIn

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def product(number: int) -> Product:
    return Product(
        UUID(int=number), f"Cup {number}", "", "kitchen", 100 * number, "EUR", True, 1, AT, AT
    )


def test_search_words_are_lower_case_and_free_of_query_signs() -> None:
    assert search_words("Copper!  & kettle:* | (x)_y 'z") == ["copper", "kettle", "x", "y", "z"]


def test_search_words_keep_letters_of_every_language() -> None:
    assert search_words("Küche café") == ["küche", "café"]


def test_a_query_of_signs_alone_has_no_words() -> None:
    assert search_words("&& !! ") == []


def test_a_long_query_is_cut() -> None:
    assert len(search_words("a " * 100)) == 8


def test_every_word_may_be_the_beginning_of_a_longer_one() -> None:
    assert prefix_query(["cop", "ket"]) == "cop:* & ket:*"


def test_the_last_page_has_no_cursor() -> None:
    page = cut_page([product(1), product(2)], sort=Sort.NAME, limit=2)
    assert (len(page.items), page.next) == (2, None)


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        (Sort.NAME, "Cup 2"),
        (Sort.PRICE, 200),
        (Sort.PRICE_DESCENDING, 200),
        (Sort.NEWEST, AT),
    ],
)
def test_a_cursor_points_behind_the_last_item_and_survives_a_url(sort, value) -> None:
    page = cut_page([product(1), product(2), product(3)], sort=sort, limit=2)
    assert page.next is not None
    assert (page.next.value, page.next.id) == (value, UUID(int=2))
    assert decode_cursor(encode_cursor(page.next), sort=sort) == page.next


def test_a_cursor_of_another_sort_is_refused() -> None:
    page = cut_page([product(1), product(2)], sort=Sort.PRICE, limit=1)
    assert page.next is not None
    with pytest.raises(BadCursorError, match="sort"):
        decode_cursor(encode_cursor(page.next), sort=Sort.PRICE_DESCENDING)


def written(sort: Sort, value: object) -> str:
    raw = json.dumps([sort.value, value, str(UUID(int=1))]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        (Sort.NAME, "a\0b"),
        (Sort.NAME, "\ud800"),
        (Sort.NAME, 5),
        (Sort.PRICE, 2**63),
        (Sort.PRICE, True),
        (Sort.NEWEST, "2026-01-01T00:00:00"),
        (Sort.NEWEST, "0001-01-01T00:00:00+23:00"),
        (Sort.NEWEST, "soon"),
    ],
)
def test_a_cursor_with_a_value_that_no_column_holds_is_refused(sort, value) -> None:
    with pytest.raises(BadCursorError, match="start without a cursor"):
        decode_cursor(written(sort, value), sort=sort)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "äö",
        "bm9uc2Vuc2U",
        "WyJuYW1lIiwxLCIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDEiXQ",
        "WyJuYW1lIiwiYSIsNV0",
        "e30",
        "MQ",
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(text: str) -> None:
    with pytest.raises(BadCursorError, match="start without a cursor"):
        decode_cursor(text, sort=Sort.NAME)


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("Road, 2 lanes", True),
        ("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", True),  # a joiner in a word
        ("\u200b\u200d", False),
        ("\u200d", False),
        ("a\u202eb", False),
        ("\u2067a", False),
        ("a\nb", False),
    ],
)
def test_a_name_can_be_seen_and_reverses_nothing(name: str, is_taken: bool) -> None:
    described = {"name": name, "category": "roads", "price_minor": 1}
    if is_taken:
        assert ProductIn.model_validate(described).name == name
    else:
        with pytest.raises(ValidationError):
            ProductIn.model_validate(described)
