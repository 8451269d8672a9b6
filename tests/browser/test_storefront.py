"""The shop's pages in a browser, with two of each service: with scripts, without, by keys."""

from __future__ import annotations

import re
import uuid

import pytest
from buying import PASSWORD, WHERE, check_out, put_into_cart, sign_up
from playwright.sync_api import Page, expect
from seeing import faults, unseen_focus, weak_text


@pytest.mark.parametrize("scripts", [True, False])
def test_a_customer_signs_up_buys_and_sees_it_confirmed(shop, visit, scripts):
    page = visit(shop, java_script_enabled=scripts)
    sign_up(page)
    put_into_cart(page, "kettle", 2)
    put_into_cart(page, "tumblers")
    expect(page.get_by_role("link", name="Cart, 3 things")).to_be_visible()
    check_out(page)
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("Thank you. Your order is placed.")).to_be_visible()
    # By itself: a script asks again, and without scripts the page loads anew.
    expect(page.get_by_text("Confirmed").first).to_be_visible()
    expect(page.get_by_text("It is paid and on its way")).to_be_visible()
    page.get_by_role("link", name="Orders", exact=True).click()
    expect(page.locator(".orders li")).to_have_count(1)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_declined_card_is_said_and_nothing_is_charged(shop, visit, scripts):
    page = visit(shop, java_script_enabled=scripts)
    sign_up(page)
    put_into_cart(page, "lamp")
    check_out(page)
    page.get_by_label(re.compile("ends in 0002")).check()
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("The payment was declined.")).to_be_visible()


def test_a_button_that_is_pressed_twice_is_one_order(shop, visit):
    page = visit(shop)
    sign_up(page)
    put_into_cart(page, "pencils")
    check_out(page)
    page.get_by_role("button", name="Place order").dblclick()
    expect(page.get_by_text("It is paid and on its way")).to_be_visible()
    page.goto("/orders")
    expect(page.locator(".orders li")).to_have_count(1)


def press_until(page: Page, selector: str, most: int = 60) -> None:
    """Go on with the Tab key until what `selector` names has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the Tab key does not lead to {selector} on {page.url}")


def test_an_order_is_placed_with_the_keyboard_alone(shop, visit):
    page = visit(shop)
    page.goto("/signup")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "#name")
    page.keyboard.type("Ada Lovelace")
    press_until(page, "#email")
    page.keyboard.type(f"keys-{uuid.uuid4().hex[:10]}@example.com")
    press_until(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Welcome, Ada Lovelace")).to_be_visible()
    press_until(page, "#q")
    page.keyboard.type("notebook")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    press_until(page, ".card a")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Quantity")).to_be_visible()
    press_until(page, ".buy .button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your cart")).to_be_visible()
    press_until(page, "a.button.full")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    for name, value in WHERE.items():
        press_until(page, f"#{name}")
        page.keyboard.type(value)
    press_until(page, "[name=payment_token]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    press_until(page, "aside button")
    page.keyboard.press("Space")
    expect(page.get_by_text("It is paid and on its way")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_every_page_can_be_read_and_used_by_everybody(shop, visit, scheme, width):
    page = visit(
        shop,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    wrong: dict[str, list[str]] = {}

    def look(name: str) -> None:
        if found := faults(page) + weak_text(page) + unseen_focus(page):
            wrong[name] = found

    for path in ("/", "/products", "/products?q=zeppelin", "/login", "/cart", "/no-such-page"):
        page.goto(path)
        look(path)
    page.goto("/products?q=kettle")
    page.locator(".card a").first.click()
    look("product")
    page.goto("/login")
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look("login refused")
    sign_up(page)
    put_into_cart(page, "kettle")
    look("cart")
    check_out(page)
    look("checkout")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("It is paid and on its way")).to_be_visible()
    look("order")
    for path in ("/orders", "/account"):
        page.goto(path)
        look(path)
    assert not wrong


def test_what_a_page_is_held_to_is_really_looked_for(shop, visit):
    page = visit(shop)
    page.goto("/login")
    assert not faults(page)
    page.evaluate(
        """() => {
        document.querySelector("label[for=email]").remove();
        document.querySelector("main h1").outerHTML = "<h3>Log in</h3><img src='/favicon.ico'>";
        const text = document.createElement("p");
        text.textContent = "hardly there";
        text.className = "pale";
        document.querySelector("main").append(text);
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(
          ".pale { color: #bbb } a:focus-visible { outline: none }" +
          "main { width: 3000px; max-width: none }");
        document.adoptedStyleSheets = [sheet];
        }"""
    )
    found = " ".join(faults(page))
    for defect in ("no label", "0 h1", "no alternative", "level 3", "wide on"):
        assert defect in found
    assert any("hardly there" in defect for defect in weak_text(page))
    assert unseen_focus(page)


def test_a_script_that_stands_in_a_page_does_not_run(shop, visit):
    page = visit(shop)
    page.goto("/")
    page.evaluate(
        """() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.head.append(script);
        document.body.insertAdjacentHTML("beforeend", "<p style='color: red' id=styled>x</p>");
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.querySelector('#styled')).color") != (
        "rgb(255, 0, 0)"
    )
    assert len(page.said) == 2
    assert all("Content Security Policy" in message for message in page.said)
    page.said.clear()


def test_an_error_of_a_script_is_reported(shop, visit):
    page = visit(shop)
    page.goto("/products")
    with page.expect_response("**/client-errors") as answered:
        page.evaluate("setTimeout(() => { throw new TypeError('made by a test') })")
    assert answered.value.status == 204
    assert answered.value.request.post_data_json["message"].endswith("made by a test")
    assert len(page.said) == 1
    page.said.clear()


def test_nothing_comes_from_elsewhere_and_a_second_page_brings_only_itself(shop, visit):
    page = visit(shop)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    assert all(text.startswith(shop) for text in asked)
    asked.clear()
    page.goto("/products")
    fresh = page.evaluate(
        "performance.getEntriesByType('resource').filter((each) => each.transferSize)"
        ".map((each) => each.name)"
    )
    # The browser brings the tab's icon when it likes: with the first page or the second.
    fresh = [name for name in fresh if "/icon-" not in name]
    assert fresh == [], "files are kept by the browser"
