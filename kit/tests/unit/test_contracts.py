"""Which changes of an event break its readers, and which do not."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from tarmac_kit_testing import broken, unreadable


class Line(BaseModel):
    product_id: UUID
    quantity: int


class Event(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: UUID
    state: Literal["open", "closed"]
    total_minor: int
    note: str | None = None
    lines: list[Line]


def changed(without: str = "", **fields: Any) -> dict[str, Any]:
    kept = {
        name: (info.annotation, info)
        for name, info in Event.model_fields.items()
        if name != without
    }
    return create_model("Event", **{**kept, **fields}).model_json_schema()


class ShortLine(BaseModel):
    product_id: UUID


class LooseLine(BaseModel):
    product_id: str
    quantity: int | None


@pytest.mark.parametrize(
    ("now", "complaints"),
    [
        (changed(), []),
        (changed(more=(str | None, None)), []),
        (changed(more=(int, ...)), []),
        (changed(state=(Literal["open"], ...)), []),
        (changed(note=(str, ...)), []),
        (
            changed("total_minor", total=(int, ...)),
            [
                "event.total_minor: is no longer written",
                "event.total_minor: is not written, and it is needed",
            ],
        ),
        (changed("note"), ["event.note: is no longer written"]),
        (
            changed(total_minor=(str, ...)),
            ["event.total_minor: may be string, and integer is read"],
        ),
        (
            changed(total_minor=(float, ...)),
            ["event.total_minor: may be number, and integer is read"],
        ),
        (
            changed(total_minor=(int | None, ...)),
            ["event.total_minor: may be null, and integer is read"],
        ),
        (
            changed(total_minor=(int, 0)),
            ["event.total_minor: may be missing, and it is needed"],
        ),
        (
            changed(state=(Literal["open", "lost"], ...)),
            ["event.state: may be lost, and only ['open', 'closed'] is read"],
        ),
        (
            changed(state=(str, ...)),
            ["event.state: may be others, and only ['open', 'closed'] is read"],
        ),
        (changed(id=(str, ...)), ["event.id: may be any text, and uuid is read"]),
        (changed(id=(Any, ...)), ["event.id: may be anything, and string is read"]),
        (
            changed(lines=(list[ShortLine], ...)),
            [
                "event.lines[].quantity: is no longer written",
                "event.lines[].quantity: is not written, and it is needed",
            ],
        ),
        (
            changed(lines=(list[LooseLine], ...)),
            [
                "event.lines[].product_id: may be any text, and uuid is read",
                "event.lines[].quantity: may be null, and integer is read",
            ],
        ),
    ],
)
def test_what_breaks_a_reader_is_named_and_a_member_more_is_fine(
    now: dict[str, Any], complaints: list[str]
) -> None:
    assert broken(now, Event.model_json_schema()) == complaints


class Reader(BaseModel):
    id: UUID
    total_minor: float = Field(ge=0)
    paid_at: str | None = None
    lines: list[dict[str, Any]]


def test_a_reader_takes_part_of_an_event_and_has_bounds_of_its_own() -> None:
    assert unreadable(Event.model_json_schema(), Reader.model_json_schema()) == []


class Greedy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: UUID
    note: str
    customer: str


def test_a_reader_that_needs_more_than_is_written_is_told() -> None:
    assert unreadable(Event.model_json_schema(), Greedy.model_json_schema()) == [
        "event.note: may be missing, and it is needed",
        "event.customer: is not written, and it is needed",
        "event.state: is written, and the reader forbids what it does not know",
        "event.total_minor: is written, and the reader forbids what it does not know",
        "event.note: may be null, and string is read",
        "event.lines: is written, and the reader forbids what it does not know",
    ]


def test_types_in_a_list_are_alternatives() -> None:
    nullable = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    plain = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert unreadable(plain, nullable) == []
    assert unreadable(nullable, plain) == ["event.a: may be null, and string is read"]
