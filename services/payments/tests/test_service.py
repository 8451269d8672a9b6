"""Payments with fakes: once per order, whatever the provider does and wherever it crashes."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Claims, Message, PoisonMessage, Problem, Sweep
from tarmac_payments import events
from tarmac_payments.domain import Charge, NewPayment, Payment, State
from tarmac_payments.provider import ChargeRequest, Deliver, ProviderError, RefundRequest
from tarmac_payments.service import Payments

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here."""


class Tables:
    """What a database keeps, with a payments repository, an outbox and an inbox over it."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Payment] = {}
        self.outbox: list[tuple[str, dict[str, Any]]] = []
        self.seen: set[str] = set()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tables]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tables]:
        kept = copy.deepcopy((self.rows, self.outbox, self.seen))
        try:
            yield self
        except BaseException:
            self.rows, self.outbox, self.seen = kept
            raise

    async def first_time(self, _connection: Any, *, consumer: str, message_id: str) -> bool:
        new = message_id not in self.seen
        self.seen.add(message_id)
        return new

    async def add(
        self, _connection: Any, new: NewPayment, *, sweep_after_s: float
    ) -> Payment | None:
        if await self.find_of_order(None, new.order_id):
            return None
        self.rows[new.id] = Payment(
            **vars(new),
            reason=None,
            provider_reference=None,
            cancelled=False,
            created_at=NOW,
            updated_at=NOW,
        )
        return self.rows[new.id]

    async def add_once(self, connection, new, *, consumer, message_id, sweep_after_s):
        if not await self.first_time(connection, consumer=consumer, message_id=message_id):
            return None
        return await self.add(connection, new, sweep_after_s=sweep_after_s)

    async def settle(self, connection, result, *, to, sweep_after_s, event, dated):
        row = self.rows[result.id]
        if row.state is not State.PROCESSING or row.cancelled is not result.cancelled:
            return None
        topic, payload = event
        self.outbox.append((topic, {**payload, dated: NOW.strftime("%Y-%m-%dT%H:%M:%SZ")}))
        return await self.move(
            connection,
            result.id,
            of={State.PROCESSING},
            to=to,
            reason=result.reason,
            reference=result.provider_reference,
        )

    async def find(self, _connection, payment_id):
        return self.rows.get(payment_id)

    async def find_of_order(self, _connection, order_id, *, lock=False):
        return next((row for row in self.rows.values() if row.order_id == order_id), None)

    async def move(
        self, _connection, payment_id, *, of, to, reason=None, reference=None, sweep_after_s=0.0
    ):
        row = self.rows[payment_id]
        if row.state not in of:
            return None
        self.rows[payment_id] = replace(
            row,
            state=to,
            reason=reason or row.reason,
            provider_reference=reference or row.provider_reference,
        )
        return self.rows[payment_id]

    async def mark_cancelled(self, _connection, payment_id):
        self.rows[payment_id] = replace(self.rows[payment_id], cancelled=True)

    async def claim(self, _connection, limit, *, lease_s):
        due = {State.PROCESSING, State.REFUNDING}
        return [row.id for row in self.rows.values() if row.state in due][:limit]


class Outbox:
    """Hands events on to the tables, which write them with what they say."""

    @contextmanager
    def event(self, *, topic, aggregate_type, aggregate_id, payload):
        assert (aggregate_type, aggregate_id) == ("payment", payload["payment_id"])
        yield topic, payload


@dataclass
class Bank:
    """A provider in memory that keeps what it took and fails as it is told."""

    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, RefundRequest] = field(default_factory=dict)
    declines: str | None = None
    fail_before: int = 0
    fail_after: int = 0
    crash_after: int = 0
    deliveries: int = 1
    fail_refunds: int = 0
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def charge(self, request: ChargeRequest, deliver: Deliver) -> None:
        if self.fail_before:
            self.fail_before -= 1
            raise ProviderError("bank: 500")
        done = Charge(reference=f"ref-{len(self.charges)}", declined=self.declines)
        charge = self.charges.setdefault(request.key, done)
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.fail_after:
            self.fail_after -= 1
            raise ProviderError("bank: timeout")
        if self.crash_after:
            self.crash_after -= 1
            raise Crash
        for _ in range(self.deliveries):
            await deliver(charge)

    async def refund(self, request: RefundRequest) -> None:
        if self.fail_refunds:
            self.fail_refunds -= 1
            raise ProviderError("bank: 500")
        self.refunds[request.key] = request


@dataclass
class Till:
    """Payments with everything around them faked."""

    tables: Tables
    bank: Bank
    payments: Payments
    sweep: Sweep[UUID]

    @property
    def only(self) -> Payment:
        [row] = self.tables.rows.values()
        return row

    def said(self) -> list[str]:
        return [topic for topic, _ in self.tables.outbox]


@pytest.fixture
def till() -> Till:
    tables, bank = Tables(), Bank()
    payments = Payments(tables, tables, bank, Outbox(), tables, 2.0)
    return Till(tables, bank, payments, payments.sweep())


ORDER = uuid4()


def placed(**more: Any) -> Message:
    payload = {
        "order_id": str(ORDER),
        "customer_id": "ada",
        "email": "ada@example.com",
        "currency": "EUR",
        "total_minor": 900,
        "lines": [],
        "payment_token": "tok_ok",
        "placed_at": NOW.isoformat(),
        **more,
    }
    return Message(str(uuid4()), "order.placed", str(ORDER), payload)


def cancelled() -> Message:
    payload = {
        "order_id": str(ORDER),
        "customer_id": "ada",
        "email": "ada@example.com",
        "currency": "EUR",
        "total_minor": 900,
        "lines": [],
        "reason": "by_customer",
        "cancelled_at": NOW.isoformat(),
    }
    return Message(str(uuid4()), "order.cancelled", str(ORDER), payload)


async def test_a_placed_order_is_paid_and_said_so(till) -> None:
    await till.payments.on_order_placed(placed())
    assert (till.only.state, till.only.amount_minor) == (State.CAPTURED, 900)
    [(topic, payload)] = till.tables.outbox
    assert topic == "payment.captured"
    assert payload["provider_reference"] == "ref-0"
    assert payload["order_id"] == str(ORDER)


async def test_a_declined_card_is_said_with_its_reason(till) -> None:
    till.bank.declines = "card_declined"
    await till.payments.on_order_placed(placed())
    assert (till.only.state, till.only.reason) == (State.DECLINED, "card_declined")
    [(topic, payload)] = till.tables.outbox
    assert (topic, payload["reason"]) == ("payment.declined", "card_declined")


async def test_the_same_message_and_a_twin_of_it_are_paid_once(till) -> None:
    message = placed()
    await asyncio.gather(*(till.payments.on_order_placed(message) for _ in range(5)))
    await till.payments.on_order_placed(placed())
    assert len(till.bank.charges) == 1
    assert till.said() == ["payment.captured"]


async def test_a_result_that_is_delivered_twice_is_applied_once(till) -> None:
    till.bank.deliveries = 2
    await till.payments.on_order_placed(placed())
    assert till.said() == ["payment.captured"]


@pytest.mark.parametrize("failing", ["fail_before", "fail_after"])
async def test_a_provider_that_fails_is_asked_again_by_the_same_key(till, failing) -> None:
    setattr(till.bank, failing, 2)
    await till.payments.on_order_placed(placed())
    assert till.only.state is State.PROCESSING
    await till.sweep.once()
    assert till.only.state is State.PROCESSING
    await till.sweep.once()
    assert till.only.state is State.CAPTURED
    assert list(till.bank.charges) == [str(till.only.id)]
    assert till.said() == ["payment.captured"]
    assert await till.sweep.once() == 0


async def test_a_crash_after_the_provider_took_it_takes_it_no_second_time(till) -> None:
    till.bank.crash_after = 1
    message = placed()
    with pytest.raises(Crash):
        await till.payments.on_order_placed(message)
    await till.payments.on_order_placed(message)  # the broker delivers again: the inbox knows it
    assert till.only.state is State.PROCESSING
    await till.sweep.once()
    assert till.only.state is State.CAPTURED
    assert len(till.bank.charges) == 1
    assert till.said() == ["payment.captured"]


async def test_a_cancelled_order_is_refunded_once(till) -> None:
    await till.payments.on_order_placed(placed())
    message = cancelled()
    for event in (message, message, cancelled()):
        await till.payments.on_order_cancelled(event)
    assert (till.only.state, till.only.reason) == (State.REFUNDED, "by_customer")
    [refund] = till.bank.refunds.values()
    assert (refund.reference, refund.amount_minor) == ("ref-0", 900)


async def test_a_refund_that_fails_is_tried_again(till) -> None:
    await till.payments.on_order_placed(placed())
    till.bank.fail_refunds = 1
    await till.payments.on_order_cancelled(cancelled())
    assert till.only.state is State.REFUNDING
    await till.sweep.once()
    assert till.only.state is State.REFUNDED


async def test_an_order_cancelled_before_it_was_seen_is_never_charged(till) -> None:
    await till.payments.on_order_cancelled(cancelled())
    await till.payments.on_order_placed(placed())
    assert till.only.state is State.VOIDED
    assert not till.bank.charges
    assert till.said() == []


async def test_an_order_cancelled_while_the_provider_is_asked_is_refunded(till) -> None:
    async def cancel() -> None:
        await till.payments.on_order_cancelled(cancelled())

    till.bank.meanwhile = cancel
    await till.payments.on_order_placed(placed())
    assert till.only.state is State.REFUNDED
    assert till.said() == ["payment.captured"]
    assert len(till.bank.refunds) == 1


async def test_an_order_cancelled_after_its_card_declined_changes_nothing(till) -> None:
    till.bank.declines = "card_declined"
    await till.payments.on_order_placed(placed())
    await till.payments.on_order_cancelled(cancelled())
    assert till.only.state is State.DECLINED
    assert not till.bank.refunds


@pytest.mark.parametrize(
    "broken", [{"order_id": "x"}, {"total_minor": -1}, {"currency": "euro"}, {"payment_token": ""}]
)
async def test_an_event_that_is_none_is_parked(till, broken) -> None:
    with pytest.raises(PoisonMessage, match=r"order\.placed: 1 value"):
        await till.payments.on_order_placed(placed(**broken))
    assert not till.tables.rows


async def test_only_the_owner_and_staff_see_a_payment(till) -> None:
    await till.payments.on_order_placed(placed())
    ada = Claims("ada", "", frozenset(), "t", 0)
    assert (await till.payments.show(ada, ORDER)).state is State.CAPTURED
    sam = Claims("sam", "", frozenset({"staff"}), "t", 0)
    assert (await till.payments.show(sam, ORDER)).order_id == ORDER
    for user, order_id in ((replace(ada, subject="eve"), ORDER), (ada, uuid4())):
        with pytest.raises(Problem) as caught:
            await till.payments.show(user, order_id)
        assert caught.value.status == 404


async def test_one_payment_that_cannot_go_on_does_not_stop_the_sweep(till) -> None:
    till.bank.fail_before = 2
    for _ in range(2):
        await till.payments.on_order_placed(placed(order_id=str(uuid4())))
    bad, good = till.tables.rows
    till.tables.rows[bad] = replace(till.tables.rows[bad], state=State.REFUNDING)
    assert await till.sweep.once() == 2
    assert till.tables.rows[good].state is State.CAPTURED


async def test_what_is_published_is_what_the_schema_says(till) -> None:
    await till.payments.on_order_placed(placed())
    till.bank.declines = "card_declined"
    await till.payments.on_order_placed(placed(order_id=str(uuid4())))
    assert set(till.said()) == set(events.PUBLISHED)
    for topic, payload in till.tables.outbox:
        model = events.PUBLISHED[topic]
        assert model.model_validate(payload).model_dump(mode="json") == payload


async def test_rows_that_were_deleted_by_hand_are_said_so(till) -> None:
    with pytest.raises(LookupError, match="deleted by hand"):
        await till.payments.advance(uuid4())
    await till.payments.on_order_placed(placed())
    lost = replace(till.only, state=State.REFUNDING, provider_reference=None)
    till.tables.rows[lost.id] = lost
    with pytest.raises(LookupError, match="never taken"):
        await till.payments.advance(lost.id)
