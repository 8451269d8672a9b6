"""A part: what a service's own `service.yaml` says it needs, wherever it is used."""

from __future__ import annotations

from pydantic import Field

from tarmac.model.rotation import Rotation
from tarmac.model.texts import FolderPath
from tarmac.model.value import PACKAGE, EnvName, Name, OneOrMore, StrictModel, Topic


class Slot(StrictModel):
    """A store that the part needs; the system's file binds one to it."""

    kind: Name = Field(description="The store kind: postgres, redis, mail ...")
    env: EnvName = Field(description="The variable that holds the store's URL.")
    required: bool = Field(default=True, description="Whether the part cannot serve without it.")
    replication: bool = Field(
        default=False,
        description="Whether the part reads the store's log of changes (PostgreSQL's logical "
        "replication).",
    )


class Role(StrictModel):
    """A part that this one calls; whichever service is composed of it plays the role."""

    required: bool = Field(default=True, description="The system has to bind it.")


class PartSetting(StrictModel):
    """A variable that the part reads."""

    default: str | None = Field(default=None, description="Its default value.")
    required: bool = Field(default=False, description="The system file must set it.")
    about: str = Field(default="", description="What it does, for a reader.")


class SecretSetting(Rotation):
    """A secret that the part reads: generated locally, named by path in production."""

    bytes: int = Field(default=24, ge=16, le=128, description="The length of a generated one.")
    about: str = Field(default="", description="What it does, for a reader.")


class Part(StrictModel):
    """What one code base offers and needs."""

    part: Name = Field(description="Its role, by which other parts call it.")
    package: str | None = Field(
        default=None,
        pattern=PACKAGE,
        description="A kit part's import name; several can share one process.",
    )
    run: OneOrMore | None = Field(default=None, description="How to start it, without the kit.")
    slots: dict[Name, Slot] = {}
    calls: dict[Name, Role] = {}
    publishes: tuple[Topic, ...] = Field(default=(), description="Topics that it publishes.")
    consumes: tuple[Topic, ...] = Field(default=(), description="Topics that it consumes.")
    settings: dict[EnvName, PartSetting] = {}
    secrets: dict[EnvName, SecretSetting] = {}
    routes: tuple[str, ...] = Field(default=(), description="Path prefixes that it serves.")
    api: FolderPath | None = Field(
        default=None,
        description="The description of its API, a file in its folder: OpenAPI, or by its name "
        "AsyncAPI (asyncapi.yaml), gRPC (.proto) or GraphQL (.graphql).",
    )
