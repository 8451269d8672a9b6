"""A Vault that keeps secrets, or makes users of databases that live for a while only."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tarmac.base.written import shown
from tarmac.model.value import Duration, StrictModel

#: A pod's file follows its Secret within a minute or two: of less, too little is left.
SHORTEST_S = 300
#: Of one in the cluster.
NAMESPACE = "vault"


def _address(value: str) -> str:
    if value.startswith("https://") and len(value) > len("https://"):
        return value.rstrip("/")
    raise ValueError(f"is {shown(value)}; write an address, e.g. https://vault.example.com:8200")


class Vault(StrictModel):
    """HashiCorp's Vault or OpenBao, in the cluster or elsewhere."""

    address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="Where it is; without it, three replicas are installed in the cluster.",
    )
    lease: Duration | None = Field(
        default=None,
        ge=SHORTEST_S,
        description="How long a user of a PostgreSQL database lives: services log in by users that "
        "Vault makes and takes away. Without it, their passwords stay.",
    )

    @property
    def url(self) -> str:
        """Where its clients find it: in the cluster, the replica that is active."""
        return self.address or f"https://vault-active.{NAMESPACE}.svc:8200"
