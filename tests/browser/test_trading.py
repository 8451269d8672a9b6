"""The trading desk in a browser: a trade moves the position, quotes move the page."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Page, expect
from seeing import faults, unseen_focus, weak_text


def sign_up(page: Page) -> None:
    page.goto("/signup?next=/portfolio")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(f"ada-{uuid.uuid4().hex[:10]}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Portfolio")).to_be_visible()


def deposit(page: Page, amount: str) -> None:
    page.goto("/portfolio")
    page.get_by_label(re.compile("Amount in")).fill(amount)
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_text("is in your account.")).to_be_visible()


def first_symbol(page: Page) -> str:
    page.goto("/")
    symbol = page.locator("[data-quote]").first.get_attribute("data-quote")
    assert symbol is not None
    return symbol


def liveliest_symbol(page: Page) -> str:
    """Name the share with the highest price: it moves by more than a cent at almost each tick.

    A cheap one moves by less, and so may show the same price for a quarter of a minute.
    """
    page.goto("/")
    symbol: str = page.evaluate(
        """() => {
          const price = (row) =>
            Number(row.querySelector("[data-price]").textContent.replace(/[^0-9.]/g, ""));
          const rows = [...document.querySelectorAll("[data-quote]")];
          return rows.reduce((a, b) => (price(a) < price(b) ? b : a)).dataset.quote;
        }"""
    )
    return symbol


def trade(page: Page, symbol: str, side: str, quantity: int) -> None:
    page.goto(f"/instruments/{symbol}")
    page.get_by_label(side, exact=True).check()
    page.get_by_label("Shares").fill(str(quantity))
    page.get_by_role("button", name="Place order").click()
    verb = "Bought" if side == "Buy" else "Sold"
    expect(page.get_by_text(f"{verb} {quantity} {symbol} at")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_trade_moves_the_position(trading, visit, scripts):
    page = visit(trading, java_script_enabled=scripts)
    symbol = first_symbol(page)
    sign_up(page)
    deposit(page, "1,000,000")
    trade(page, symbol, "Buy", 10)
    expect(page.locator("[data-holding]")).to_have_text("10 shares")
    trade(page, symbol, "Buy", 5)
    expect(page.locator("[data-holding]")).to_have_text("15 shares")
    trade(page, symbol, "Sell", 12)
    page.goto("/portfolio")
    expect(page.locator(f"[data-position={symbol}] [data-shares]")).to_have_text("3")
    expect(page.get_by_role("region", name="Trades").locator("tbody tr")).to_have_count(3)


def test_an_order_with_a_limit_waits_and_is_cancelled(trading, visit):
    page = visit(trading)
    symbol = first_symbol(page)
    sign_up(page)
    deposit(page, "5000")
    page.goto(f"/instruments/{symbol}")
    page.get_by_label("With a limit").check()
    page.get_by_label("Shares").fill("3")
    page.get_by_label(re.compile("Limit price")).fill("0.50")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text(f"Your order to buy 3 {symbol} at $0.50 is open")).to_be_visible()
    page.goto("/portfolio")
    page.get_by_role("button", name=f"Cancel the order for {symbol}").click()
    expect(page.get_by_text(f"Your order for {symbol} is cancelled.")).to_be_visible()


def test_more_than_the_cash_is_refused_in_words(trading, visit):
    page = visit(trading)
    symbol = first_symbol(page)
    sign_up(page)
    page.goto(f"/instruments/{symbol}")
    page.get_by_label("Shares").fill("1000")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("Your free cash does not cover"))
    expect(page.get_by_role("alert")).to_be_focused()


def test_quotes_move_the_page_without_a_reload(trading, visit):
    page = visit(trading)
    page.goto("/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    prices = page.locator("[data-price]")
    before = prices.all_inner_texts()
    page.wait_for_function(
        "(before) => [...document.querySelectorAll('[data-price]')]"
        ".some((each, index) => each.innerText !== before[index])",
        arg=before,
    )


def test_a_chart_moves_on_with_its_price(trading, visit):
    page = visit(trading)
    page.goto(f"/instruments/{first_symbol(page)}")
    expect(page.locator("[data-live]")).to_have_text("Live")
    line = page.locator("#chart .line").get_attribute("d")
    page.wait_for_function(
        "(line) => document.querySelector('#chart .line').getAttribute('d') !== line", arg=line
    )


def test_quotes_come_back_when_the_api_was_away_for_a_moment(trading, visit):
    page = visit(trading)
    page.route("**/live/quotes*", lambda route: route.fulfill(status=503), times=2)
    page.goto("/")
    expect(page.locator("[data-live]")).to_have_text("Reconnecting")
    expect(page.locator("[data-live]")).to_have_text("Live", timeout=20_000)


def test_without_scripts_prices_are_those_of_the_page(trading, visit):
    page = visit(trading, java_script_enabled=False)
    page.goto("/")
    assert len(page.locator("[data-price]").all_inner_texts()) >= 3
    expect(page.locator("[data-live]")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 360)])
def test_every_page_can_be_read_and_used_by_everybody(trading, visit, scheme, width):
    page = visit(
        trading,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    symbol = first_symbol(page)
    wrong: dict[str, list[str]] = {}

    def look(path: str) -> None:
        page.goto(path)
        if found := faults(page) + weak_text(page) + unseen_focus(page):
            wrong[path] = found

    for path in ("/", f"/instruments/{symbol}", "/instruments/NONE", "/login"):
        look(path)
    sign_up(page)
    deposit(page, "1,000,000")
    trade(page, symbol, "Buy", 10)
    for path in ("/", f"/instruments/{symbol}?range=1d", "/portfolio"):
        look(path)
    assert not wrong


def test_what_somebody_holds_moves_with_its_price(trading, visit):
    page = visit(trading)
    symbol = liveliest_symbol(page)
    sign_up(page)
    deposit(page, "1,000,000")
    trade(page, symbol, "Buy", 900)
    page.goto("/portfolio")
    expect(page.locator("[data-live]")).to_have_text("Live")
    worth = page.locator(f"[data-position={symbol}] [data-value]")
    before, total = worth.inner_text(), page.locator("[data-total]").inner_text()
    expect(worth).not_to_have_text(before, timeout=20_000)
    expect(page.locator("[data-total]")).not_to_have_text(total, timeout=20_000)
    # One moment's figures agree: cash and shares are the total, and none of them is no number.
    cash, shares, whole = page.evaluate(
        """() => [document.querySelector("[data-figures]").dataset.cash / 100,
          ...["[data-in-shares]", "[data-total]"].map((each) =>
            Number(document.querySelector(each).textContent.replace(/[^0-9.]/g, "")))]"""
    )
    assert round(cash + shares, 2) == whole
