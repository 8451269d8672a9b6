"""What the cache of the catalog's item page is worth, beside the same page read from its database.

Two copies of the shop's product service run, one of them without its cache. A process of its own
asks one at a time for the same page over 32 connections. Both stores are on the same machine: what
the cache takes off the database shows more in the stores' processor time than in the rate.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from bench.cached import Reader, beside
from bench.copies import changed
from bench.figure import Figure

from tarmac.testing import running

SERVICE = "product-service"
PRODUCT = "5eed0000-0000-4000-8000-000000004001"


def measure() -> list[Figure]:
    """Return the rate, and the processor time of service and stores, with and without the cache."""
    names = (
        "cached item page",
        "cached item page, service's time",
        "cached item page, stores' time",
    )
    with _shop(cached_page) as cached, _shop(page_from_database) as plain:
        instead = "the same page read from PostgreSQL each time"
        return beside(cached, plain, instead=instead, names=names)


def cached_page(system: dict[str, Any]) -> None:
    """Leave the product service, the one that it asks for keys, and their stores."""
    kept = {"user-service", SERVICE}
    system["services"] = {k: v for k, v in system["services"].items() if k in kept}
    system["stores"] = {k: system["stores"][k] for k in ("users-db", "products-db", "cache")}
    for rule in ("objectives", "invariants"):
        system.pop(rule, None)


def page_from_database(system: dict[str, Any]) -> None:
    """Leave the same without the cache."""
    cached_page(system)
    del system["services"][SERVICE]["stores"]["cache"]


@contextlib.contextmanager
def _shop(change: Callable[[dict[str, Any]], None]) -> Iterator[Reader]:
    with changed("shop", change) as file, running(file, name="item", direct=True) as system:
        yield Reader(system, SERVICE, f"/products/{PRODUCT}", ("products-db", "cache"))
