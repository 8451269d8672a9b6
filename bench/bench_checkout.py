"""What a checkout through the whole shop costs, beside pgbench writing the same rows.

Ours: customers order over the gateway; five services, a broker that syncs each event and three
databases have a part in it. Theirs: pgbench on the very server of the orders, one transaction with
the rows that an order leaves there. So the ratio is what prices, stock, payments, events and HTTP
cost on top. Two settings of the shop are others than a visitor finds: customers may order as often
as they can, and their passwords are hashed in a moment. Without pgbench nothing is measured.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from bench.copies import changed
from bench.figure import Figure

from tarmac.testing import System, running

AT_ONCE = 16
SECONDS = 8
PRODUCT = "5eed0000-0000-4000-8000-000000004001"
TABLES = "CREATE TABLE bench_{0} (LIKE {0} INCLUDING ALL)"
#: The rows of one order that is placed: the order, its line, two states, its event.
SCRIPT = """
BEGIN;
INSERT INTO bench_orders (id, customer_id, email, idempotency_key, fingerprint, currency,
    total_minor, payment_token, step_at)
  VALUES (gen_random_uuid(), 'c', 'a@example.com', gen_random_uuid()::text, 'f', 'EUR',
    1690, 'tok_ok', now()) RETURNING id AS order_id \\gset
INSERT INTO bench_order_lines (order_id, position, product_id, name, quantity, unit_price_minor)
  VALUES (':order_id', 0, gen_random_uuid(), 'Dotted notebook, A5', 1, 1690);
INSERT INTO bench_order_history (order_id, state)
  VALUES (':order_id', 'pending'), (':order_id', 'placed');
INSERT INTO bench_outbox (id, aggregatetype, aggregateid, type, payload, headers)
  VALUES (gen_random_uuid(), 'order', ':order_id', 'order.placed', '{"total_minor": 1690}', '{}');
COMMIT;
"""


def measure() -> list[Figure]:
    """Return orders per second, and the 99th percentile of one."""
    pgbench = shutil.which("pgbench")
    if pgbench is None:
        return []
    with changed("shop", _with_cheap_passwords) as file, running(file, name="bench") as shop:
        ours = asyncio.run(_ordered(shop))
        theirs = _written(shop, pgbench)
    note = (
        f"{AT_ONCE} at once, {SECONDS} s each, durable stores; theirs: pgbench, the rows that an "
        "order leaves in its own database, in one transaction on the same server"
    )
    rate = Figure(
        "checkout through the shop",
        "orders/s",
        len(ours) / SECONDS,
        len(theirs) / SECONDS,
        f"more is better; {note}",
    )
    slow = Figure("checkout, 99th percentile", "ms", _p99(ours), _p99(theirs), note)
    return [rate, slow]


def _with_cheap_passwords(system: dict[str, Any]) -> None:
    """Have passwords cost nothing: they are not measured."""
    system["services"]["user-service"]["env"]["BCRYPT_COST"] = "4"


def _p99(times_ms: list[float]) -> float:
    return statistics.quantiles(times_ms, n=100)[98]


async def _ordered(shop: System) -> list[float]:
    """Order for some seconds; return what each order took until its answer, in ms."""
    database = await asyncpg.connect(shop.store_url("products-db"))
    await database.execute("UPDATE stock SET on_hand = 100000000 WHERE product_id = $1", PRODUCT)
    await database.close()
    gateway = shop.url("api-gateway")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        tokens = [await _token(session, gateway) for _ in range(AT_ONCE)]
        await _load(session, gateway, tokens, 2.0)  # what is made at the first request is there
        return await _load(session, gateway, tokens, SECONDS)


async def _token(session: Any, gateway: str) -> str:
    account = {"email": f"{uuid.uuid4().hex}@example.com", "password": uuid.uuid4().hex}
    users = f"{gateway}/api/users"
    async with session.post(f"{users}/register", json={**account, "name": "Bench"}) as answer:
        answer.raise_for_status()
    async with session.post(f"{users}/login", json=account) as answer:
        answer.raise_for_status()
        token: str = (await answer.json())["access_token"]
        return token


async def _load(session: Any, gateway: str, tokens: list[str], seconds: float) -> list[float]:
    times_ms: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def buyer(token: str) -> None:
        while (began_at := time.perf_counter()) < ends_at:
            async with session.post(
                f"{gateway}/api/orders",
                json={
                    "items": [{"product_id": PRODUCT, "quantity": 1}],
                    "payment_token": "tok_ok",
                },
                headers={
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": uuid.uuid4().hex,
                },
            ) as answer:
                if answer.status not in (201, 202):
                    raise SystemExit(f"checkout: {answer.status} {await answer.text()}")
                await answer.read()
            times_ms.append((time.perf_counter() - began_at) * 1000)

    await asyncio.gather(*(buyer(token) for token in tokens))
    return times_ms


def _written(shop: System, pgbench: str) -> list[float]:
    """Have pgbench write the same rows; return what each transaction took, in ms."""
    url = urlsplit(shop.store_url("orders-db"))
    asyncio.run(_tables(shop.store_url("orders-db")))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "order.sql"
        script.write_text(SCRIPT.strip() + "\n", encoding="utf-8")
        done = subprocess.run(
            [
                pgbench,
                *("-n", "-c", str(AT_ONCE), "-j", "2", "-T", str(SECONDS), "-f", str(script)),
                *("-l", "--log-prefix", f"{folder}/log"),
                *("-h", str(url.hostname), "-p", str(url.port), "-U", str(url.username)),
                url.path.lstrip("/"),
            ],
            env={"PGPASSWORD": str(url.password)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or re.search(r"failed transactions: [1-9]", done.stdout):
            raise SystemExit(f"pgbench: {done.stdout}{done.stderr}")
        lines = [line for log in Path(folder).glob("log*") for line in log.read_text().splitlines()]
    return [int(line.split()[2]) / 1000 for line in lines]


async def _tables(url: str) -> None:
    connection = await asyncpg.connect(url)
    for table in ("orders", "order_lines", "order_history", "outbox"):
        await connection.execute(TABLES.format(table))
    await connection.close()
