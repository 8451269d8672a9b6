"""The pages of a trading desk: the market, one instrument with its ticket, the portfolio.

Built by endpoints.py. Numbers are the API's; nothing is added up here but what a page shows in
sum. A ticket carries a key made with it: the same page sent twice is one order.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tarmac_kit import Problem
from tarmac_web import money
from tarmac_web.api import RefusedError
from tarmac_web.visit import Site, Visit

#: Ranges of a chart: what it is called, how many points, and ticks (seconds) between them.
RANGES = {
    "5m": ("5 minutes", 300, 1),
    "1h": ("1 hour", 240, 15),
    "1d": ("1 day", 288, 300),
}
#: The small chart of a row.
SPARK = {"limit": 40, "step": 60}
SPARK_KEEP_S = 30.0
MOST_SHARES = 1_000_000
#: Of a number that is typed; more of them are no number to read.
MOST_DIGITS = 12
_KEY = re.compile(r"[0-9a-f]{32}")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,9}")
Range = Annotated[str, Query(alias="range", max_length=3)]


def build_router(site: Site) -> APIRouter:
    """Build the routes over `site`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_market(request: Request) -> Response:
        visit = site.visit(request)
        items = (await visit.shown_to_all("/market/instruments"))["items"]
        sparks = await asyncio.gather(*(_spark(visit, item["symbol"]) for item in items))
        rows = list(zip(items, sparks, strict=True))
        return visit.page("market.html", rows=rows, mine=await _mine(visit))

    @router.get("/instruments/{symbol}")
    async def show_instrument(request: Request, symbol: str, shown: Range = "5m") -> Response:
        return await _instrument(site.visit(request), symbol, shown=shown)

    @router.post("/instruments/{symbol}/orders")
    async def trade(request: Request, symbol: str) -> Response:
        visit = site.visit(request)
        return await _trade(visit, symbol, await visit.form())

    @router.get("/portfolio")
    async def show_portfolio(request: Request) -> Response:
        return await _portfolio(site.visit(request))

    @router.post("/portfolio/deposits")
    async def deposit(request: Request) -> Response:
        visit = site.visit(request)
        return await _deposit(visit, await visit.form())

    @router.post("/portfolio/orders/{order_id}/cancel")
    async def cancel(request: Request, order_id: str) -> Response:
        visit = site.visit(request)
        await visit.form()
        path = f"/portfolio/orders/{quote(order_id, safe='')}/cancel"
        try:
            order = (await visit.call_as_user("POST", path)).data
        except RefusedError as refused:
            if refused.status != 409:
                raise
            visit.say("This order has ended already.", "bad")
        else:
            visit.say(f"Your order for {order['symbol']} is cancelled.", "plain")
        return visit.go("/portfolio#orders")

    return router


async def _spark(visit: Visit, symbol: str) -> list[int]:
    path = f"/market/quotes/{symbol}/history"
    try:
        found = await visit.site.api.shown_to_all(path, SPARK, keep_s=SPARK_KEEP_S)
    except (RefusedError, Problem):
        return []
    return [point["price_minor"] for point in found["items"]]


async def _mine(visit: Visit) -> dict[str, Any] | None:
    """Return the visitor's account and positions; None without a login."""
    if not visit.session.logged_in:
        return None
    account = (await visit.call_as_user("GET", "/portfolio/account")).data
    positions = (await visit.call_as_user("GET", "/portfolio/positions")).data["items"]
    positions = [position for position in positions if position["quantity"]]
    values = [position["value_minor"] for position in positions]
    value = None if None in values else sum(values)
    cost = sum(position["cost_minor"] for position in positions)
    return {
        "account": account,
        "free_minor": account["cash_minor"] - account["held_minor"],
        "positions": positions,
        "value_minor": value,
        "total_minor": None if value is None else account["cash_minor"] + value,
        "cost_minor": cost,
    }


async def _instrument(
    visit: Visit,
    symbol: str,
    *,
    shown: str = "5m",
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    key: str = "",
    status: int = 200,
) -> Response:
    listed = (await visit.shown_to_all("/market/instruments"))["items"]
    found = next((instrument for instrument in listed if instrument["symbol"] == symbol), None)
    if found is None:
        return visit.page("missing.html", status=404, what="instrument")
    shown = shown if shown in RANGES else "5m"
    _, limit, step = RANGES[shown]
    params = {"limit": limit, "step": step}
    history = (await visit.shown_to_all(f"/market/quotes/{symbol}/history", params))["items"]
    mine = await _mine(visit)
    positions = mine["positions"] if mine else []
    return visit.page(
        "instrument.html",
        instrument=found,
        prices=[point["price_minor"] for point in history],
        seconds=_seconds(history),
        ranges=RANGES,
        shown=shown,
        mine=mine,
        position=next((position for position in positions if position["symbol"] == symbol), None),
        given={"side": "buy", "kind": "market", "quantity": "10", "limit": "", **(given or {})},
        errors=errors or {},
        key=key or uuid4().hex,
        status=status,
    )


