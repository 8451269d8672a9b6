"""The whole shop on real stores, as its customers use it and while its parts are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from journeys import journeys_of
from mailing import emails
from other_brokers import on_rabbitmq
from sandbox import ps

from tarmac.run.local.host import guard
from tarmac.run.local.state.paths import Home
from tarmac_identity import keys

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
NAMESPACE = f"e2e-{os.getpid()}"


Shopper = journeys_of("shop").Shopper


def tarmac(*args: str, folder: Path = ROOT / "systems/shop") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TARMAC, args[0], str(folder), *args[1:], "-n", NAMESPACE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


@dataclass(frozen=True)
class Shop:
    """The running shop, as somebody on the same machine sees it."""

    folder: Path
    gateway: str
    mail: str

    def tarmac(self, *args: str) -> subprocess.CompletedProcess[str]:
        return tarmac(*args, folder=self.folder)

    def node(self, name: str) -> dict:
        nodes = ps(Home.of(self.folder / "tarmac.yaml", NAMESPACE))["nodes"]
        return next(node for node in nodes if node["name"] == name)

    def kill(self, name: str) -> int:
        pid = self.node(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a process and all below it: it holds its connections and answers nothing."""
        pid = self.node(name)["pid"]
        pids = [pid, *guard.descendants(pid)]
        try:
            for stopped in pids:
                os.kill(stopped, signal.SIGSTOP)
            yield
        finally:
            for stopped in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stopped, signal.SIGCONT)

    async def healthy(self, name: str, *, not_pid: int | None = None) -> None:
        end = time.monotonic() + 60
        while True:
            node = await asyncio.to_thread(self.node, name)
            if node["state"] == "healthy" and node["pid"] != not_pid:
                return
            assert time.monotonic() < end, node
            await asyncio.sleep(0.1)

    @property
    def secrets(self) -> dict[str, str]:
        return json.loads((self.folder / f".tarmac/{NAMESPACE}/secrets.json").read_text())

    def database(self, store: str, user: str, password: str) -> str:
        port = self.node(store)["ports"]["main"]
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{store.removesuffix('-db')}"

    def admin(self, store: str) -> str:
        return self.database(store, "postgres", self.secrets[f"stores/{store}/admin"])

    async def rows(self, store: str, query: str, *args: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.admin(store))
        try:
            return await connection.fetch(query, *args)
        finally:
            await connection.close()


#: For tests of what a broker has a part in: who is told, what is told again, who is ready.
ON_RABBITMQ_TOO = pytest.mark.parametrize("shop", ["nats", "rabbitmq"], indirect=True)


@pytest.fixture(scope="module", params=["nats"])
def shop(request, tmp_path_factory):
    folder = ROOT / "systems/shop"
    if request.param == "rabbitmq":
        folder = on_rabbitmq(tmp_path_factory.mktemp("shop"))
    up = tarmac("up", "-d", "--json", folder=folder)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        nodes = {node["name"]: node for node in json.loads(up.stdout)["nodes"]}
        assert {name for name, node in nodes.items() if node["role"] == "service"} == {
            "api-gateway",
            "user-service",
            "product-service",
            "order-service",
            "payment-service",
            "notification-service",
            "storefront",
        }
        # What was asked for answers, and nothing in its place.
        log = (folder / f".tarmac/{NAMESPACE}/logs/broker.log").read_text()
        assert ("rabbit" in log) == (request.param == "rabbitmq")
        yield Shop(folder, nodes["api-gateway"]["url"], nodes["mail"]["page"])
    finally:
        down = tarmac("down", "--delete-data", folder=folder)
    assert down.returncode == 0, down.stdout + down.stderr


@pytest.fixture
async def ann(shop, session):
    shopper = Shopper(session, shop.gateway)
    registered = await shopper.sign_up()
    assert registered.status == 201
    assert shopper.token
    return shopper


