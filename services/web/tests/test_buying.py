"""The cart, the checkout and the orders; a cart in a cookie and one in the API."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from visiting import KETTLE, ORDER, THROW, order, problem, product, shop_api

from tarmac_kit.client import Response, TransportError
from tarmac_kit_testing import json_response

WHERE = {"name": "Ada", "street": "Quay 1", "postal_code": "9000", "city": "Ghent", "country": "BE"}


async def with_kettles(browse, quantity="2", **settings):
    browser = await browse(**settings)
    done = await browser.submit(f"/products/{KETTLE}", "/cart", quantity=quantity)
    assert (done.status, done.place) == (303, "/cart")
    return browser


async def test_what_is_added_is_in_the_cart_with_its_price(browse):
    browser = await with_kettles(browse)
    shown = await browser.get("/cart")
    assert "Copper kettle is in your cart." in shown.text
    assert "€238.00" in shown.text
    assert 'aria-label="Cart, 2 things"' in shown.text
    await browser.submit(f"/products/{KETTLE}", "/cart", quantity="1")
    assert "€357.00" in (await browser.get("/cart")).text


@pytest.mark.parametrize("quantity", ["0", "-1", "100", "many", "", "²", "1.5"])
async def test_a_quantity_that_is_none_is_said_beside_its_field(browse, quantity):
    browser = await browse()
    shown = await browser.submit(f"/products/{KETTLE}", "/cart", quantity=quantity)
    assert shown.status == 422
    assert "Type a quantity from 1 to 99." in shown.text


async def test_a_line_is_changed_and_taken_out(browse):
    browser = await with_kettles(browse)
    action = f"/cart/lines/{KETTLE}"
    await browser.submit("/cart", action, quantity="5")
    assert "€595.00" in (await browser.get("/cart")).text
    form = (await browser.get("/cart")).form(action)
    wrong = await browser.post(action, {**form, "quantity": "x"})
    assert wrong.status == 422
    await browser.post(action, {**form, "remove": "1"})
    assert "Your cart is empty" in (await browser.get("/cart")).text


async def test_what_is_not_sold_any_more_leaves_the_cart(browse):
    browser = await with_kettles(browse)
    gone = product(KETTLE, "Copper kettle", 1, active=False)
    browser.api.answers[f"GET /api/products/{KETTLE}"] = json_response(200, gone)
    shown = await browser.get("/cart")
    assert "1 thing is not sold any more" in shown.text
    assert "not sold any more" not in (await browser.get("/cart")).text


async def test_an_unknown_product_is_not_added(browse):
    browser = await browse()
    form = (await browser.get(f"/products/{KETTLE}")).form("/cart")
    shown = await browser.post("/cart", {**form, "product_id": str(uuid4())})
    assert shown.status == 404


async def test_a_full_cart_says_so_and_its_cookie_fits_into_a_browser(browse):
    browser = await browse()
    form = (await browser.get(f"/products/{KETTLE}")).form("/cart")
    for number in range(51):
        product_id = str(uuid4())
        browser.api.answers[f"GET /api/products/{product_id}"] = json_response(
            200, product(product_id, f"Thing {number}", 100)
        )
        done = await browser.post("/cart", {**form, "product_id": product_id, "quantity": "9"})
        assert done.status == 303
        assert len(browser.cookies["cart"]) < 3900
    shown = await browser.get("/cart")
    assert "A cart holds 50 different things" in shown.text
    assert "Thing 49" in shown.text


async def test_a_checkout_needs_a_cart_and_a_user(browse):
    browser = await browse()
    assert (await browser.get("/checkout")).place == "/cart"
    browser = await with_kettles(browse)
    assert (await browser.get("/checkout")).place == "/login?next=/checkout"
    await browser.log_in()
    shown = await browser.get("/checkout")
    assert "2 \N{MULTIPLICATION SIGN} Copper kettle" in shown.text
    assert 'value="Ada Lovelace"' in shown.text


async def test_an_order_is_placed_once_with_what_its_page_showed(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    page = await browser.get("/checkout")
    # Meanwhile, in another tab, the cart changes: what was shown is what is ordered.
    await browser.submit(f"/products/{THROW}", "/cart", quantity="1")
    done = await browser.submit(page, "/checkout", **WHERE)
    assert (done.status, done.place) == (303, f"/orders/{ORDER}")
    again = await browser.submit(page, "/checkout", **WHERE)
    assert again.place == done.place
    first, second = browser.asked("POST", "/api/orders")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body
    body = json.loads(first.body)
    assert body["items"] == [{"product_id": KETTLE, "quantity": 2}]
    assert body["payment_token"] == "tok_ok"
    assert body["shipping_address"]["city"] == "Ghent"
    assert "Your cart is empty" in (await browser.get("/cart")).text


async def test_two_checkouts_are_two_orders(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    pages = [await browser.get("/checkout") for _ in range(2)]
    for page in pages:
        await browser.submit(page, "/checkout", **WHERE)
    keys = {request.headers["Idempotency-Key"] for request in browser.asked("POST", "/api/orders")}
    assert len(keys) == 2


async def test_a_field_that_is_missing_is_said_and_what_was_typed_stays(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    shown = await browser.submit("/checkout", "/checkout", **{**WHERE, "street": " "})
    assert shown.status == 422
    assert "The street is missing." in shown.text
    assert 'value="Ghent"' in shown.text
    assert not browser.asked("POST", "/api/orders")


async def test_an_order_of_which_nothing_is_known_is_sent_again_with_its_key(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    placed = json_response(201, order("placed"))
    browser.api.answers["POST /api/orders"] = [TimeoutError(), placed]
    shown = await browser.submit("/checkout", "/checkout", **WHERE)
    assert shown.status == 503
    assert "it is not placed twice" in shown.text
    done = await browser.submit(shown, "/checkout")
    assert done.place == f"/orders/{ORDER}"
    first, second = browser.asked("POST", "/api/orders")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


async def test_an_api_that_is_gone_altogether_is_the_page_that_says_so(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    page = await browser.get("/checkout")
    for route in ("POST /api/orders", f"GET /api/products/{KETTLE}"):
        browser.api.answers[route] = TransportError("away")
    shown = await browser.submit(page, "/checkout", **WHERE)
    assert shown.status == 503
    assert "We will be right back" in shown.text


async def test_what_is_short_is_named_and_the_next_try_has_a_new_key(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    browser.api.answers["POST /api/orders"] = problem(
        409, "out_of_stock", short=[{"product_id": KETTLE, "wanted": 2, "available": 1}]
    )
    shown = await browser.submit("/checkout", "/checkout", **WHERE)
    assert shown.status == 409
    assert "There is not enough of Copper kettle (1 left)" in shown.text
    await browser.submit(shown, "/checkout")
    keys = {request.headers["Idempotency-Key"] for request in browser.asked("POST", "/api/orders")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (problem(422, "not_orderable"), "not sold any more"),
        (problem(422, "idempotency_key_reused", "This key belongs to another"), "belongs to"),
        (
            problem(
                422,
                "invalid_request",
                errors=[{"loc": ["body", "shipping_address", "city"], "msg": "too long"}],
            ),
            "The city is not valid: too long.",
        ),
    ],
)
async def test_a_refusal_is_a_sentence_on_the_same_page(browse, answer, said):
    browser = await with_kettles(browse)
    await browser.log_in()
    browser.api.answers["POST /api/orders"] = answer
    shown = await browser.submit("/checkout", "/checkout", **WHERE)
    assert shown.status == 422
    assert said in shown.text
    assert 'value="Quay 1"' in shown.text


async def test_a_basket_that_was_tampered_with_orders_nothing(browse):
    browser = await with_kettles(browse)
    await browser.log_in()
    done = await browser.submit("/checkout", "/checkout", **WHERE, basket="forged")
    assert done.place == "/cart"
    assert not browser.asked("POST", "/api/orders")


# Orders.


async def test_orders_are_listed_and_one_is_shown(browse):
    browser = await browse()
    await browser.log_in()
    listed = await browser.get("/orders")
    assert f'href="/orders/{ORDER}"' in listed.text
    assert "Confirmed" in listed.text
    shown = await browser.get(f"/orders/{ORDER}")
    assert "It is paid and on its way" in shown.text
    assert "http-equiv" not in shown.text


@pytest.mark.parametrize("status", ["pending", "placed", "paid", "cancelling"])
async def test_an_order_on_its_way_looks_again_by_itself(browse, status):
    browser = await browse()
    await browser.log_in()
    browser.api.answers[f"GET /api/orders/{ORDER}"] = json_response(200, order(status))
    shown = await browser.get(f"/orders/{ORDER}")
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in shown.text
    assert "data-moving" in shown.text


async def test_a_declined_order_says_that_nothing_was_charged(browse):
    browser = await browse()
    await browser.log_in()
    ended = order("cancelled", reason="payment_declined")
    browser.api.answers[f"GET /api/orders/{ORDER}"] = json_response(200, ended)
    shown = await browser.get(f"/orders/{ORDER}")
    assert "The payment was declined. Nothing was charged" in shown.text


async def test_an_order_is_cancelled(browse):
    browser = await browse()
    await browser.log_in()
    browser.api.answers[f"GET /api/orders/{ORDER}"] = json_response(200, order("placed"))
    browser.api.answers[f"POST /api/orders/{ORDER}/cancel"] = json_response(202, order("x"))
    done = await browser.submit(f"/orders/{ORDER}", f"/orders/{ORDER}/cancel")
    assert done.place == f"/orders/{ORDER}"
    assert "Your order is cancelled" in (await browser.get(done.place)).text


async def test_an_order_that_is_paid_already_is_not_cancelled(browse):
    browser = await browse()
    await browser.log_in()
    browser.api.answers[f"GET /api/orders/{ORDER}"] = json_response(200, order("placed"))
    browser.api.answers[f"POST /api/orders/{ORDER}/cancel"] = problem(409, "not_cancellable")
    done = await browser.submit(f"/orders/{ORDER}", f"/orders/{ORDER}/cancel")
    assert "cannot be cancelled any more" in (await browser.get(done.place)).text


async def test_somebody_elses_order_is_not_there(browse):
    browser = await browse()
    await browser.log_in()
    shown = await browser.get(f"/orders/{uuid4()}")
    assert shown.status == 404
    assert "There is no such order" in shown.text


# A cart in the API.


class CartApi:
    """The cart of one user, as the API keeps it."""

    def __init__(self) -> None:
        self.api = shop_api()
        self.lines: dict[str, int] = {}
        for product_id in (KETTLE, THROW):
            path = f"/api/cart/lines/{product_id}"
            self.api.answers[f"PUT {path}"] = self.put
            self.api.answers[f"DELETE {path}"] = self.delete
        self.api.answers["GET /api/cart"] = self.show
        self.api.answers["POST /api/cart/checkout"] = json_response(201, order("placed"))

    def show(self, _request) -> Response:
        lines = [
            {
                "product_id": product_id,
                "name": "Kettle",
                "quantity": number,
                "unit_price_minor": 11900,
            }
            for product_id, number in self.lines.items()
        ]
        body = {"id": "c", "version": 1, "currency": "EUR", "total_minor": 0, "lines": lines}
        return json_response(200, body)

    def put(self, request) -> Response:
        self.lines[request.url.rpartition("/")[2]] = json.loads(request.body)["quantity"]
        return self.show(request)

    def delete(self, request) -> Response:
        self.lines.pop(request.url.rpartition("/")[2])
        return Response(204)


async def test_what_was_chosen_before_the_login_moves_into_the_users_cart(browse):
    cart = CartApi()
    cart.lines = {KETTLE: 1}
    browser = await browse(cart.api, CART="api")
    await browser.submit(f"/products/{KETTLE}", "/cart", quantity="2")
    assert cart.lines == {KETTLE: 1}
    await browser.log_in()
    assert cart.lines == {KETTLE: 3}
    assert 'aria-label="Cart, 3 things"' in (await browser.get("/")).text


async def test_a_cart_in_the_api_is_changed_and_ordered_there(browse):
    cart = CartApi()
    browser = await browse(cart.api, CART="api")
    await browser.log_in()
    await browser.submit(f"/products/{KETTLE}", "/cart", quantity="2")
    await browser.submit("/cart", f"/cart/lines/{KETTLE}", quantity="4")
    assert cart.lines == {KETTLE: 4}
    page = await browser.get("/checkout")
    done = await browser.submit(page, "/checkout", **WHERE)
    assert done.place == f"/orders/{ORDER}"
    (asked,) = browser.asked("POST", "/api/cart/checkout")
    assert set(json.loads(asked.body)) == {"payment_token", "shipping_address"}
    assert 'aria-label="Cart, 0 things"' in (await browser.get("/")).text
    form = (await browser.get("/cart")).form(f"/cart/lines/{KETTLE}")
    await browser.post(f"/cart/lines/{KETTLE}", {**form, "remove": "1"})
    assert cart.lines == {}


async def test_logging_out_leaves_the_cart_in_the_api_and_none_in_the_browser(browse):
    cart = CartApi()
    cart.lines = {KETTLE: 3}
    browser = await browse(cart.api, CART="api")
    await browser.log_in()
    await browser.submit("/account", "/logout")
    assert cart.lines == {KETTLE: 3}
    assert "Your cart is empty" in (await browser.get("/cart")).text
