"""What leads visitors to the public services of an environment on one machine: its entry."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tarmac.base.written import shown
from tarmac.model.texts import Directory, Email, FilePath
from tarmac.model.value import PortNumber, StrictModel


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(
            f"is {shown(value)}; write an address of the machine, e.g. 203.0.113.7"
        ) from None


class Entry(StrictModel):
    """A proxy in a container: it has the machine's ports, ends TLS, and stays while services go."""

    kind: Literal["traefik"] = Field(default="traefik", description="The proxy: Traefik.")
    email: Email | None = Field(
        default=None,
        description="Certificates are had by ACME, and their authority writes to this address.",
    )
    issuer: Directory | None = Field(
        default=None,
        description="The directory of that authority; without, it is Let's Encrypt.",
    )
    certificate: FilePath | None = Field(
        default=None,
        description="A certificate of your own, with those between it and its authority: a file "
        "of PEM, as a path from this file's folder, or a whole path.",
    )
    key: FilePath | None = Field(default=None, description="The file of that certificate's key.")
    address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="The address of the machine where it listens; without: on all."
    )
    http: PortNumber = Field(default=80, description="The port for HTTP.")
    https: PortNumber = Field(default=443, description="The port for HTTPS.")

    @property
    def has_tls(self) -> bool:
        """Whether it has a certificate."""
        return self.email is not None or self.certificate is not None

    def origin(self, host: str) -> str:
        """Return how a visitor's address of a host begins."""
        scheme, port, usual = (
            ("https", self.https, 443) if self.has_tls else ("http", self.http, 80)
        )
        return f"{scheme}://{host}" + (f":{port}" if port != usual else "")


def _kind_only(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


EntrySetting = Annotated[Entry, BeforeValidator(_kind_only, json_schema_input_type=str | Entry)]