@pytest.mark.journey
@ON_RABBITMQ_TOO
async def test_a_customer_registers_browses_orders_pays_and_gets_an_email(shop, session, ann):
    profile = await ann.ask("GET", "/api/users/me")
    assert (profile.status, profile.data["email"]) == (200, ann.email)
    listed = await ann.ask("GET", "/api/products?limit=5")
    assert len(listed.data["items"]) == 5
    product = await ann.find("kettle")
    before = await ann.stock(product["id"])
    placed = await ann.order(product["id"], 2)
    assert placed.status == 201
    assert placed.data["total_minor"] == 2 * product["price_minor"]
    assert str(uuid.UUID(placed.data["id"])) == placed.data["id"]
    order = await ann.ended(placed.data["id"])
    assert order["status"] == "confirmed"
    assert await ann.stock(product["id"]) == before - 2
    (email,) = await emails(shop.mail, session, ann.email, 1)
    assert product["name"] in email["text"]
    (welcome,) = await emails(shop.mail, session, ann.email, 1, begin="Welcome")
    assert shop.node("storefront")["url"] in welcome["text"]
    assert [item["id"] for item in await ann.listed()] == [order["id"]]
    paid = "SELECT FROM payments WHERE order_id = $1"
    assert len(await shop.rows("payments-db", paid, uuid.UUID(order["id"]))) == 1
    # This customer has no browser, and asks products and payments nothing that needs a token.
    never = shop.tarmac("edges", "--unused", "--json")
    assert never.returncode == 1
    assert {(edge["source"], edge["target"]) for edge in json.loads(never.stdout)["edges"]} == {
        ("storefront", "api-gateway"),
        ("payment-service", "user-service"),
        ("product-service", "user-service"),
    }


def test_what_services_use_is_measured_and_their_requests_are_judged_by_it(shop):
    done = shop.tarmac("cost", "--env", "production", "--measure", "1", "--json")
    sizes = json.loads(done.stdout)["sizes"]
    assert len([one for one in sizes if one["requested"]["cpu"] == 0.25]) == 7
    assert all(20 < s["used"]["memory_mib"] < s["advised"]["memory_mib"] for s in sizes)


async def test_tokens_are_refreshed_and_an_old_one_is_worth_nothing(ann):
    body = {"refresh_token": ann.refresh_token}
    fresh = await ann.ask("POST", "/api/users/refresh", body)
    assert fresh.status == 200
    ann.token = fresh.data["access_token"]
    assert (await ann.ask("GET", "/api/users/me")).status == 200
    assert (await ann.ask("POST", "/api/users/refresh", body)).status == 401


@ON_RABBITMQ_TOO
async def test_a_declined_card_cancels_the_order_and_releases_the_stock(shop, session, ann):
    product = await ann.find("lamp")
    before = await ann.stock(product["id"])
    placed = await ann.order(product["id"], 3, payment_token="tok_declined")
    order = await ann.ended(placed.data["id"])
    assert (order["status"], order["reason"]) == ("cancelled", "payment_declined")
    assert await ann.stock(product["id"]) == before
    (email,) = await emails(shop.mail, session, ann.email, 1)
    assert "cancelled" in email["subject"]


@pytest.mark.parametrize("token", ["tok_timeout", "tok_twice", "tok_error_once"])
async def test_a_provider_that_misbehaves_takes_the_money_once(shop, ann, token):
    product = await ann.find("tumblers")
    placed = await ann.order(product["id"], 1, payment_token=token)
    order = await ann.ended(placed.data["id"])
    assert order["status"] == "confirmed"
    charges = await shop.rows(
        "payments-db",
        "SELECT state FROM payments WHERE order_id = $1",
        uuid.UUID(order["id"]),
    )
    assert [row["state"] for row in charges] == ["captured"]


async def test_the_same_key_twice_is_one_order_even_at_the_same_time(ann):
    product = await ann.find("tumblers")
    key = uuid.uuid4().hex
    answers = await asyncio.gather(*(ann.order(product["id"], key=key) for _ in range(10)))
    made = {answer.data["id"] for answer in answers if answer.status == 201}
    assert len(made) == 1
    assert all(answer.status in (201, 409) for answer in answers)
    again = await ann.order(product["id"], key=key)
    assert (again.status, again.data["id"]) == (201, made.pop())
    other = await ann.order(product["id"], 2, key=key)
    assert other.status == 422
    assert len(await ann.listed()) == 1


