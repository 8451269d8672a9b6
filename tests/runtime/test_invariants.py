"""Invariants on real stores: what holds, which rows break one, what cannot be asked."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import asyncpg
import pytest
from sandbox import PORT, Sandbox

pytestmark = pytest.mark.servers

SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      web:
        run: [{sys.executable}, server.py]
        port: {PORT}
        stores: {{orders: orders-db, payments: payments-db}}
    stores:
      orders-db: {{kind: postgres, seed: orders.sql}}
      payments-db: {{kind: postgres, seed: payments.sql}}
    invariants:
      none-is-negative:
        about: No order is below zero.
        store: orders-db
        query: SELECT id, minor FROM orders WHERE minor < 0
      paid:
        equal:
          orders-db: SELECT id, minor FROM orders
          payments-db: SELECT order_id::text::uuid, amount FROM payments
    """
MORE = """\
      typo: {store: orders-db, query: SELECT idd FROM orders}
      widths: {equal: {orders-db: SELECT 1, payments-db: "SELECT 1, 2"}}
"""
ONE = "00000000-0000-4000-8000-000000000001"
ORDERS = f"CREATE TABLE orders (id uuid, minor int); INSERT INTO orders VALUES ('{ONE}', 450)"
PAYMENTS = (
    "CREATE TABLE payments (order_id text, amount numeric); "
    f"INSERT INTO payments VALUES ('{ONE}', 450.00)"
)


def asked(box: Sandbox, *args: str) -> tuple[int, dict[str, Any]]:
    done = box.tarmac("invariants", "--json", *args)
    return done.returncode, {load["name"]: load for load in json.loads(done.stdout)}


def change(box: Sandbox, store: str, statement: str) -> None:
    url = box.tarmac("connect", store, "--url").stdout.strip()

    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def test_each_invariant_is_asked_and_the_rows_that_break_it_are_named(sandbox: Sandbox):
    (sandbox.folder / "orders.sql").write_text(ORDERS)
    (sandbox.folder / "payments.sql").write_text(PAYMENTS)
    sandbox.write(SYSTEM)
    assert "the system is not running" in sandbox.tarmac("invariants").stderr
    sandbox.up("--fast-stores")
    code, found = asked(sandbox)
    assert (code, [invariant["holds"] for invariant in found.values()]) == (0, [True, True])

    change(sandbox, "payments-db", f"INSERT INTO payments VALUES ('{ONE}', 450)")
    change(sandbox, "orders-db", f"INSERT INTO orders VALUES ('{ONE[:-1]}2', -1)")
    code, found = asked(sandbox, "--within", "0.3")
    assert code == 1
    two = {"id": f"{ONE[:-1]}2", "minor": -1}
    assert found["none-is-negative"]["wrong"] == [{"row": two, "times": {"orders-db": 1}}]
    assert found["paid"]["wrong"] == [
        {"row": {"id": ONE, "minor": 450}, "times": {"orders-db": 1, "payments-db": 2}},
        {"row": two, "times": {"orders-db": 1, "payments-db": 0}},
    ]
    said = sandbox.tarmac("invariants").stdout
    assert "VIOLATED  none-is-negative: No order is below zero. (" in said
    assert f"id={ONE}, minor=450: orders-db has 1, payments-db has 2" in said

    file = sandbox.folder / "tarmac.yaml"
    file.write_text(file.read_text().rstrip() + "\n" + MORE.replace("      ", "  "))
    done = sandbox.tarmac("invariants")
    assert done.returncode == 2
    assert 'typo: orders-db rejected the query: column "idd" does not exist' in done.stdout
    assert "widths: its queries return different numbers of columns (orders-db 1, p" in done.stdout
    assert "VIOLATED  paid" in done.stdout, "one that cannot be asked hides no other"
