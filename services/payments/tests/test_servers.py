"""Payments and the sandbox on a real PostgreSQL: exactly one row, one charge, one event."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from tarmac_kit import Inbox, Message, Outbox
from tarmac_kit_testing import issue_token
from tarmac_payments import events
from tarmac_payments.app import PART
from tarmac_payments.domain import State
from tarmac_payments.provider import ChargeRequest, ProviderError, Sandbox
from tarmac_payments.repository import PaymentRepository, SandboxBooks
from tarmac_payments.service import Payments

pytestmark = pytest.mark.servers


@pytest.fixture
async def payments(database_of):
    """Give payments and the sandbox over a real database."""
    database = database_of("payments")
    outbox, inbox = Outbox(database, publishes=set(events.PUBLISHED)), Inbox(database)
    await database.open()
    provider = Sandbox(database, SandboxBooks())
    return Payments(database, PaymentRepository(), provider, outbox, inbox, 2.0)


def message(topic: str, order_id: UUID, token: str = "tok_ok") -> Message:
    payload = {
        "order_id": str(order_id),
        "customer_id": "ada",
        "currency": "EUR",
        "total_minor": 900,
        "payment_token": token,
        "reason": "by_customer",
    }
    return Message(str(uuid4()), topic, str(order_id), payload)


async def read(payments: Payments, sql: str):
    async with payments.database.connection() as connection:
        return [tuple(row.values()) for row in await connection.fetch(sql)]


async def make_due(payments: Payments) -> None:
    async with payments.database.connection() as connection:
        await connection.execute("UPDATE payments SET step_at = now() - interval '1 s'")


async def test_one_order_placed_twenty_times_at_once_is_one_row_one_charge_one_event(
    payments,
) -> None:
    order_id = uuid4()
    same = message("order.placed", order_id)
    twins = [message("order.placed", order_id) for _ in range(10)]
    await asyncio.gather(*(payments.on_order_placed(message) for message in [same] * 10 + twins))
    assert await read(payments, "SELECT state FROM payments") == [("captured",)]
    assert await read(payments, "SELECT amount_minor FROM sandbox_charges") == [(900,)]
    assert await read(payments, "SELECT type FROM outbox") == [("payment.captured",)]


@pytest.mark.parametrize(
    ("token", "state", "reason"),
    [
        ("tok_ok", "captured", None),
        ("tok_twice", "captured", None),
        ("tok_declined", "declined", "card_declined"),
        ("tok_insufficient_funds", "declined", "insufficient_funds"),
    ],
)
async def test_the_sandbox_does_as_the_token_says(payments, token, state, reason) -> None:
    await payments.on_order_placed(message("order.placed", uuid4(), token))
    assert await read(payments, "SELECT state, reason FROM payments") == [(state, reason)]
    assert await read(payments, "SELECT type FROM outbox") == [(f"payment.{state}",)]


@pytest.mark.parametrize(("token", "booked"), [("tok_timeout", 1), ("tok_error_once", 0)])
async def test_a_first_call_that_fails_is_made_good_by_the_second(payments, token, booked) -> None:
    await payments.on_order_placed(message("order.placed", uuid4(), token))
    assert await read(payments, "SELECT state FROM payments") == [("processing",)]
    assert await read(payments, "SELECT count(*)::int FROM sandbox_charges") == [(booked,)]
    assert await read(payments, "SELECT type FROM outbox") == []
    sweep = payments.sweep()
    assert await sweep.once() == 0
    await make_due(payments)
    assert await sweep.once() == 1
    assert await read(payments, "SELECT state FROM payments") == [("captured",)]
    assert await read(payments, "SELECT count(*)::int FROM sandbox_charges") == [(1,)]
    assert await read(payments, "SELECT calls FROM sandbox_calls") == [(2,)]
    assert await read(payments, "SELECT type FROM outbox") == [("payment.captured",)]


async def test_five_sweeps_at_once_finish_every_payment_once(payments) -> None:
    for _ in range(30):
        await payments.on_order_placed(message("order.placed", uuid4(), "tok_timeout"))
    await make_due(payments)

    async def run() -> int:
        sweep, swept = payments.sweep(batch=4), 0
        while found := await sweep.once():
            swept += found
        return swept

    assert sum(await asyncio.gather(*(run() for _ in range(5)))) == 30
    assert await read(payments, "SELECT count(*)::int FROM outbox") == [(30,)]
    assert await read(payments, "SELECT DISTINCT state FROM payments") == [("captured",)]


async def test_placed_and_cancelled_at_once_never_keep_the_money(payments) -> None:
    for _ in range(20):
        order_id = uuid4()
        await asyncio.gather(
            payments.on_order_placed(message("order.placed", order_id)),
            payments.on_order_cancelled(message("order.cancelled", order_id)),
        )
    states = {state for (state,) in await read(payments, "SELECT state FROM payments")}
    assert states <= {"refunded", "voided"}
    [(charged,)] = await read(payments, "SELECT count(*)::int FROM sandbox_charges")
    [(refunded,)] = await read(payments, "SELECT count(*)::int FROM sandbox_refunds")
    assert charged == refunded


async def test_a_key_that_is_used_for_another_amount_is_refused(payments) -> None:
    heard = []

    async def deliver(charge) -> None:
        heard.append(charge)

    await payments.provider.charge(ChargeRequest("key", "tok_ok", 900, "EUR"), deliver)
    with pytest.raises(ProviderError, match="was used for 900"):
        await payments.provider.charge(ChargeRequest("key", "tok_ok", 901, "EUR"), deliver)
    assert len(heard) == 1


async def test_the_table_itself_refuses_a_second_payment_and_a_second_refund(payments) -> None:
    order_id = uuid4()
    await payments.on_order_placed(message("order.placed", order_id))
    await payments.on_order_cancelled(message("order.cancelled", order_id))
    async with payments.database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO payments (id, order_id, customer_id, amount_minor, currency, state,"
                " step_at) VALUES ($1, $2, 'ada', 1, 'EUR', 'processing', now())",
                uuid4(),
                order_id,
            )
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO sandbox_refunds SELECT 'again', reference, 1 FROM sandbox_charges"
            )


BOUND = {
    "PUBLISHES": "payment.captured,payment.declined",
    "CONSUMES": "order.placed,order.cancelled",
}


@pytest.fixture
async def api(start):
    """Give the part as an app of its own."""
    return await start(PART, **BOUND, PAYMENT_STEP_AFTER_S="0.2", PAYMENT_SWEEP_S="0.05")


async def until(api, order_id: UUID, status: State):
    async with asyncio.timeout(60):
        while True:
            answer = await api.get(f"/payments/{order_id}", token=issue_token("ada"))
            if answer.status == 200 and answer.json()["status"] == status:
                return answer.json()
            await asyncio.sleep(0.02)


async def test_a_running_service_turns_an_order_into_a_result_and_a_refund(api, bus) -> None:
    order_id = uuid4()
    placed = message("order.placed", order_id, "tok_timeout")
    await bus.publish(placed)
    await bus.publish(placed)
    shown = await until(api, order_id, State.CAPTURED)
    assert shown["amount_minor"] == 900
    assert "payment_token" not in shown
    async with asyncio.timeout(60):
        while len(bus.published) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    captured = bus.published[2]
    assert (captured.topic, captured.payload["order_id"]) == ("payment.captured", str(order_id))
    await bus.publish(message("order.cancelled", order_id))
    await until(api, order_id, State.REFUNDED)


@pytest.mark.parametrize(
    ("token", "end"), [("tok_ok", State.CAPTURED), ("tok_declined", State.DECLINED)]
)
async def test_what_the_provider_answers_at_once_does_not_wait_for_the_sweep(
    start, bus, token, end
) -> None:
    api = await start(PART, **BOUND, PAYMENT_STEP_AFTER_S="3600", PAYMENT_SWEEP_S="3600")
    order_id = uuid4()
    await bus.publish(message("order.placed", order_id, token))
    await until(api, order_id, end)
    async with asyncio.timeout(60):
        while len(bus.published) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert bus.published[1].topic == f"payment.{end}"


async def test_an_order_that_was_refused_at_once_is_barred_from_being_charged(api, bus) -> None:
    order_id = uuid4()
    refused = message("order.cancelled", order_id)
    refused.payload.update(reason="out_of_stock", was_accepted=False)
    await bus.publish(refused)
    await until(api, order_id, State.VOIDED)
    await bus.publish(message("order.placed", order_id))
    assert (await until(api, order_id, State.VOIDED))["provider_reference"] is None


async def test_the_payment_of_somebody_else_is_not_there(api, bus) -> None:
    order_id = uuid4()
    await bus.publish(message("order.placed", order_id))
    path = f"/payments/{order_id}"
    assert (await api.get(path)).status == 401
    assert (await api.get(path, token=issue_token("eve"))).status == 404
    assert (await api.get(path, token=issue_token("sam", roles=["staff"]))).status == 200


async def test_a_second_start_on_the_same_database_changes_nothing(applied_by_two_starts) -> None:
    applied = await applied_by_two_starts(PART)
    assert applied == [("kit_inbox", 1), ("kit_outbox", 1), ("payments", 1), ("payments", 2)]