async def test_another_customers_order_does_not_exist(shop, session, ann):
    product = await ann.find("tumblers")
    placed = await ann.order(product["id"])
    bob = Shopper(session, shop.gateway)
    await bob.sign_up()
    assert (await bob.ask("GET", f"/api/orders/{placed.data['id']}")).status == 404
    assert (await bob.ask("POST", f"/api/orders/{placed.data['id']}/cancel")).status == 404
    assert (await ann.ask("GET", f"/api/orders/{placed.data['id']}")).status == 200


async def test_nobody_gets_in_without_a_token_that_is_really_ours(shop, session, ann):
    (row,) = await shop.rows("users-db", "SELECT kid, private_key FROM signing_keys LIMIT 1")
    secret = shop.secrets["services/user-service/KEY_ENCRYPTION_SECRET"]
    ours = keys.open_up(row["kid"], row["private_key"], secret).private_key
    forger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(ann.token, options={"verify_signature": False})
    header = {"kid": row["kid"]}
    now = int(time.time())

    def signed(key=ours, headers=header, algorithm="RS256", **changes) -> str:
        return jwt.encode({**claims, **changes}, key, algorithm=algorithm, headers=headers)

    tokens = {
        "ours": signed(),
        "forged": signed(forger),
        "expired": signed(iat=now - 7200, nbf=now - 7200, exp=now - 3600),
        "not yet": signed(nbf=now + 3600),
        "alg none": signed(None, algorithm="none"),
        "hmac": signed("x" * 64, algorithm="HS256"),
        "unknown kid": signed(headers={"kid": "other"}),
        "wrong audience": signed(aud="bank"),
        "wrong issuer": signed(iss="https://elsewhere.example.com"),
        "garbage": "a.b.c",
    }
    statuses = {}
    for name, token in tokens.items():
        stranger = Shopper(session, shop.gateway, token=token)
        statuses[name] = (await stranger.ask("GET", "/api/orders")).status
    statuses["missing"] = (await Shopper(session, shop.gateway).ask("GET", "/api/orders")).status
    assert statuses.pop("ours") == 200
    assert set(statuses.values()) == {401}, statuses
    problem = await Shopper(session, shop.gateway).ask("GET", "/api/orders")
    assert problem.headers["Content-Type"].startswith("application/problem+json")
    assert "Bearer" in problem.headers["WWW-Authenticate"]


async def test_more_than_the_stock_cannot_be_sold(shop, session, ann):
    admin = Shopper(session, shop.gateway, email="admin@ecommerce.example.com")
    admin.password = shop.secrets["services/user-service/ADMIN_PASSWORD"]
    assert (await admin.log_in()).status == 200
    product = await ann.find("throw")
    path = f"/api/products/{product['id']}/stock"
    assert (await ann.ask("PUT", path, {"on_hand": 1000})).status == 403
    assert (await admin.ask("PUT", path, {"on_hand": 5})).status == 200
    answers = await asyncio.gather(*(ann.order(product["id"]) for _ in range(12)))
    sold = [answer.data["id"] for answer in answers if answer.status == 201]
    short = [answer for answer in answers if answer.status == 409]
    assert (len(sold), len(short)) == (5, 7)
    assert {(await ann.ended(order))["status"] for order in sold} == {"confirmed"}
    assert await ann.stock(product["id"]) == 0


