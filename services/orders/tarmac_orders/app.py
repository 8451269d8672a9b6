"""Orders as a part of a process: `python -m tarmac_kit.serve tarmac_orders`."""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_orders import events
from tarmac_orders.endpoints import build_router
from tarmac_orders.repository import OrderRepository
from tarmac_orders.service import CONSUMER, Orders
from tarmac_orders.steps import Steps
from tarmac_orders.upstream import Catalog, Inventory


class OrdersSettings(BaseSettings):
    """What orders read from the environment beside the kit's own names."""

    reservation_ttl_s: float = Field(default=900.0, gt=0, le=86_400)
    order_step_after_s: float = Field(default=3.0, gt=0)
    order_sweep_s: float = Field(default=1.0, gt=0)


def mount(chassis: Chassis) -> None:
    """Wire orders into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(OrdersSettings)
    database = chassis.database(migrations=files("tarmac_orders") / "migrations", part="orders")
    repository = OrderRepository()
    # What is not bound is not asked: such an order takes fewer steps, to the same end. But where
    # payments are taken a catalog is needed: no customer pays a price of their own making.
    awaits_payment = events.PAYMENT_CAPTURED in chassis.settings.consumes
    inventory = catalog = None
    if chassis.bound("INVENTORY_URL"):
        inventory = Inventory(chassis.client("inventory"), ttl_s=settings.reservation_ttl_s)
    if awaits_payment or chassis.bound("CATALOG_URL"):
        catalog = Catalog(chassis.client("catalog"))
    steps = Steps(
        database=database,
        orders=repository,
        inventory=inventory,
        outbox=chassis.outbox(database),
        sweep_after_s=settings.order_step_after_s,
        awaits_payment=awaits_payment,
    )
    orders = Orders(
        database=database,
        orders=repository,
        catalog=catalog,
        steps=steps,
    )
    chassis.inbox(database)  # the repository writes into its table
    chassis.include(build_router(orders))
    chassis.consume(events.PAYMENT_CAPTURED, orders.on_payment_captured, group=CONSUMER)
    chassis.consume(events.PAYMENT_DECLINED, orders.on_payment_declined, group=CONSUMER)
    sweeping = partial(steps.sweep().run, interval_s=settings.order_sweep_s)
    chassis.background("order-sweep", sweeping)


PART = Part(name="orders", mount=mount)
