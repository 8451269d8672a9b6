"""The portfolio as a part of a process: `python -m tarmac_kit.serve tarmac_portfolio`."""

from __future__ import annotations

from importlib.resources import files

from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_kit import Chassis, Part
from tarmac_portfolio.book import Book
from tarmac_portfolio.endpoints import build_router
from tarmac_portfolio.limits import Limits
from tarmac_portfolio.repository import PortfolioRepository
from tarmac_portfolio.service import LIMIT_ORDER, Portfolios
from tarmac_portfolio.upstream import Market


class PortfolioSettings(BaseSettings):
    """What the portfolio reads from the environment beside the kit's own names."""

    account_currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    quote_max_age_s: float = Field(default=10.0, gt=0)
    limit_check_s: float = Field(default=1.0, gt=0)


def mount(chassis: Chassis) -> None:
    """Wire the portfolio into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    settings = chassis.read(PortfolioSettings)
    database = chassis.database(
        migrations=files("tarmac_portfolio") / "migrations", part="portfolio"
    )
    market = Market(chassis.client("market"), max_age_s=settings.quote_max_age_s)
    jobs = chassis.jobs(database)
    repository = PortfolioRepository()
    book = Book(repository)
    limits = Limits(
        database=database,
        portfolios=repository,
        book=book,
        market=market,
        jobs=jobs,
        currency=settings.account_currency,
        check_s=settings.limit_check_s,
    )
    # An order waits as long as its day lasts, so there is no last attempt.
    # One look takes milliseconds, so an order that a killed process held is soon looked at again.
    jobs.handle(LIMIT_ORDER, limits.run, attempts=None, longest_s=15.0, lease_s=5.0)
    portfolios = Portfolios(
        database=database,
        portfolios=repository,
        book=book,
        market=market,
        jobs=jobs,
        currency=settings.account_currency,
    )
    chassis.include(build_router(portfolios))


PART = Part(name="portfolio", mount=mount)
