"""Payments as a part of a process: `python -m tarmac_kit.serve tarmac_payments`."""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_payments import events
from tarmac_payments.endpoints import build_router
from tarmac_payments.provider import Sandbox
from tarmac_payments.repository import PaymentRepository, SandboxBooks
from tarmac_payments.service import CONSUMER, Payments


class PaymentsSettings(BaseSettings):
    """What payments read from the environment beside the kit's own names."""

    payment_step_after_s: float = Field(default=2.0, gt=0)
    payment_sweep_s: float = Field(default=0.5, gt=0)


def mount(chassis: Chassis) -> None:
    """Wire payments into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(PaymentsSettings)
    database = chassis.database(migrations=files("tarmac_payments") / "migrations", part="payments")
    payments = Payments(
        database=database,
        payments=PaymentRepository(),
        provider=Sandbox(database, SandboxBooks()),
        outbox=chassis.outbox(database),
        inbox=chassis.inbox(database),
        sweep_after_s=settings.payment_step_after_s,
    )
    chassis.include(build_router(payments))
    chassis.consume(events.ORDER_PLACED, payments.on_order_placed, group=CONSUMER)
    chassis.consume(events.ORDER_CANCELLED, payments.on_order_cancelled, group=CONSUMER)
    sweeping = partial(payments.sweep().run, interval_s=settings.payment_sweep_s)
    chassis.background("payment-sweep", sweeping)


PART = Part(name="payments", mount=mount)