@ON_RABBITMQ_TOO
async def test_an_order_whose_message_was_parked_is_paid_once_that_is_replayed(shop, ann):
    product = await ann.find("tumblers")
    me = (await ann.ask("GET", "/api/users/me")).data["id"]
    # A bug that only this customer meets.
    broken = f"ALTER TABLE payments ADD CONSTRAINT bug CHECK (customer_id <> '{me}') NOT VALID"
    await shop.rows("payments-db", broken)
    placed = await ann.order(product["id"])
    end = time.monotonic() + 30
    # As if it had failed as often as it may, but for one time more.
    worn = "UPDATE parked SET failures = 19 WHERE key = $1 AND failures > 0 RETURNING 1"
    while not await shop.rows("payments-db", worn, placed.data["id"]):
        assert time.monotonic() < end, "the message was not scheduled for retry"
        await asyncio.sleep(0.05)
    while not (found := json.loads(shop.tarmac("dead-letters", "--json").stdout)["dead_letters"]):
        assert time.monotonic() < end, "the message was not dead-lettered"
        await asyncio.sleep(0.1)
    (one,) = found
    assert (one["what"], one["key"]) == ("payments of order.placed", placed.data["id"])
    assert (one["failures"], one["behind"]) == (20, 0)
    assert 'violates check constraint "bug"' in one["error"]
    shown = shop.tarmac("dead-letters")
    assert (shown.returncode, one["id"] in shown.stdout) == (1, True)
    assert "notification-service has no database" in shown.stdout
    await shop.rows("payments-db", "ALTER TABLE payments DROP CONSTRAINT bug")
    assert "no dead letter with this id" in shop.tarmac("dead-letters", "--replay", "x/1").stderr
    assert "1 will be retried" in shop.tarmac("dead-letters", "--replay", one["id"]).stdout
    assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
    assert shop.tarmac("dead-letters").stdout.startswith("no dead letters")


@ON_RABBITMQ_TOO
async def test_the_broker_killed_in_mid_flow_loses_nothing(shop, session, ann):
    product = await ann.find("tumblers")
    first = [await ann.order(product["id"]) for _ in range(3)]
    pid = shop.kill("broker")
    second = [await ann.order(product["id"]) for _ in range(3)]
    await shop.healthy("broker", not_pid=pid)
    third = [await ann.order(product["id"]) for _ in range(3)]
    placed = [*first, *second, *third]
    assert [answer.status for answer in placed] == [201] * 9
    ended = [await ann.ended(answer.data["id"], 60) for answer in placed]
    assert {order["status"] for order in ended} == {"confirmed"}
    subjects: set[str] = set()
    while len(subjects) < 9:  # an email may come twice, and before another one comes at all
        subjects = {email["subject"] for email in await emails(shop.mail, session, ann.email, 9)}
    assert len(subjects) == 9


@pytest.mark.parametrize("store", ["orders-db", "payments-db", "products-db"])
async def test_a_database_killed_in_mid_flow_loses_nothing(shop, ann, store):
    product = await ann.find("tumblers")
    orders = []
    for number in range(6):
        if number == 2:
            pid = shop.kill(store)
        orders.append(await ann.insist(product["id"], uuid.uuid4().hex))
    await shop.healthy(store, not_pid=pid)
    ended = [await ann.ended(order, 60) for order in orders]
    assert {order["status"] for order in ended} == {"confirmed"}
    ids = [uuid.UUID(order) for order in orders]
    assert len(set(ids)) == 6
    count = "SELECT order_id, count(*) AS n FROM payments WHERE order_id = ANY($1) GROUP BY 1"
    assert {row["n"] for row in await shop.rows("payments-db", count, ids)} == {1}
    assert len(await ann.listed()) == 6, "one order for each key"


@ON_RABBITMQ_TOO
async def test_order_service_killed_between_commit_and_publish_loses_no_event(shop, ann):
    product = await ann.find("tumblers")
    with shop.frozen("broker"):  # it accepts nothing, so nothing is published
        placed = await ann.order(product["id"])
        assert placed.status == 201
        (row,) = await shop.rows(
            "orders-db",
            "SELECT published_at FROM outbox WHERE aggregateid = $1",
            placed.data["id"],
        )
        assert row["published_at"] is None
        pid = shop.kill("order-service")
    await shop.healthy("order-service", not_pid=pid)
    assert (await ann.ended(placed.data["id"], 60))["status"] == "confirmed"


