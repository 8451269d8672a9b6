"""What the internet finds an environment by: a zone of names, and a CDN before the public hosts.

The hosts themselves are those of the public services, below the environment's domain.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tarmac.base.written import shown
from tarmac.model.value import StrictModel

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#: `example.com`, with a dot at least and none at its end.
_HOST = re.compile(rf"({_LABEL}\.)+{_LABEL}")


def _host_name(value: str) -> str:
    if len(value) > 253 or not _HOST.fullmatch(value):
        raise ValueError(f"is {shown(value)}; write a name in small letters, e.g. app.example.com")
    return value


def _allowed_host(value: str) -> str:
    return "." + _host_name(value[1:]) if value.startswith(".") else _host_name(value)


HostName = Annotated[str, AfterValidator(_host_name)]
#: Of a firewall's list: `.example.com` is example.com and every name below it.
AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
#: Of CloudFront: `/static/*`.
PathPattern = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_.*$/~@:+-]*$")]


class Dns(StrictModel):
    """The zone in Route 53, with a record for each public host."""

    zone: HostName | None = Field(
        default=None, description="The domain of the zone; default: the environment's domain."
    )
    existing: bool = Field(
        default=False, description="The zone is there already, and is only looked up."
    )
    records: Literal["terraform", "external-dns"] = Field(
        default="terraform",
        description="What makes the records of the hosts: Terraform, which is told the balancer's "
        "name; or ExternalDNS in the cluster, which follows the hosts of its routes.",
    )
    balancer: HostName | None = Field(
        default=None,
        description="The name that AWS gave the load balancer before the ingress; it is known once "
        "the ingress controller runs. Until it is written, no record leads to it.",
    )


class Cdn(StrictModel):
    """CloudFront before the public hosts, with a certificate and a web application firewall."""

    files: tuple[PathPattern, ...] = Field(
        default=(), description="Paths that are served from a bucket: `/static/*`."
    )
    requests: int = Field(
        default=2000,
        ge=10,
        le=2_000_000_000,
        description="The requests that one address may make in five minutes; the next get 429.",
    )
