"""A store: a database, a cache, a mail sink; and the broker."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tarmac.model.value import DATABASE, Name, Strict


class Store(Strict):
    """One store; locally each has a server of its own."""

    kind: Name = Field(description="postgres, redis, mail ...")
    version: str | None = Field(default=None, description='The version asked for, quoted: "16".')
    provider: Name | None = Field(
        default=None, description="embedded, binary, docker or external; else what is there."
    )
    database: str | None = Field(
        default=None,
        pattern=DATABASE,
        description="The database's name; the store's own without '-db' if absent.",
    )
    seed: str | None = Field(
        default=None, description="A file of first data, beside this one; loaded once."
    )
    passwordless: bool = Field(
        default=False,
        description="Here it also serves whoever gives no password: for programs that know none.",
    )
    shared: bool = Field(
        default=False,
        description="What one of its users makes belongs to all of them: one owner for every "
        "table. Else what a service makes is its own.",
    )


class Broker(Strict):
    """What carries the topics."""

    kind: Name
    version: str | None = None
    provider: Name | None = Field(
        default=None, description="embedded, binary, docker, external, or a kind that stands in."
    )


def _kind_only(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


StoreEntry = Annotated[Store, BeforeValidator(_kind_only, json_schema_input_type=str | Store)]
BrokerEntry = Annotated[Broker, BeforeValidator(_kind_only, json_schema_input_type=str | Broker)]
