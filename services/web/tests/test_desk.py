"""The trading desk's pages, and quotes that pass through them as they come."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from visiting import Browser, problem, shop_api

from tarmac_kit import create_app
from tarmac_kit.client import TransportError
from tarmac_kit_testing import FakeTransport, json_response, running
from tarmac_web.app import PART

NOW = "2026-03-03T10:00:00Z"


def instrument(symbol: str, price: int, opened: int) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "name": f"{symbol.title()} Works",
        "currency": "USD",
        "price_minor": price,
        "open_minor": opened,
        "at": NOW,
    }


def filled(**more: Any) -> dict[str, Any]:
    return {
        "id": "o1",
        "symbol": "TARM",
        "side": "buy",
        "kind": "market",
        "quantity": 10,
        "limit_price_minor": None,
        "status": "filled",
        "reason": None,
        "price_minor": 12550,
        "created_at": NOW,
        "updated_at": NOW,
        **more,
    }


def market_api() -> FakeTransport:
    api = shop_api()
    history = {"items": [{"price_minor": 12500 + n % 7, "at": NOW, "seq": n} for n in range(60)]}
    api.answers |= {
        "GET /api/market/instruments": json_response(
            200, {"items": [instrument("TARM", 12550, 12500), instrument("KILN", 2300, 2400)]}
        ),
        "GET /api/market/quotes/TARM/history": json_response(200, history),
        "GET /api/market/quotes/KILN/history": json_response(200, {"items": []}),
        "GET /api/portfolio/account": json_response(
            200, {"currency": "USD", "cash_minor": 100_000, "held_minor": 20_000}
        ),
        "GET /api/portfolio/positions": json_response(
            200,
            {
                "items": [
                    {
                        "symbol": "TARM",
                        "quantity": 10,
                        "held": 2,
                        "cost_minor": 120_000,
                        "price_minor": 12_550,
                        "value_minor": 125_500,
                    }
                ]
            },
        ),
        "GET /api/portfolio/orders": json_response(
            200,
            {"items": [filled(status="open", kind="limit", limit_price_minor=11_000)]},
        ),
        "GET /api/portfolio/trades": json_response(
            200,
            {
                "items": [
                    {
                        "order_id": "o1",
                        "symbol": "TARM",
                        "side": "buy",
                        "quantity": 10,
                        "price_minor": 12_000,
                        "at": NOW,
                    }
                ]
            },
        ),
        "POST /api/portfolio/orders": json_response(201, filled()),
        "POST /api/portfolio/deposits": json_response(201, {}),
        "POST /api/portfolio/orders/o1/cancel": json_response(200, filled(status="cancelled")),
    }
    return api


SETTINGS = {"PAGES": "trading", "THEME": "ledger", "CURRENCY": "USD"}


async def desk(browse, *, logged_in: bool = True) -> Browser:
    browser = await browse(market_api(), **SETTINGS)
    if logged_in:
        await browser.log_in()
    return browser


async def test_the_market_shows_prices_and_their_change_by_sign_and_arrow(browse):
    browser = await desk(browse, logged_in=False)
    shown = await browser.get("/")
    assert "125.50" in shown.text
    assert "+0.40 %" in shown.text
    assert "\N{MINUS SIGN}4.17 %" in shown.text
    assert "#up" in shown.text
    assert "#down" in shown.text
    assert "Open an account" in shown.text
    assert (await browser.get("/cart")).status == 404, "there is no shop here"


async def test_a_user_sees_what_they_have_beside_the_market(browse):
    shown = await (await desk(browse)).get("/")
    assert "$2,255.00" in shown.text, "1,000.00 in cash and 1,255.00 in shares"
    assert "+$55.00" in shown.text


async def test_a_market_without_history_is_shown(browse):
    browser = await desk(browse)
    browser.api.answers["GET /api/market/quotes/TARM/history"] = TransportError("away")
    assert (await browser.get("/")).status == 200


async def test_an_instrument_has_a_chart_that_is_told_in_words_too(browse):
    shown = await (await desk(browse)).get("/instruments/TARM?range=1h")
    assert '<svg class="chart' in shown.text
    assert "TARM over 1 hour: between $125.00 and $125.06" in shown.text
    assert "10 shares" in shown.text


@pytest.mark.parametrize("symbol", ["NONE", "tarm", "%2e%2e"])
async def test_an_unknown_instrument_is_not_there(browse, symbol):
    shown = await (await desk(browse)).get(f"/instruments/{symbol}")
    assert shown.status == 404


async def test_an_instrument_asks_who_is_not_logged_in_to_log_in(browse):
    browser = await desk(browse, logged_in=False)
    shown = await browser.get("/instruments/TARM")
    assert 'href="/login?next=/instruments/TARM"' in shown.text
    assert "Place order" not in shown.text


async def trade(browser: Browser, **changes: str):
    action = "/instruments/TARM/orders"
    return await browser.submit("/instruments/TARM", action, **changes)


async def test_a_market_order_is_filled_and_said(browse):
    browser = await desk(browse)
    done = await trade(browser, side="buy", quantity="10")
    assert done.place == "/instruments/TARM?range=5m"
    (asked,) = browser.asked("POST", "/api/portfolio/orders")
    assert json.loads(asked.body) == {
        "symbol": "TARM",
        "side": "buy",
        "kind": "market",
        "quantity": 10,
    }
    assert "Bought 10 TARM at $125.50." in (await browser.get(done.place)).text


async def test_a_limit_order_waits_and_names_its_price(browse):
    browser = await desk(browse)
    opened = filled(status="open", kind="limit", side="sell", limit_price_minor=13_000)
    browser.api.answers["POST /api/portfolio/orders"] = json_response(202, opened)
    done = await trade(browser, side="sell", kind="limit", limit="130.00", quantity="1,000")
    (asked,) = browser.asked("POST", "/api/portfolio/orders")
    assert json.loads(asked.body)["limit_price_minor"] == 13_000
    assert json.loads(asked.body)["quantity"] == 1000
    assert "at $130.00 is open" in (await browser.get(done.place)).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantity": "0"}, "Type a whole number"),
        ({"quantity": "ten"}, "Type a whole number"),
        ({"quantity": "99999999999999999999"}, "Type a whole number"),
        ({"quantity": "000000000001" + "9" * 5000}, "Type a whole number"),
        ({"kind": "limit", "limit": "cheap"}, "Type an amount such as"),
        ({"kind": "limit", "limit": "1.005"}, "at most 2 digits"),
    ],
)
async def test_a_ticket_that_is_wrong_says_so_beside_its_field(browse, changes, said):
    browser = await desk(browse)
    shown = await trade(browser, **changes)
    assert shown.status == 422
    assert said in shown.text
    assert not browser.asked("POST", "/api/portfolio/orders")


@pytest.mark.parametrize("changes", [{"side": "both"}, {"kind": "Limit"}, {"kind": ""}])
async def test_a_side_or_kind_that_is_none_trades_nothing(browse, changes):
    browser = await desk(browse)
    assert (await trade(browser, **changes)).status == 422
    assert not browser.asked("POST", "/api/portfolio/orders")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (problem(409, "insufficient_funds"), "Your free cash does not cover this"),
        (problem(409, "insufficient_shares"), "You do not have so many shares"),
        (problem(422, "currency_mismatch", "Another currency", detail="Sorry"), "Another currency"),
        (
            problem(422, "x", errors=[{"loc": ["body", "quantity"], "msg": "must be less"}]),
            "This must be less.",
        ),
    ],
)
async def test_a_refused_order_is_said_and_the_next_has_a_new_key(browse, answer, said):
    browser = await desk(browse)
    browser.api.answers["POST /api/portfolio/orders"] = answer
    shown = await trade(browser)
    assert said in shown.text
    await browser.submit(shown, "/instruments/TARM/orders")
    keys = [
        request.headers["Idempotency-Key"]
        for request in browser.asked("POST", "/api/portfolio/orders")
    ]
    assert len(set(keys)) == 2


async def test_a_ticket_of_which_nothing_is_known_is_sent_again_with_its_key(browse):
    browser = await desk(browse)
    browser.api.answers["POST /api/portfolio/orders"] = [
        TimeoutError(),
        json_response(201, filled()),
    ]
    shown = await trade(browser)
    assert shown.status == 503
    assert "not placed twice" in shown.text
    await browser.submit(shown, "/instruments/TARM/orders")
    keys = [
        request.headers["Idempotency-Key"]
        for request in browser.asked("POST", "/api/portfolio/orders")
    ]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_the_portfolio_shows_positions_orders_and_trades(browse):
    shown = await (await desk(browse)).get("/portfolio")
    for text in ("$800.00", "(2 held)", "Buy", "110.00", "+$55.00", "Held by open orders"):
        assert text in shown.text


async def test_a_position_without_a_price_is_shown_without_a_worth(browse):
    browser = await desk(browse)
    position = {"symbol": "TARM", "quantity": 1, "held": 0, "cost_minor": 9}
    position |= {"price_minor": None, "value_minor": None}
    browser.api.answers["GET /api/portfolio/positions"] = json_response(200, {"items": [position]})
    shown = await browser.get("/portfolio")
    assert shown.status == 200
    assert "—" in shown.text


async def test_a_deposit_is_made_once_and_said(browse):
    browser = await desk(browse)
    done = await browser.submit("/portfolio", "/portfolio/deposits", amount="1,234.50")
    assert done.place == "/portfolio"
    (asked,) = browser.asked("POST", "/api/portfolio/deposits")
    assert json.loads(asked.body) == {"amount_minor": 123_450}
    assert asked.headers["Idempotency-Key"]
    assert "$1,234.50 is in your account" in (await browser.get("/portfolio")).text


@pytest.mark.parametrize("amount", ["", "much", "-5", "1.234567"])
async def test_an_amount_that_is_none_is_said(browse, amount):
    browser = await desk(browse)
    shown = await browser.submit("/portfolio", "/portfolio/deposits", amount=amount)
    assert shown.status == 422
    assert 'id="amount-error"' in shown.text


async def test_a_deposit_that_is_refused_is_said(browse):
    browser = await desk(browse)
    browser.api.answers["POST /api/portfolio/deposits"] = problem(409, "account_full", "It is full")
    shown = await browser.submit("/portfolio", "/portfolio/deposits", amount="5")
    assert shown.status == 409
    assert "It is full." in shown.text


async def test_an_open_order_is_cancelled_and_one_that_ended_is_not(browse):
    browser = await desk(browse)
    action = "/portfolio/orders/o1/cancel"
    done = await browser.submit("/portfolio", action)
    assert done.place == "/portfolio#orders"
    assert "Your order for TARM is cancelled" in (await browser.get("/portfolio")).text
    browser.api.answers["POST /api/portfolio/orders/o1/cancel"] = problem(409, "not_cancellable")
    await browser.submit("/portfolio", action)
    assert "has ended already" in (await browser.get("/portfolio")).text


# Live quotes: a real API on loopback, for what is passed on is a connection.


class LiveApi:
    """An API that streams what a test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.visitors: list[str | None] = []
        self.say: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.status = 200
        self.gone = asyncio.Event()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.query_string, request.headers.get("Last-Event-ID")))
        self.visitors.append(request.headers.get("X-Forwarded-For"))
        answer = web.StreamResponse(
            status=self.status, headers={"Content-Type": "text/event-stream"}
        )
        await answer.prepare(request)
        try:
            while (chunk := await self.say.get()) is not None:
                await answer.write(chunk)
        finally:
            self.gone.set()
        return answer


