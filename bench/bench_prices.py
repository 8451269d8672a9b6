"""What a shared cache is worth: a price by rules from Redis beside one by rules from PostgreSQL.

Two copies of hello-dd run, one of them without its cache. A process of its own asks the pricing
service of one at a time for the same price over 32 connections. Both make the price anew for each
request; only where the product's rules come from differs. Both stores are on the same machine, so
what the cache takes off the database's own processor shows more than the rate does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from bench.cached import Reader, beside
from bench.copies import changed
from bench.figure import Figure

from tarmac.testing import running

SERVICE = "pricing-service"
#: Bears a volume rule of its own and the rules for all products.
PRODUCT = "0de110dd-0000-4000-8000-000000000003"


def measure() -> list[Figure]:
    """Return the rate, and the processor time of service and stores, with and without Redis."""
    names = (
        "price by cached rules",
        "the same, the service's processor time",
        "the same, the stores' processor time",
    )
    with _system(cached=True) as cached, _system(cached=False) as plain:
        instead = "by the same rules read from PostgreSQL for each request"
        return beside(cached, plain, instead=instead, names=names)


@contextlib.contextmanager
def _system(*, cached: bool) -> Iterator[Reader]:
    def change(system: dict[str, Any]) -> None:
        if not cached:
            del system["services"][SERVICE]["stores"]["cache"]
            del system["stores"]["cache"]

    with changed("hello-dd", change) as file, running(file, name="prices", direct=True) as system:
        yield Reader(system, SERVICE, f"/prices/{PRODUCT}?quantity=100", ("pricing-db", "cache"))
