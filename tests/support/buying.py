"""What a customer of the shop does in a browser."""

from __future__ import annotations

import uuid

from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery"
WHERE = {"street": "Sint-Pietersplein 1", "postal_code": "9000", "city": "Ghent"}


def sign_up(page: Page) -> None:
    page.goto("/signup")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(f"ada-{uuid.uuid4().hex[:10]}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Welcome, Ada Lovelace")).to_be_visible()


def put_into_cart(page: Page, words: str, quantity: int = 1) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill(words)
    page.get_by_role("searchbox").press("Enter")
    page.locator(".card a").first.click()
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("heading", name="Your cart")).to_be_visible()


def check_out(page: Page) -> None:
    page.get_by_role("link", name="Go to checkout").click()
    for name, value in WHERE.items():
        page.locator(f"#{name}").fill(value)
