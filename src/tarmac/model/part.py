"""A part: what a service's own `service.yaml` says it needs, wherever it is used."""

from __future__ import annotations

from pydantic import Field

from tarmac.model.value import PACKAGE, EnvName, Name, OneOrMore, Strict, Topic


class Slot(Strict):
    """A store that the part needs; the system's file binds one to it."""

    kind: Name = Field(description="The store kind: postgres, redis, mail ...")
    env: EnvName = Field(description="The variable that holds the store's URL.")
    required: bool = Field(
        default=True, description="Whether the part can serve at all without it."
    )
    replication: bool = Field(
        default=False,
        description="Whether the part reads the store's log of changes (PostgreSQL's logical "
        "replication).",
    )


class Role(Strict):
    """A part that this one calls; whichever service is composed of it plays the role."""

    required: bool = True


class Setting(Strict):
    """A variable that the part reads."""

    default: str | None = None
    required: bool = Field(default=False, description="The system's file must give it.")
    about: str = ""


class SecretSetting(Strict):
    """A secret that the part reads: made up locally, named by path in production."""

    bytes: int = Field(default=24, ge=16, le=128)
    about: str = ""


class Part(Strict):
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
    publishes: tuple[Topic, ...] = ()
    consumes: tuple[Topic, ...] = ()
    settings: dict[EnvName, Setting] = {}
    secrets: dict[EnvName, SecretSetting] = {}
    routes: tuple[str, ...] = Field(default=(), description="Path prefixes that it serves.")