@pytest.fixture
async def live_api():
    made = LiveApi()
    app = web.Application()
    app.router.add_get("/api/market/stream", made.stream)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


class Listener:
    """Reads `/live/quotes` of an app, chunk by chunk."""

    def __init__(self, app: Any, query: str = "", headers: dict[str, str] | None = None) -> None:
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.start: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._left = asyncio.Event()
        sent = {"host": "t", "accept": "text/event-stream", **(headers or {})}
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/live/quotes",
            "raw_path": b"/live/quotes",
            "query_string": query.encode(),
            "root_path": "",
            "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("t", 80),
            "asgi": {"version": "3.0", "spec_version": "2.3"},
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Any) -> None:
        if event["type"] == "http.response.start":
            self.start.set_result(event)
        elif event.get("body"):
            self.chunks.put_nowait(event["body"])

    async def leave(self) -> None:
        self._left.set()
        await self.task


async def test_quotes_pass_through_as_they_come(live_api):
    environ = {"API_URL": live_api.url, "SESSION_SECRET": "s" * 20, **SETTINGS}
    app = create_app([PART], environ)
    async with running(app), asyncio.timeout(60):
        listener = Listener(app, "symbols=TARM,KILN", {"last-event-id": "41"})
        start = await listener.start
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert b"no-store" in headers[b"cache-control"]
        for chunk in (b"id: 42\nevent: quote\ndata: {}\n\n", b": alive\n\n"):
            live_api.say.put_nowait(chunk)
            assert await listener.chunks.get() == chunk, "not held back until there is more"
        assert live_api.asked == [("symbols=TARM,KILN", "41")]
        assert live_api.visitors == ["127.0.0.1"]
        await listener.leave()
        live_api.say.put_nowait(b"x")


