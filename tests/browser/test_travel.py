"""The travel agency's pages in a browser: the same code, another look, a cart in the API."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, expect
from seeing import faults, unseen_focus, weak_text


def log_in_anew(page: Page) -> None:
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(f"ada-{uuid.uuid4().hex[:10]}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Welcome, Ada Lovelace")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_trip_chosen_before_the_login_is_booked_after_it(travel, visit, scripts):
    page = visit(travel, java_script_enabled=scripts)
    page.goto("/products?q=ghent")
    page.locator(".card a").first.click()
    page.get_by_label("Travellers").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("link", name="Cart, 2 places")).to_be_visible()
    page.goto("/signup?next=/cart")
    log_in_anew(page)
    expect(page.get_by_role("link", name="Cart, 2 places")).to_be_visible()
    page.get_by_role("link", name="Go to checkout").click()
    page.get_by_label("Street and number").fill("Quay 1")
    page.get_by_label("City").fill("Ghent")
    page.get_by_role("button", name="Book and pay").click()
    expect(page.get_by_text("Your places are booked.")).to_be_visible()
    expect(page.get_by_role("link", name="Cart, 0 places")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_every_page_can_be_read_and_used_by_everybody(travel, visit, scheme, width):
    page = visit(
        travel,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    wrong: dict[str, list[str]] = {}

    def look(name: str) -> None:
        if found := faults(page) + weak_text(page) + unseen_focus(page):
            wrong[name] = found

    for path in ("/", "/products?category=mountains", "/cart"):
        page.goto(path)
        look(path)
    page.goto("/products")
    page.locator(".card a").first.click()
    page.wait_for_url("**/products/*-*-*-*-*")  # the click returns before the page is another
    look("product")
    assert not wrong
