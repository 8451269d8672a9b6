"""A small shop that can be broken on purpose: what the table of verdicts is measured on.

`python shop.py orders|payments|pricing`; BROKEN names what is wrong with it, nothing if it is
sound. Orders take stock and are charged once by payments, through an outbox; a price is asked of
pricing, which answers fifty times a second at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
from aiohttp import web
from aiohttp.typedefs import Handler

BROKEN = os.environ.get("BROKEN", "")
ANSWER = aiohttp.ClientTimeout(total=1.0)
PRICE = aiohttp.ClientTimeout(total=None if BROKEN == "no timeout" else 0.3)
TABLES = """
    CREATE TABLE IF NOT EXISTS orders (key text PRIMARY KEY, product text);
    CREATE TABLE IF NOT EXISTS outbox (key text PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS stock (product text PRIMARY KEY, remaining int);
    CREATE TABLE IF NOT EXISTS charges (id serial PRIMARY KEY, key text);
    CREATE TABLE IF NOT EXISTS starts (id serial PRIMARY KEY, role text);
"""
TAKE = "UPDATE stock SET remaining = remaining - 1"
CHARGED = "SELECT 1 FROM charges WHERE key = $1"
#: Of each product that many want at once.
STOCK = 4
#: How long a further instance answers that it is ready, and is not.
LIES_S = 2.0
#: How long it serves on after it was told to end.
DRAIN_S = 1.0


async def pool(app: web.Application) -> AsyncIterator[None]:
    app["pool"] = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=10)
    await app["pool"].execute(f"SELECT pg_advisory_lock(1); {TABLES} SELECT pg_advisory_unlock(1);")
    before = "SELECT count(*) FROM starts WHERE role = $1"
    add = f"INSERT INTO starts (role) VALUES ($1) RETURNING ({before})"
    is_further = await app["pool"].fetchval(add, sys.argv[1]) > 0
    lies = is_further and BROKEN == "health that lies"
    app["serves_at"] = time.monotonic() + (LIES_S if lies else 0)
    yield
    await app["pool"].close()


async def clients(app: web.Application) -> AsyncIterator[None]:
    app["retries"] = set()
    async with aiohttp.ClientSession() as app["session"]:
        yield
        for task in app["retries"]:
            task.cancel()


async def relay(app: web.Application) -> AsyncIterator[None]:
    over = asyncio.Event()
    task = asyncio.create_task(deliver(app, over))
    yield
    over.set()
    await task


async def deliver(app: web.Application, over: asyncio.Event) -> None:
    """Deliver what waits in the outbox, again until payments has answered."""
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await over.wait()
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            while not over.is_set() and await deliver_one(app):
                pass


async def deliver_one(app: web.Application) -> bool:
    async with app["pool"].acquire() as connection, connection.transaction():
        key = await connection.fetchval("SELECT key FROM outbox LIMIT 1 FOR UPDATE SKIP LOCKED")
        if key is None or not await charge(app, key):
            return False
        await connection.execute("DELETE FROM outbox WHERE key = $1", key)
    return True


async def charge(app: web.Application, key: str) -> bool:
    url = f"{os.environ['PAYMENTS_URL']}/charges/{key}"
    try:
        async with app["session"].post(url, timeout=ANSWER) as answer:
            return bool(answer.status == 200)
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def order(request: web.Request) -> web.Response:
    if time.monotonic() < request.app["serves_at"]:
        return web.Response(status=503)
    key, product = request.match_info["key"], request.query.get("product", "")
    async with request.app["pool"].acquire() as connection, connection.transaction():
        if product and not await take(connection, product):
            return web.Response(status=409)
        await connection.execute("INSERT INTO orders VALUES ($1, $2)", key, product)
        if BROKEN != "no outbox":
            await connection.execute("INSERT INTO outbox VALUES ($1)", key)
    if BROKEN == "no outbox":
        await charge(request.app, key)
    return web.Response(status=201)


async def take(connection: asyncpg.Connection, product: str) -> bool:
    """Take one of a product; false if there is none."""
    await connection.execute(
        "INSERT INTO stock VALUES ($1, $2) ON CONFLICT DO NOTHING", product, STOCK
    )
    if BROKEN == "raced stock":
        if await connection.fetchval("SELECT remaining FROM stock WHERE product = $1", product) < 1:
            return False
        await connection.execute(
            "UPDATE stock SET remaining = remaining - 1 WHERE product = $1", product
        )
        return True
    query = "UPDATE stock SET remaining = remaining - 1 WHERE product = $1 AND remaining > 0"
    return bool(await connection.execute(query, product) == "UPDATE 1")


async def price(request: web.Request) -> web.Response:
    """Answer with the price, or without one if pricing does not answer in time."""
    if (found := await asked(request.app)) is not None:
        return web.Response(text=found)
    if BROKEN == "retry storm":
        for _ in range(20):
            task = asyncio.create_task(ask_for_ever(request.app))
            request.app["retries"].add(task)
            task.add_done_callback(request.app["retries"].discard)
    return web.Response(text="unknown")


async def asked(app: web.Application) -> str | None:
    with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
        async with app["session"].get(os.environ["PRICING_URL"], timeout=PRICE) as answer:
            return str(await answer.text())
    return None


async def ask_for_ever(app: web.Application) -> None:
    while await asked(app) is None:
        pass


async def charged(request: web.Request) -> web.Response:
    key, connection = request.match_info["key"], request.app["pool"]
    if BROKEN != "no inbox" and await connection.fetchval(
        "SELECT 1 FROM charges WHERE key = $1", key
    ):
        return web.Response()
    await connection.execute("INSERT INTO charges (key) VALUES ($1)", key)
    return web.Response()


async def priced(request: web.Request) -> web.Response:
    async with request.app["turn"]:
        await asyncio.sleep(0.02)
    return web.Response(text="12.50")


async def ready(_: web.Request) -> web.Response:
    return web.Response()


def application(role: str) -> web.Application:
    app = web.Application()
    app.router.add_get("/ready", ready)
    if role == "orders":
        app.router.add_post("/orders/{key}", order)
        app.router.add_get("/price", price)
        app.cleanup_ctx.extend([pool, clients, relay])
    elif role == "payments":
        app.router.add_post("/charges/{key}", charged)
        app.cleanup_ctx.append(pool)
    else:
        app["turn"] = asyncio.Lock()
        app.router.add_get("/", priced)
    return app


async def serve(role: str) -> None:
    """Serve until SIGTERM; whoever still has a connection then is told to make another."""
    app, told = application(role), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)

    @web.middleware
    async def say_goodbye(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if told.is_set():
            answer.force_close()
        return answer

    app.middlewares.append(say_goodbye)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    await told.wait()
    await asyncio.sleep(DRAIN_S)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