async def test_a_stream_ends_when_the_process_drains(live_api):
    app = create_app([PART], {"API_URL": live_api.url, "SESSION_SECRET": "s" * 20, **SETTINGS})
    async with running(app), asyncio.timeout(60):
        listener = Listener(app)
        await listener.start
        live_api.say.put_nowait(b": first\n\n")
        assert await listener.chunks.get() == b": first\n\n"
        assert not listener.task.done()
        app.chassis.drain()
        live_api.say.put_nowait(b": alive\n\n")
        await listener.task
        # It left the API's stream, too: that has nobody to say anything to.
        live_api.say.put_nowait(b": nobody\n\n")
        live_api.say.put_nowait(None)
        await live_api.gone.wait()
        passed = [listener.chunks.get_nowait() for _ in range(listener.chunks.qsize())]
        assert b": nobody\n\n" not in passed


@pytest.mark.parametrize("status", [404, 503])
async def test_without_a_stream_there_is_a_problem_and_the_page_stays_as_it_is(live_api, status):
    live_api.status = status
    live_api.say.put_nowait(None)
    app = create_app([PART], {"API_URL": live_api.url, "SESSION_SECRET": "s" * 20, **SETTINGS})
    async with running(app), asyncio.timeout(60):
        listener = Listener(app)
        assert (await listener.start)["status"] == 503
        assert json.loads(await listener.chunks.get())["code"] == "no_live_quotes"


async def test_an_api_that_is_away_is_a_problem_too():
    environ = {"API_URL": "http://127.0.0.1:9", "SESSION_SECRET": "s" * 20, **SETTINGS}
    app = create_app([PART], environ)
    async with running(app), asyncio.timeout(60):
        assert (await Listener(app).start)["status"] == 503


async def test_more_pages_than_allowed_are_told_to_come_later(live_api):
    environ = {"API_URL": live_api.url, "SESSION_SECRET": "s" * 20, "LIVE_STREAMS_MAX": "1"}
    app = create_app([PART], {**environ, **SETTINGS})
    async with running(app), asyncio.timeout(60):
        first = Listener(app)
        assert (await first.start)["status"] == 200
        second = Listener(app)
        assert (await second.start)["status"] == 503
        await first.leave()
        third = Listener(app)
        assert (await third.start)["status"] == 200
        await third.leave()


async def test_symbols_that_are_none_are_refused():
    environ = {"API_URL": "http://127.0.0.1:9", "SESSION_SECRET": "s" * 20, **SETTINGS}
    app = create_app([PART], environ)
    async with running(app), asyncio.timeout(60):
        assert (await Listener(app, "symbols=../x").start)["status"] == 422
