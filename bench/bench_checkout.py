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
import statistics
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from bench import processes
from bench.copies import changed
from bench.figure import Figure, processor_s, program
from bench.ordering import AT_ONCE, SECONDS, ordered, signed_up, with_cheap_passwords

from tarmac.testing import System, running

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
    """Return orders per second, the 99th percentile of one, and its processor time."""
    pgbench = program("pgbench")
    with changed("shop", with_cheap_passwords) as file, running(file, name="bench") as shop:
        spent = Spent(shop)
        ours = asyncio.run(ordered(shop, asyncio.run(signed_up(shop)), begins=spent.begin))
        by_part = spent.now()
        spent.begin()
        theirs = _written(shop, pgbench)
        rows = spent.now()
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
    costs = {name: took / len(ours) * 1000 for name, took in by_part.items()}
    said = ", ".join(f"{name} {took:.1f}" for name, took in sorted(costs.items(), key=_largest))
    cost = Figure(
        "checkout, processor time",
        "ms",
        sum(costs.values()),
        sum(rows.values()) / len(theirs) * 1000,
        f"of an order in all processes of the shop: {said}; theirs: of a transaction, all the same",
    )
    return [rate, slow, cost]


class Spent:
    """The processor time of a system's processes, by what they are."""

    def __init__(self, system: System) -> None:
        self._nodes = {node.name: node.pid for node in system.nodes() if node.pid}
        self._root = processes.supervisor(system)
        self._before: dict[str, float] = {}

    def begin(self) -> None:
        """Count from now on."""
        self._before = self._read()

    def now(self) -> dict[str, float]:
        """Return the seconds since, of each service and store and of Tarmac's own processes."""
        return {name: took - self._before[name] for name, took in self._read().items()}

    def _read(self) -> dict[str, float]:
        found = {name: processor_s([pid]) for name, pid in self._nodes.items()}
        return {**found, "Tarmac": processor_s([self._root]) - sum(found.values())}


def _largest(part: tuple[str, float]) -> float:
    return -part[1]


def _p99(times_ms: list[float]) -> float:
    return statistics.quantiles(times_ms, n=100)[98]


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
