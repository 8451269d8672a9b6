"""The gateway's settings, read from the environment by app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field, create_model, field_validator
from pydantic_settings import BaseSettings

from tarmac_gateway.domain import RouteTable, env_name
from tarmac_kit import Chassis
from tarmac_kit.addresses import NetworkList, Networks, parse_networks

DEFAULT_TIMEOUT_S = 2.0


class GatewaySettings(BaseSettings):
    """Every variable that the gateway reads besides the kit's own and the backends'."""

    routes: str
    public_routes: str = ""
    cors_origins: str = ""
    rate_limit_per_minute: int = Field(default=600, ge=0)
    rate_limit_burst: int = Field(default=60, ge=1)
    max_body_bytes: int = Field(default=1024 * 1024, ge=0)
    max_header_bytes: int = Field(default=16 * 1024, ge=1024)
    body_idle_timeout_s: float = Field(default=30.0, gt=0)
    max_streams: int = Field(default=400, ge=0)
    connection_max_age_s: float = Field(default=60.0, gt=0)
    trusted_proxies: NetworkList = ""
    api_title: str = "API"
    public_url: str = ""

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_origins(cls, value: str) -> str:
        for origin in split_list(value):
            scheme, _, host = origin.partition("://")
            if scheme not in {"http", "https"} or not host or set(host) & set("/*?# "):
                raise ValueError(
                    f"'{origin}' is no origin; write https://shop.example.com, without a path or *"
                )
        return value

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(origin.lower() for origin in split_list(self.cors_origins))

    @property
    def proxies(self) -> Networks:
        return parse_networks(self.trusted_proxies)


@dataclass(frozen=True)
class BackendAddress:
    """Where a service is and how long an answer may take."""

    service: str
    url: str
    timeout_s: float
    retries: int
    #: Reads the token to present to it; None where there is none.
    caller_token: Callable[[], str | None] = lambda: None


def split_list(text: str) -> list[str]:
    return text.replace(",", " ").split()


def read_backends(chassis: Chassis, table: RouteTable) -> dict[str, BackendAddress]:
    """Read <SERVICE>_URL, _TIMEOUT_S and _RETRIES of every routed service.

    Their names are known only with ROUTES, so the model is made from it; what is missing or wrong
    is reported by the chassis like every other variable.
    """
    addresses = {}
    for service in table.services:
        name = env_name(service).lower()
        fields: dict[str, Any] = {
            f"{name}_url": (str, Field(pattern=r"^https?://[^/\s?#@]+(/[^\s?#]*)?$")),
            f"{name}_timeout_s": (float, Field(default=DEFAULT_TIMEOUT_S, gt=0)),
            f"{name}_retries": (int, Field(default=1, ge=0)),
        }
        found = chassis.read(create_model("BackendSettings", __base__=BaseSettings, **fields))
        url = getattr(found, f"{name}_url", "").rstrip("/")
        addresses[service] = BackendAddress(
            service,
            url,
            getattr(found, f"{name}_timeout_s"),
            getattr(found, f"{name}_retries"),
            chassis.caller_tokens.for_url(url),
        )
    return addresses
