"""The catalog as a part of a process: `python -m tarmac_kit.serve tarmac_catalog`."""

from __future__ import annotations

from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_catalog.endpoints import build_router
from tarmac_catalog.repository import ProductRepository
from tarmac_catalog.service import Catalog
from tarmac_kit import Chassis, Part


class CatalogSettings(BaseSettings):
    """What the catalog reads from the environment beside the kit's own names."""

    shop_currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")


def mount(chassis: Chassis) -> None:
    """Wire the catalog into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(CatalogSettings)
    catalog = Catalog(
        database=chassis.database(
            migrations=files("tarmac_catalog") / "migrations", part="catalog"
        ),
        cache=chassis.redis(),
        currency=settings.shop_currency,
        products=ProductRepository(),
    )
    chassis.include(build_router(catalog))


PART = Part(name="catalog", mount=mount)
