"""The market as a part of a process: `python -m tarmac_kit.serve tarmac_market`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from importlib.resources import files

from pydantic import AwareDatetime, Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_market.domain import Calendar
from tarmac_market.endpoints import build_router
from tarmac_market.repository import InstrumentRepository
from tarmac_market.service import Market
from tarmac_market.stream import Streams


class MarketSettings(BaseSettings):
    """What the market reads from the environment beside the kit's own names."""

    market_seed: str = "tarmac"
    market_epoch: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    market_tick_s: float = Field(default=1.0, ge=0.01, le=86_400)
    market_refresh_s: float = Field(default=2.0, gt=0)
    market_heartbeat_s: float = Field(default=15.0, gt=0)
    market_max_streams: int = Field(default=1000, ge=0)


def mount(chassis: Chassis) -> None:
    """Wire the market into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(MarketSettings)
    market = Market(
        database=chassis.database(migrations=files("tarmac_market") / "migrations", part="market"),
        repository=InstrumentRepository(),
        calendar=Calendar(settings.market_epoch, settings.market_tick_s),
        seed=settings.market_seed,
    )
    streams = Streams(
        market,
        heartbeat_s=settings.market_heartbeat_s,
        most=settings.market_max_streams,
        draining=lambda: chassis.health.draining,
    )
    chassis.include(build_router(market, streams))
    chassis.background(
        "instruments", partial(market.keep_fresh, interval_s=settings.market_refresh_s)
    )


PART = Part(name="market", mount=mount)
