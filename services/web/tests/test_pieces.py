"""Amounts, charts and sealed values, without pages."""

from __future__ import annotations

import pytest

from tarmac_web import art, chart, money
from tarmac_web.session import MOST_LINES, Seal, Session, cart_from, session_from, session_to
from tarmac_web.visit import safe_path


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123450, "EUR", "€1,234.50"),
        (-5, "USD", "\N{MINUS SIGN}$0.05"),
        (1200, "JPY", "¥1,200"),
        (1234, "KWD", "KWD 1.234"),
        (0, "XYZ", "XYZ 0.00"),
    ],
)
def test_an_amount_is_shown_as_its_currency_is_written(minor, currency, shown):
    assert money.shown(minor, currency) == shown


@pytest.mark.parametrize(
    ("text", "minor"),
    [("250", 25000), ("1,234.5", 123450), ("19,90", 1990), (" $7.05 ", 705), ("1 000", 100000)],
)
def test_an_amount_is_read_as_people_type_it(text, minor):
    assert money.typed(text, "USD") == minor


@pytest.mark.parametrize("text", ["", "x", "-1", "1e5", "1.2.3", "1,23,4", "9" * 13, "1.001", "٣"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(money.BadAmount):
        money.typed(text, "USD")


def test_changes_have_a_sign():
    assert money.percent(110, 100) == "+10.00 %"
    assert money.percent(90, 100) == "\N{MINUS SIGN}10.00 %"
    assert money.percent(100, 100) == "0.00 %"
    assert money.percent(100, 0) == ""
    assert money.signed(100, "EUR") == "+€1.00"
    assert money.signed(-100, "EUR") == "\N{MINUS SIGN}€1.00"


def test_a_chart_stays_inside_its_box():
    drawn = chart.line([100, 250, 175, 90, 400], currency="USD", open_minor=180)
    points = [point.split() for point in drawn.line.removeprefix("M").split("L")]
    assert len(points) == 5
    assert all(0 <= float(x) <= drawn.width and 0 <= float(y) <= drawn.height for x, y in points)
    assert float(points[4][1]) < float(points[3][1]), "a higher price is higher up"
    assert (drawn.low, drawn.high) == ("$0.90", "$4.00")
    assert drawn.open_y is not None
    assert 3 <= len(drawn.ticks) <= 6


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (299, ["4 min", "3 min", "2 min", "1 min", "now"]),
        (45, ["40 s", "30 s", "20 s", "10 s", "now"]),
        (3585, ["50 min", "40 min", "30 min", "20 min", "10 min", "now"]),
        (86_100, ["18 h", "12 h", "6 h", "now"]),
        (0, []),
    ],
)
def test_a_chart_says_how_long_ago_its_prices_were(seconds, labels):
    drawn = chart.line([100, 250, 175], currency="USD", seconds=seconds)
    found = [moment.label.removeprefix("\N{MINUS SIGN}") for moment in drawn.moments]
    assert found == labels
    places = [moment.x for moment in drawn.moments]
    assert places == sorted(places)
    if labels:
        assert places[-1] == drawn.last_x
        assert drawn.moments[-1].side == "last"


def test_an_archive_box_is_drawn_as_a_box_and_a_chopping_board_as_one():
    assert art.drawing("Archive box, grey board", "stationery").symbol == "box"
    assert art.drawing("Olive-wood chopping board", "kitchen").symbol == "board"


def test_the_first_pictures_of_a_site_are_unlike_each_other():
    names = ("Night train to Vienna", "Glacier Express", "Ghent by canal", "Tatra winter week")
    trips = [{"name": name, "category": ""} for name in names]
    chosen = art.unlike(trips, 3, places=True)
    assert [product["name"] for product in chosen] == [names[0], names[2], names[3]]
    assert art.unlike(trips[:2], 3, places=True) == trips[:2], "too few to choose from"


@pytest.mark.parametrize("prices", [[], [100]])
def test_there_is_no_chart_of_less_than_two_prices(prices):
    assert chart.line(prices, currency="USD") is None


@pytest.mark.parametrize("prices", [[100, 100], [5, 1_000_000_000], [1, 2, 1], [999, 1001]])
def test_a_chart_of_any_prices_has_an_axis(prices):
    drawn = chart.line(prices, currency="USD", open_minor=-(10**12))
    assert drawn.ticks
    assert drawn.open_y is None


def test_a_sealed_value_is_read_by_its_purpose_alone_and_for_a_time():
    seal, other = Seal(["one secret of many"], "cart"), Seal(["one secret of many"], "session")
    text = seal.close({"a": 1})
    assert seal.open(text, max_age_s=60) == {"a": 1}
    assert other.open(text, max_age_s=60) is None
    assert Seal(["another secret it is"], "cart").open(text, max_age_s=60) is None
    assert seal.open(text[:-2], max_age_s=60) is None
    assert seal.open(text, max_age_s=-1) is None


def test_a_secret_that_is_replaced_opens_what_it_sealed_and_seals_no_more():
    old, new = "one secret of many", "another secret it is"
    before, both = Seal([old], "cart"), Seal([new, old], "cart")
    text = before.close({"a": 1})
    assert (both.open(text, max_age_s=60), both.is_old(text)) == ({"a": 1}, True)
    again = both.close({"a": 1})
    assert (both.is_old(again), before.open(again, max_age_s=60)) == (False, None)
    assert Seal([new], "cart").open(text, max_age_s=60) is None


def test_a_value_that_grows_without_end_is_not_unpacked():
    seal = Seal(["one secret of many"], "cart")
    assert seal.open(seal.close("x" * 100_000), max_age_s=60) is None


def test_a_session_survives_its_cookie_and_nothing_else_becomes_one():
    session = Session(csrf="c", access_token="a", refresh_token="r", access_ends_at=5.0)
    assert session_from(session_to(session)) == session
    for other in ({"admin": True}, [], "x", {"csrf": "c", "other": 1}):
        assert session_from(other) == Session()


def test_a_cart_holds_products_and_numbers_only():
    assert cart_from({"a": 1, "b": 0, "c": "2", "d": 100, "e": -1}) == {"a": 1}
    assert cart_from([1]) == {}
    assert len(cart_from({str(number): 1 for number in range(99)})) == MOST_LINES


@pytest.mark.parametrize("text", ["", "x", "//x", "/\\x", "/a\\b", "/\n", "https://x"])
def test_a_path_that_leads_elsewhere_is_the_first_page(text):
    assert safe_path(text) == "/"