def _seconds(history: list[dict[str, Any]]) -> float:
    """Return how long the points of a chart took; nothing for fewer than two."""
    if len(history) < 2:
        return 0
    first, last = (datetime.fromisoformat(history[end]["at"]) for end in (0, -1))
    return (last - first).total_seconds()


async def _trade(visit: Visit, symbol: str, form: dict[str, str]) -> Response:
    given = {name: form.get(name, "") for name in ("side", "kind", "quantity", "limit")}
    key = form.get("key", "")
    key = key if _KEY.fullmatch(key) else uuid4().hex
    shown = form.get("shown", "")
    again = partial(_instrument, visit, symbol, shown=shown, given=given)
    currency = visit.site.settings.currency
    errors: dict[str, str] = {}
    body: dict[str, Any] = {"symbol": symbol, "side": given["side"], "kind": given["kind"]}
    known = given["side"] in ("buy", "sell") and given["kind"] in ("market", "limit")
    if not known or not _SYMBOL.fullmatch(symbol):
        return await again(status=422)
    number = given["quantity"].strip().replace(",", "")
    plain = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    if plain and 1 <= int(number) <= MOST_SHARES:
        body["quantity"] = int(number)
    else:
        errors["quantity"] = f"Type a whole number from 1 to {MOST_SHARES:,}."
    if given["kind"] == "limit":
        try:
            body["limit_price_minor"] = money.typed(given["limit"], currency)
        except money.BadAmount as error:
            errors["limit"] = str(error)
    if errors:
        return await again(errors=errors, key=key, status=422)
    try:
        placed = await visit.call_as_user("POST", "/portfolio/orders", json=body, key=key)
    except RefusedError as refused:
        if refused.status == 401:
            raise
        # The key stands for what was refused.
        errors = _complaints(refused)
        return await again(errors=errors, status=refused.status)
    except Problem:
        errors = {
            "form": "The market did not answer in time. Send the ticket again: an order that was "
            "placed already is not placed twice."
        }
        return await again(errors=errors, key=key, status=503)
    visit.say(_done(placed.data, currency))
    return visit.go(f"/instruments/{symbol}" + (f"?range={shown}" if shown in RANGES else ""))


def _done(order: dict[str, Any], currency: str) -> str:
    shares = f"{order['quantity']:,} {order['symbol']}"
    if order["status"] == "filled":
        verb = "Bought" if order["side"] == "buy" else "Sold"
        return f"{verb} {shares} at {money.shown(order['price_minor'], currency)}."
    limit = money.shown(order["limit_price_minor"], currency)
    return f"Your order to {order['side']} {shares} at {limit} is open; it is filled at that price."


def _complaints(refused: RefusedError) -> dict[str, str]:
    sentences = {
        "insufficient_funds": "Your free cash does not cover this. Trade fewer, or deposit first.",
        "insufficient_shares": "You do not have so many shares that no other order holds.",
        "quotes_unavailable": "There is no fresh price now. Try again in a moment.",
    }
    if refused.code in sentences:
        return {"form": sentences[refused.code]}
    fields = {"limit_price_minor": "limit", "quantity": "quantity"}
    errors = {
        fields[name]: f"This {text}." for name, text in refused.fields.items() if name in fields
    }
    return errors or {"form": f"{refused.title}. {refused.detail}"}


async def _portfolio(
    visit: Visit, *, error: str = "", amount: str = "", key: str = "", status: int = 200
) -> Response:
    mine = await _mine(visit)
    opened = await visit.call_as_user("GET", "/portfolio/orders", params={"status": "open"})
    trades = await visit.call_as_user("GET", "/portfolio/trades", params={"limit": 20})
    return visit.page(
        "portfolio.html",
        mine=mine,
        opened=opened.data["items"],
        trades=trades.data["items"],
        error=error,
        amount=amount,
        key=key or uuid4().hex,
        status=status,
    )


async def _deposit(visit: Visit, form: dict[str, str]) -> Response:
    amount, key = form.get("amount", ""), form.get("key", "")
    key = key if _KEY.fullmatch(key) else uuid4().hex
    currency = visit.site.settings.currency
    try:
        minor = money.typed(amount, currency)
        body = {"amount_minor": minor}
        await visit.call_as_user("POST", "/portfolio/deposits", json=body, key=key)
    except money.BadAmount as error:
        return await _portfolio(visit, error=str(error), amount=amount, key=key, status=422)
    except RefusedError as refused:
        if refused.status == 401:
            raise
        text = f"{refused.title}." if refused.status == 409 else "Type an amount above nothing."
        return await _portfolio(visit, error=text, amount=amount, status=refused.status)
    visit.say(f"{money.shown(minor, currency)} is in your account.")
    return visit.go("/portfolio")
