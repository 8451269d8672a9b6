"""The pages' settings, read from the environment by app.py."""

from __future__ import annotations

from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from tarmac_kit import CommaSet
from tarmac_kit.addresses import NetworkList, Networks, parse_networks

#: What there can be pages for.
KINDS = frozenset({"shop", "trading"})


class WebSettings(BaseSettings):
    """Every variable that the pages read besides the kit's own."""

    api_url: str = ""
    api_prefix: str = "/api"
    api_routes: str = ""
    api_timeout_s: float = Field(default=6.0, gt=0)
    pages: CommaSet = frozenset({"shop"})
    cart: Literal["session", "api"] = "session"
    theme: Literal["hearth", "voyage", "ledger"] = "hearth"
    site_name: str = Field(default="Shop", min_length=1, max_length=60)
    tagline: str = Field(default="", max_length=200)
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    public_url: str = ""
    trusted_proxies: NetworkList = ""
    session_days: float = Field(default=30.0, gt=0)
    live_streams_max: int = Field(default=200, ge=1)
    session_secret: str = Field(min_length=16)
    #: Opens cookies and seals none: the next secret or the previous one, while it is rotated.
    session_secret_also: str = Field(default="", pattern=r"^(.{16,})?$")

    @field_validator("pages")
    @classmethod
    def _pages_are_known(cls, value: frozenset[str]) -> frozenset[str]:
        if not value or value - KINDS:
            raise ValueError(f"'{','.join(sorted(value))}' is not of {', '.join(sorted(KINDS))}")
        return value

    @field_validator("api_routes")
    @classmethod
    def _routes_have_addresses(cls, value: str) -> str:
        for entry in value.split():
            prefix, equals, url = entry.partition("=")
            if not (prefix.startswith("/") and equals and urlsplit(url).netloc):
                raise ValueError(f"'{entry}' is no route; write /orders=http://host:port")
        return value

    @cached_property
    def proxies(self) -> Networks:
        """Return TRUSTED_PROXIES as networks."""
        return parse_networks(self.trusted_proxies)

    @property
    def session_secrets(self) -> tuple[str, ...]:
        """Return what opens cookies; the first one seals them."""
        return tuple(filter(None, (self.session_secret, self.session_secret_also)))

    @property
    def secure(self) -> bool:
        """Return whether visitors come by https."""
        return self.public_url.startswith("https://")

    @property
    def order_word(self) -> str:
        """Return what a purchase is called: in the travel theme a booking."""
        return "booking" if self.theme == "voyage" else "order"

    @property
    def prefix(self) -> str:
        """Return API_PREFIX as it is put before a path: "" or "/api"."""
        return self.api_prefix.rstrip("/")

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """Return API_ROUTES as pairs of prefix and address, longest prefix first."""
        pairs = [entry.split("=", 1) for entry in self.api_routes.split()]
        return tuple(sorted(((a, b) for a, b in pairs), key=lambda pair: -len(pair[0])))
