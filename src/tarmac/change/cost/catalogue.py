"""Reads the catalogue of prices: `assets/prices.yaml`, shipped with its dates and sources."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

#: A list of prices that is older than this is to be read again.
LONGEST_DAYS = 180


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Instance(_Strict):
    """A node: its cores, its GiB, and USD an hour."""

    cpu: float
    memory: float
    hour: float


class PriceList(_Strict):
    """Prices of one day from one source."""

    date: dt.date
    source: str
    why: str


class NodePrices(PriceList):
    """What holds for all nodes."""

    #: Of the price on demand.
    spot: float
    #: What is not left for pods of each node: cores and GiB.
    reserved: dict[str, float]


class ValkeyPrice(_Strict):
    """What Valkey costs of the price of the same node."""

    share: float
    source: str
    why: str


class ServerPrices(PriceList):
    """USD an hour of one instance: service, then class."""

    hour: dict[str, dict[str, float]]
    #: In the place of Redis.
    valkey: ValkeyPrice
    #: USD a month of a GB of storage, where that is paid for apart: by service.
    gb_month: dict[str, float]


class ReservedPrices(PriceList):
    """What is paid for a year costs of the price on demand: nodes, and each service."""

    share: dict[str, float]


class SharedPrices(PriceList):
    """USD of what all of an environment shares."""

    cluster_hour: float
    nat_hour: float
    address_hour: float
    #: Of one endpoint.
    firewall_hour: float
    load_balancer_hour: float
    disk_gb_month: float


class Prices(_Strict):
    """The catalogue."""

    region: str
    #: Of a month.
    hours: float
    nodes: NodePrices
    servers: ServerPrices
    reserved: ReservedPrices
    shared: SharedPrices
    #: By type.
    instances: dict[str, Instance]

    def old(self, today: dt.date) -> list[str]:
        """Return which lists are older than they may be."""
        lists: dict[str, PriceList] = {
            "nodes": self.nodes,
            "servers": self.servers,
            "a year's commitment": self.reserved,
            "shared": self.shared,
        }
        return [
            f"the prices of {name} are of {prices.date}: read them again at {prices.source}"
            for name, prices in lists.items()
            if (today - prices.date).days > LONGEST_DAYS
        ]


@cache
def prices() -> Prices:
    """Load it."""
    text = resources.files("tarmac").joinpath("assets", "prices.yaml").read_text(encoding="utf-8")
    return Prices.model_validate(yaml.safe_load(text))
