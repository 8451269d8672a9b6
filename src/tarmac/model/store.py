"""A store: a database, a cache, a mail sink; and the broker."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tarmac.model.texts import FilePath, StoreVersion
from tarmac.model.value import DATABASE, Name, StrictModel


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


def _kind_only(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


StoreEntry = Annotated[Store, BeforeValidator(_kind_only, json_schema_input_type=str | Store)]
BrokerEntry = Annotated[Broker, BeforeValidator(_kind_only, json_schema_input_type=str | Broker)]