@pytest.mark.parametrize(
    "service", ["product-service", "order-service", "payment-service", "notification-service"]
)
@ON_RABBITMQ_TOO
async def test_a_service_killed_while_orders_flow_loses_nothing(shop, session, ann, service):
    product = await ann.find("tumblers")
    orders = []
    for number in range(5):
        if number == 2:
            pid = shop.kill(service)
        orders.append(await ann.insist(product["id"], uuid.uuid4().hex))
    await shop.healthy(service, not_pid=pid)
    assert len(set(orders)) == 5
    assert {(await ann.ended(order, 60))["status"] for order in orders} == {"confirmed"}
    assert len(await emails(shop.mail, session, ann.email, len(orders))) >= len(orders)


@ON_RABBITMQ_TOO
async def test_ready_follows_the_database_and_live_does_not(shop, session, ann):
    service = shop.node("payment-service")["url"]

    async def status(path: str) -> int:
        async with session.get(service + path) as answer:
            return answer.status

    async def becomes(wanted: int) -> bool:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if await status("/health/ready") == wanted:
                return True
            await asyncio.sleep(0.1)
        return False

    for store in ("payments-db", "broker"):
        assert await becomes(200)
        with shop.frozen(store):
            assert await becomes(503), store
            assert await status("/health/live") == 200
        assert await becomes(200), store


async def test_no_service_can_open_another_ones_database(shop):
    secrets = shop.secrets
    stores = {
        "user-service": "users-db",
        "product-service": "products-db",
        "order-service": "orders-db",
        "payment-service": "payments-db",
    }
    for service, own in stores.items():
        password = secrets[f"stores/{own}/{service}"]
        for store in stores.values():
            url = shop.database(store, service.replace("-", "_"), password)
            if store == own:
                await (await asyncpg.connect(url)).close()
            else:
                with pytest.raises(asyncpg.InvalidPasswordError):
                    await asyncpg.connect(url)


@ON_RABBITMQ_TOO
async def test_no_secret_is_in_a_log_or_in_a_command_line(shop):
    values = set(shop.secrets.values())
    logs = shop.folder / f".tarmac/{NAMESPACE}/logs"
    for log in logs.iterdir():
        content = log.read_text()
        assert not [value for value in values if value in content], log.name
    ps = ["ps", "axww", "-o", "args"]
    lines = await asyncio.to_thread(subprocess.run, ps, capture_output=True, text=True, check=True)
    assert "postgres" in lines.stdout
    assert not [value for value in values if value in lines.stdout]


async def test_the_public_face_is_the_gateway_alone(shop, session):
    async with session.get(f"{shop.gateway}/docs") as page:
        assert page.status == 200
        text = await page.text()
    assert "/api/orders" in text
    assert "/reservations" not in text
    for path in ("/api/products/../reservations/x", "/reservations/x", "/prices", "/api/nothing"):
        async with session.get(f"{shop.gateway}{path}") as answer:
            assert answer.status in (400, 401, 404), path


@ON_RABBITMQ_TOO
async def test_a_second_start_keeps_every_order_and_changes_nothing(shop, session, ann):
    product = await ann.find("tumblers")
    placed = await ann.order(product["id"])
    await ann.ended(placed.data["id"])
    applied = "SELECT part, version, checksum, applied_at FROM schema_migrations ORDER BY 1, 2"
    before = await shop.rows("orders-db", applied)
    count = await shop.rows("products-db", "SELECT count(*) FROM products")
    assert shop.tarmac("down").returncode == 0
    up = shop.tarmac("up", "-d", "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    nodes = {node["name"]: node for node in json.loads(up.stdout)["nodes"]}
    ann.gateway = nodes["api-gateway"]["url"]
    assert (await ann.ask("GET", f"/api/orders/{placed.data['id']}")).data["status"] == "confirmed"
    assert await shop.rows("orders-db", applied) == before
    assert await shop.rows("products-db", "SELECT count(*) FROM products") == count
