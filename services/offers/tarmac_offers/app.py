"""Offers as a part of a process: `python -m tarmac_kit.serve tarmac_offers`."""

from __future__ import annotations

from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_offers.endpoints import build_offers, build_purchases
from tarmac_offers.purchases import SAGA, Purchases, Steps
from tarmac_offers.repository import PurchaseRepository
from tarmac_offers.service import Offers
from tarmac_offers.upstream import Inventory, Pricing


class OffersSettings(BaseSettings):
    """What offers read from the environment beside the kit's own names."""

    reservation_ttl_s: float = Field(default=900.0, gt=0, le=86_400)
    purchase_deadline_s: float = Field(default=60.0, gt=0)


def mount(chassis: Chassis) -> None:
    """Wire offers into the process, and purchases where a database is bound; opens nothing yet."""
    settings = chassis.read(OffersSettings)
    inventory = Inventory(chassis.client("inventory"), ttl_s=settings.reservation_ttl_s)
    pricing = Pricing(chassis.client("pricing"))
    chassis.include(build_offers(Offers(inventory, pricing)))
    if not chassis.bound("DATABASE_URL"):
        return
    database = chassis.database(migrations=files("tarmac_offers") / "migrations", part="offers")
    repository = PurchaseRepository()
    steps = Steps(database, repository, inventory, pricing)
    sagas = chassis.saga(
        database, SAGA, steps=steps.in_order(), deadline_s=settings.purchase_deadline_s
    )
    chassis.include(build_purchases(Purchases(database, repository, sagas)))


PART = Part(name="offers", mount=mount)
