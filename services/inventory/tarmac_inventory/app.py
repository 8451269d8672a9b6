"""The inventory as a part of a process: `python -m tarmac_kit.serve tarmac_inventory`."""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_inventory.endpoints import build_router
from tarmac_inventory.repository import StockRepository
from tarmac_inventory.service import Inventory, sweep
from tarmac_kit import Chassis, Part


class InventorySettings(BaseSettings):
    """What the inventory reads from the environment beside the kit's own names."""

    reservation_sweep_s: float = Field(default=1.0, gt=0)


def mount(chassis: Chassis) -> None:
    """Wire the inventory into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(InventorySettings)
    inventory = Inventory(
        database=chassis.database(
            migrations=files("tarmac_inventory") / "migrations", part="inventory"
        ),
        stock=StockRepository(),
    )
    chassis.include(build_router(inventory))
    chassis.background(
        "reservation-sweep",
        partial(sweep, inventory, interval_s=settings.reservation_sweep_s),
    )


PART = Part(name="inventory", mount=mount)
