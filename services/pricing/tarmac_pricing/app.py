"""Pricing as a part of a process: `python -m tarmac_kit.serve tarmac_pricing`."""

from __future__ import annotations

from importlib.resources import files

from prometheus_client import Counter
from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_kit.background import pruning
from tarmac_pricing.endpoints import build_router
from tarmac_pricing.imports import KIND, Imports
from tarmac_pricing.repository import PriceRepository
from tarmac_pricing.service import Pricing

#: How long a quote that was not accepted is kept after its end.
KEEP_QUOTES_S = 86_400.0


class PricingSettings(BaseSettings):
    """What pricing reads from the environment beside the kit's own names."""

    quote_ttl_s: float = Field(default=900.0, gt=0, le=86_400)
    price_list_attempts: int = Field(default=5, ge=1, le=100)


def mount(chassis: Chassis) -> None:
    """Wire pricing into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(PricingSettings)
    database = chassis.database(migrations=files("tarmac_pricing") / "migrations", part="pricing")
    loads = Counter(
        "pricing_rule_loads_total",
        "Reads of a product's rules from the database: what the cache did not have.",
        ("service",),
        registry=chassis.metrics.registry,
    ).labels(chassis.metrics.service)
    pricing = Pricing(
        database=database,
        cache=chassis.redis(),
        prices=PriceRepository(),
        quote_ttl_s=settings.quote_ttl_s,
        count_load=loads.inc,
    )
    jobs = chassis.jobs(database)
    imports = Imports(pricing, jobs)
    jobs.handle(KIND, imports.run, attempts=settings.price_list_attempts)
    chassis.include(build_router(pricing, imports))
    chassis.include(jobs.router())
    chassis.background("quote-pruning", pruning(pricing.prune, KEEP_QUOTES_S))


PART = Part(name="pricing", mount=mount)
