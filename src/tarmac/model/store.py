"""A store: a database, a cache, a mail sink; and the broker."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from tarmac.model.texts import FilePath, LoginName, LoginPassword, StoreVersion
from tarmac.model.value import DATABASE, Name, PortNumber, StrictModel


class LocalAccess(StrictModel):
    """Where programs look for a store by themselves, and their login: on a developer's machine."""

    port: PortNumber | None = Field(
        default=None, description="127.0.0.1 answers there; nothing else may listen on it."
    )
    host: Name | None = Field(
        default=None, description="A name that it has besides its own, with `hosts: true`."
    )
    user: LoginName | None = Field(
        default=None, description="The user's name; the service's own if absent."
    )
    password: LoginPassword | None = Field(
        default=None, description='The user\'s password, generated if absent; "" for none.'
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if {self.port, self.host, self.user, self.password} == {None}:
            raise ValueError("is empty; write `port`, `host`, `user` or `password`, or remove it")
        return self


class Store(StrictModel):
    """One store; locally each has a server of its own."""

    kind: Name = Field(description="postgres, redis, mail ...")
    version: StoreVersion | None = Field(
        default=None, description='The requested version, quoted: "16".'
    )
    provider: Name | None = Field(
        default=None,
        description="embedded, binary, docker or external; default: what is available.",
    )
    database: str | None = Field(
        default=None,
        pattern=DATABASE,
        description="The database's name; the store's own without '-db' if absent.",
    )
    seed: FilePath | None = Field(
        default=None, description="A file of first data, beside this one; loaded once."
    )
    init: tuple[FilePath, ...] = Field(
        default=(),
        description="Files of SQL, beside this one, that are loaded into a new database in this "
        "order, before any service connects.",
    )
    passwordless: bool = Field(
        default=False,
        description="Locally it also accepts connections without a password.",
    )
    shared: bool = Field(
        default=False,
        description="One owner for every table, shared by all users of the store; default: each "
        "service owns what it creates.",
    )
    local: LocalAccess | None = Field(
        default=None,
        description="What programs know of it that read no variable: a port of this machine, a "
        "login. It is for this machine alone: no environment has it.",
    )
    profiles: tuple[Name, ...] = Field(
        default=(),
        description="`tarmac up` starts it with `--profile NAME`, or by its name; without "
        "profiles, always.",
    )


class Broker(StrictModel):
    """What carries the topics."""

    kind: Name = Field(description="nats, rabbitmq or kafka.")
    version: StoreVersion | None = Field(
        default=None, description='The requested version, quoted: "4.1".'
    )
    provider: Name | None = Field(
        default=None, description="embedded, binary, docker, external, or a substitute kind."
    )
    passwordless: bool = Field(
        default=False,
        description="Locally it also accepts connections without a password.",
    )
    local: LocalAccess | None = Field(
        default=None, description="A port of this machine, or a login, that programs know."
    )


def _kind_only(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


StoreEntry = Annotated[Store, BeforeValidator(_kind_only, json_schema_input_type=str | Store)]
BrokerEntry = Annotated[Broker, BeforeValidator(_kind_only, json_schema_input_type=str | Broker)]
