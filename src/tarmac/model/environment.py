"""Where the system runs besides this machine."""

from __future__ import annotations

from pydantic import Field

from tarmac.model.value import EnvName, EnvValue, Name, Strict


class Replicas(Strict):
    """How many copies of each service, and when to add one (percent of the request)."""

    min: int = Field(default=2, ge=1)
    max: int = Field(default=10, ge=1)
    cpu: int | None = Field(default=None, ge=1, le=100)
    memory: int | None = Field(default=None, ge=1, le=100)


class Environment(Strict):
    """One environment, e.g. production."""

    cloud: str | None = None
    region: str | None = None
    zones: int = Field(default=1, ge=1)
    servers: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="Which stores share one server."
    )
    replicas: Replicas | None = None
    env: dict[Name, dict[EnvName, EnvValue]] = Field(
        default={}, description="Values per service that differ here."
    )


class External(Strict):
    """Something called outside the system."""

    hosts: tuple[str, ...]
    port: int = Field(default=443, ge=1, le=65535)
