"""hello-dd on real stores: partial offers, purchases that end, prices in every replica."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from journeys import journeys_of
from waiting import until

from tarmac.run.local.host import guard
from tarmac.testing import System, running
from tarmac_kit.cache import LOCK_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "systems/hello-dd/tarmac.yaml"
SERVICES = ("api-gateway", "inventory-service", "pricing-service")
#: Holds up whoever accepts a quote, so that a test knows where a purchase stands.
GATE = 7001
CLOSE = f"""
CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN new; END $$;
CREATE TRIGGER gate BEFORE UPDATE ON quotes FOR EACH ROW
WHEN (new.state = 'accepted') EXECUTE FUNCTION wait_at_the_gate();
GRANT EXECUTE ON FUNCTION wait_at_the_gate TO public;
SELECT pg_advisory_lock({GATE});
"""
OPEN = f"""
SELECT pg_advisory_unlock({GATE}); DROP TRIGGER gate ON quotes; DROP FUNCTION wait_at_the_gate;
"""


journeys = journeys_of("hello-dd")


#: For tests that are about one of each as well, in the fixture's order: so each is brought up once.
ONE_TOO = pytest.mark.parametrize(
    "hello", [2, 1], ids=["two of each", "one of each"], indirect=True
)


@pytest.fixture(scope="module", params=[2], ids=["two of each"])
def hello(request) -> Iterator[System]:
    scale = dict.fromkeys(SERVICES, request.param)
    with running(FILE, name=f"hello{request.param}", scale=scale) as system:
        yield system


def staff_of(hello, session):
    inventory, pricing = hello.url("inventory-service"), hello.url("pricing-service")
    return journeys.Staff(session, inventory, pricing, hello.caller_token)


@pytest.fixture
def ben(hello, session):
    return journeys.Buyer(session, hello.url("api-gateway"))


@pytest.fixture
async def sam(hello, session):
    staff = staff_of(hello, session)
    password = hello.env("inventory-service")["ADMIN_PASSWORD"]
    assert (await staff.log_in("admin@hello-dd.example.com", password)).status == 200
    return staff


@contextlib.asynccontextmanager
async def connected(hello, store: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(hello.store_url(store))
    try:
        yield connection
    finally:
        await connection.close()


def instances(hello, service: str) -> list:
    return [node for node in hello.nodes() if node.name.split(".")[0] == service]


def addresses(hello, service: str) -> list[str]:
    """List where each instance itself listens."""
    return [
        f"http://127.0.0.1:{next(iter(instance.ports.values()))}"
        for instance in instances(hello, service)
    ]


async def metric(session, urls: list[str], name: str, **labels: str) -> list[float]:
    """Read one metric of each of these instances."""
    found = []
    for url in urls:
        text = (await journeys.ask(session, "GET", f"{url}/metrics")).data
        for labelled, value in re.findall(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE):
            if all(f'{key}="{wanted}"' in labelled for key, wanted in labels.items()):
                found.append(float(value))
    return found


def hesitations(hello) -> int:
    """Count how often a replica of pricing gave Redis up for a moment."""
    logs = (hello.logs(instance.name) for instance in instances(hello, "pricing-service"))
    return sum(log.count("cache failed") for log in logs)


@contextlib.contextmanager
def frozen(hello, service: str) -> Iterator[None]:
    """Stop every instance of a service: it holds its connections and answers nothing."""
    pids = [
        pid
        for instance in instances(hello, service)
        for pid in (instance.pid, *guard.descendants(instance.pid))
    ]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def stopped_before_the_last_steps(hello) -> AsyncIterator[None]:
    """Let nobody accept a quote inside the block."""
    async with connected(hello, "pricing-db") as connection:
        await connection.execute(CLOSE)
        try:
            yield
        finally:
            await connection.execute(OPEN)


async def reserved(hello, product_id: str) -> str:
    """Wait until a purchase holds stock of a product; return its id."""
    query = """
        SELECT order_id FROM reservations JOIN reservation_lines USING (order_id)
        WHERE state = 'held' AND product_id = $1
    """
    async with connected(hello, "inventory-db") as connection, asyncio.timeout(20):
        while (found := await connection.fetchval(query, uuid.UUID(product_id))) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return str(found)


@pytest.mark.journey
@ONE_TOO
async def test_one_call_gives_stock_and_price_and_a_purchase_takes_both(ben):
    labels = await ben.find("shipping labels")
    before = await ben.offer(labels["product_id"], "?quantity=100&tier=gold")
    assert before["degraded"] == []
    assert (before["price_minor"], before["total_minor"]) == (990, 99_000)
    assert (await ben.offer(labels["product_id"], "?tier=gold"))["price_minor"] == 1226
    bought = await ben.buy(labels["product_id"], 100)
    assert bought.status in (201, 202), bought.data
    purchase = await ben.ended(bought.data["id"])
    assert (purchase["state"], purchase["total_minor"]) == ("confirmed", 99_000)
    after = await ben.offer(labels["product_id"])
    assert after["available"] == before["available"] - 100


async def test_of_twenty_buyers_the_last_twelve_trolleys_go_to_twelve(ben, session, hello, sam):
    trolley = (await ben.find("trolley"))["product_id"]
    assert (await sam.count(trolley, 12)).status == 200
    buyers = [journeys.Buyer(session, hello.url("api-gateway")) for _ in range(20)]
    ids = await asyncio.gather(*(buyer.insist(trolley, 1, "the only one") for buyer in buyers))
    states = [(await ben.ended(purchase))["state"] for purchase in ids]
    assert sorted(states) == ["cancelled"] * 8 + ["confirmed"] * 12
    offer = await ben.offer(trolley)
    assert (offer["available"], offer["can_buy"]) == (0, False)


async def test_one_key_from_twenty_connections_is_one_purchase(ben):
    scanner = (await ben.find("scanner"))["product_id"]
    before = (await ben.offer(scanner))["available"]
    answers = await asyncio.gather(*(ben.buy(scanner, 3, key="k") for _ in range(20)))
    assert {answer.status for answer in answers} <= {201, 202}
    (purchase_id,) = {answer.data["id"] for answer in answers}
    assert (await ben.ended(purchase_id))["state"] == "confirmed"
    assert (await ben.offer(scanner))["available"] == before - 3


async def test_without_pricing_offers_are_partial_and_the_breaker_spares_it(hello, session, ben):
    scale = (await ben.find("scale"))["product_id"]
    gateways = addresses(hello, "api-gateway")
    with frozen(hello, "pricing-service"):
        offers = [
            (await journeys.ask(session, "GET", f"{url}/offers/{scale}")).data for url in gateways
        ]
        for offer in offers:
            assert (offer["price_minor"], offer["degraded"]) == (None, ["pricing"])
            assert offer["available"] is not None
        for url in gateways:
            asked = [journeys.ask(session, "GET", f"{url}/offers/{scale}") for _ in range(6)]
            assert {answer.status for answer in await asyncio.gather(*asked)} == {200}
        shown = await metric(session, gateways, "client_breaker_state", role="pricing")
        assert shown == [2] * len(gateways), "open"
    end = time.monotonic() + 20
    while (await ben.offer(scale))["degraded"] or any(
        await metric(session, gateways, "client_breaker_state", role="pricing")
    ):
        assert time.monotonic() < end
        for url in gateways:
            await journeys.ask(session, "GET", f"{url}/offers/{scale}")
        await asyncio.sleep(0.1)


async def test_a_failure_in_the_last_step_gives_everything_back(hello, ben, session):
    scanner = (await ben.find("scanner"))["product_id"]
    before = (await ben.offer(scanner))["available"]
    async with stopped_before_the_last_steps(hello):
        buying = asyncio.create_task(ben.buy(scanner, 7))
        purchase_id = await reserved(hello, scanner)
        # Somebody takes the stock away from it: the commit will be refused.
        inventory = staff_of(hello, session)
        released = await inventory.ask(
            "inventory-service", "DELETE", f"/reservations/{purchase_id}"
        )
        assert released.status in (200, 204)
    await buying
    purchase = await ben.ended(purchase_id)
    assert (purchase["state"], purchase["saga"]) == ("cancelled", "compensated")
    assert purchase["reason"].startswith("reservation_released")
    undone = [entry["step"] for entry in purchase["history"] if entry["what"] == "undone"]
    assert undone == ["commit", "accept", "reserve", "quote"]
    assert (await ben.offer(scanner))["available"] == before
    async with connected(hello, "pricing-db") as connection:
        query = "SELECT state FROM quotes WHERE reference = $1"
        assert await connection.fetchval(query, uuid.UUID(purchase_id)) == "released"


async def test_a_purchase_goes_on_when_every_gateway_was_killed_in_the_middle_of_it(hello, ben):
    truck = (await ben.find("hand truck"))["product_id"]
    before = (await ben.offer(truck))["available"]
    key = uuid.uuid4().hex
    async with stopped_before_the_last_steps(hello):
        buying = asyncio.create_task(ben.insist(truck, 2, key))
        purchase_id = await reserved(hello, truck)
        for instance in instances(hello, "api-gateway"):
            await asyncio.to_thread(hello.kill, instance.name)
    assert await buying == purchase_id
    assert (await ben.ended(purchase_id))["state"] == "confirmed"
    assert (await ben.offer(truck))["available"] == before - 2
    await asyncio.to_thread(hello.wait)


async def test_a_price_list_is_a_job_and_its_prices_reach_every_replica(hello, session, ben, sam):
    printer = (await ben.find("label printer"))["product_id"]
    pricing = addresses(hello, "pricing-service")
    for url in pricing * 2:
        price = (await journeys.ask(session, "GET", f"{url}/prices/{printer}")).data
    assert price["cached"] is True
    listed = {"kind": "list", "product_id": printer, "name": "Label printer", "currency": "EUR"}
    sent = await sam.send("summer", [{**listed, "price_minor": price["price_minor"] + 1}])
    assert (sent.status, sent.data["state"]) == (202, "queued")
    job, seen = await sam.job(sent.headers["Location"])
    assert (job["state"], job["result"]) == ("done", {"rules": 1})
    assert set(seen) <= {"queued", "running", "done"}
    for url in pricing:
        shown = (await journeys.ask(session, "GET", f"{url}/prices/{printer}")).data
        assert shown["price_minor"] == price["price_minor"] + 1
    unlisted = {"kind": "tier", "tier": "x", "product_id": str(uuid.uuid4()), "percent_off_bp": 5}
    sent = await sam.send("wrong", [{**listed, "price_minor": 1}, unlisted])
    job, _ = await sam.job(sent.headers["Location"])
    assert (job["state"], job["attempts"]) == ("parked", 3)
    assert unlisted["product_id"] in job["error"]
    assert (await ben.offer(printer))["price_minor"] == price["price_minor"] + 1, "all or none"


async def test_what_one_replica_cached_is_a_hit_in_all_and_a_stampede_reads_once(
    hello, session, sam, ben
):
    shelf = (await ben.find("shelf bin"))["product_id"]
    pricing = addresses(hello, "pricing-service")

    async def loads() -> float:
        return sum(await metric(session, pricing, "pricing_rule_loads_total"))

    async def uses_redis() -> bool:
        shown = [
            (await journeys.ask(session, "GET", f"{url}/prices/{shelf}")).data for url in pricing
        ]
        return not any(answer["degraded"] for answer in shown)

    rule = {"kind": "volume", "product_id": shelf, "min_quantity": 40}
    for off in range(1000, 2000, 100):
        # For a second after Redis did not answer, a process helps itself and says nothing.
        await until(uses_redis)
        slow = hesitations(hello)
        assert (await sam.rule(**{**rule, "percent_off_bp": off})).status == 201
        before = await loads()
        urls = [f"{pricing[n % len(pricing)]}/prices/{shelf}?quantity={n + 1}" for n in range(60)]
        began = time.monotonic()
        answers = await asyncio.gather(*(journeys.ask(session, "GET", url) for url in urls))
        # A process whose lease ended, for it was not run for so long, is replaced by another.
        starved = time.monotonic() - began > LOCK_S
        prices = {answer.data["price_minor"] for answer in answers}
        if len(prices) == 2 and await loads() == before + 1:
            break
        # Redis did not answer in a quarter of a second, on a machine that has much else to do:
        # then each process helps itself, or another's price stays until Redis is told; each says
        # so, and its line may come a moment later.
        await until(lambda slow=slow, starved=starved: starved or hesitations(hello) > slow)
    assert (len(prices), await loads()) == (2, before + 1)
    for url in pricing:
        assert (await journeys.ask(session, "GET", f"{url}/prices/{shelf}")).data["cached"] is True
    assert (await sam.rule(**{**rule, "percent_off_bp": 2000})).status == 201
    for url in pricing:
        shown = (await journeys.ask(session, "GET", f"{url}/prices/{shelf}?quantity=40")).data
        assert shown["price_minor"] == 652


async def test_prices_outlive_redis_and_say_so(hello, session, ben):
    shelf = (await ben.find("shelf bin"))["product_id"]
    url = f"{hello.url('pricing-service')}/prices/{shelf}"
    with frozen(hello, "cache"):
        shown = (await journeys.ask(session, "GET", url)).data
        assert (shown["price_minor"], shown["degraded"]) == (815, ["cache"])
        assert (await ben.offer(shelf))["degraded"] == [], "a price is a price, cached or not"
    end = time.monotonic() + 20
    while (await journeys.ask(session, "GET", url)).data["degraded"]:
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_one_trace_runs_through_all_three_and_is_in_their_logs(hello, session, ben):
    tape = (await ben.find("packing tape"))["product_id"]
    trace = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace}-{uuid.uuid4().hex[:16]}-01"}
    assert (await ben.ask("GET", f"/offers/{tape}", headers=headers)).status == 200
    end = time.monotonic() + 20
    for service in SERVICES:
        while not any(trace in hello.logs(instance.name) for instance in instances(hello, service)):
            assert time.monotonic() < end, service
            await asyncio.sleep(0.05)


async def test_only_staff_sets_stock_and_prices(hello, session, ben):
    tape = (await ben.find("packing tape"))["product_id"]
    stranger = staff_of(hello, session)
    assert (await stranger.count(tape, 1)).status == 401
    assert (await stranger.rule(kind="tier", tier="mine", percent_off_bp=10_000)).status == 401
    account = {"email": "eve@example.com", "password": "correct horse battery", "name": "Eve"}
    await stranger.ask("inventory-service", "POST", "/users/register", account)
    await stranger.log_in(account["email"], account["password"])
    assert (await stranger.count(tape, 1)).status == 403
    assert (await stranger.rule(kind="tier", tier="mine", percent_off_bp=10_000)).status == 403
    for path in ("/prices", "/rules", "/reservations/x", "/users/login"):
        assert (await ben.ask("GET", path)).status == 404, "the gateway has offers alone"


@ONE_TOO
def test_at_rest_every_invariant_holds(hello):
    end = time.monotonic() + 30
    while broken := [verdict for verdict in hello.invariants() if not verdict.holds]:
        assert time.monotonic() < end, broken
        time.sleep(0.3)
