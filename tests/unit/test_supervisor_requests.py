"""Requests to a supervisor: each has one handler that answers what its type names."""

from __future__ import annotations

import json
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tarmac.base.errors import TarmacError
from tarmac.base.target import EdgeRule, RowComparison, Standby, Throttling
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import (
    client,
    drill_connection,
    drill_requests,
    requests,
    typed_json,
)
from tarmac.run.local.supervisor.control import Control
from tarmac.run.local.supervisor.handlers import Handlers
from tarmac.run.local.supervisor.requests import Request, answer_type, verb_of
from tarmac.run.local.supervisor.responses import success_line


def kinds(module) -> list[type[Request[Any]]]:
    """List the requests that a module defines."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Request) and kind is not Request
    ]


ALL = [*kinds(requests), *kinds(drill_requests)]


@pytest.fixture
def supervisor() -> Any:
    names = ("processes", "wiring", "spawner", "state")
    return SimpleNamespace(**dict.fromkeys(names))


def test_every_request_has_a_handler_and_no_two_have_one_name(supervisor, tmp_path):
    control = Control(supervisor, Home(Path(tmp_path)))
    drill = drill_connection.handlers_of(drill_connection.parts_of(supervisor))
    assert set(control._handlers.kinds) == set(kinds(requests))
    assert set(drill.kinds) == set(kinds(drill_requests))
    assert len({verb_of(kind) for kind in ALL}) == len(ALL) > 35


def sample(hint: Any) -> Any:
    """Return a value of a type that JSON changes as little as it can."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    known = {str: "text", int: 7, float: 0.5, bool: True, Any: {"a": [1]}, type(None): None}
    if hint in known:
        return known[hint]
    if origin is tuple:
        return tuple(sample(arg) for arg in args if arg is not Ellipsis)
    if origin in (dict, Mapping):
        return {"key": sample(args[1])}
    if args:  # an optional one, or a choice
        return args[0] if origin is Literal else sample(args[0])
    hints = typing.get_type_hints(hint)
    return hint(**{one.name: sample(hints[one.name]) for one in fields(hint)})


def test_a_counter_in_an_answer_is_written_by_its_keys():
    @dataclass(frozen=True)
    class Counted:
        requests: dict[str, int]

    written = typed_json.as_json([Counted(Counter({"GET 200": 2}))])
    assert written == [{"requests": {"GET 200": 2}}]
    assert json.loads(json.dumps(written)) == written


@pytest.mark.parametrize("kind", ALL, ids=verb_of)
def test_a_request_and_its_answer_arrive_as_they_were_sent(kind):
    handlers = Handlers()
    handlers.on(kind, lambda _: None)  # type: ignore[arg-type, return-value]
    request = sample(kind)
    assert handlers.read(client.line_of(request).encode()) == request
    hint = answer_type(kind)
    answer = None if hint is None else sample(hint)
    assert client.answer_of(request, success_line(answer).decode()) == answer


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (EdgeRule, EdgeRule(delay_s=0.2, stall="both", max_connections=3)),
        (EdgeRule | None, None),
        (tuple[Standby, ...], (Standby(True, "streams"), Standby(False, "lags"))),
        (Mapping[str, Throttling], {"db": Throttling(7, 0.1, 1.0)}),
        (RowComparison, RowComparison(2, 10, 1, {"orders": 3})),
    ],
)
def test_what_a_target_answers_is_read_as_it_was_written(kind, value):
    written = json.dumps(typed_json.as_json(value))
    assert typed_json.read(kind, json.loads(written)) == value


@dataclass(frozen=True)
class Sized:
    """A dataclass with a default."""

    name: str
    size: int
    more: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ([], "it is '[]', which is not an object"),
        ({"name": "x"}, "it: size is missing; add it"),
        ({}, "it: name, size is missing; add it"),
        ({"name": 1, "size": 1}, "it: name is '1', which is not of the type str"),
        ({"name": "x", "size": True}, "it: size is 'True', which is not of the type int"),
        ({"name": "x", "size": 1.5}, "it: size is '1.5', which is not of the type int"),
        (
            {"name": "x", "size": 1, "more": {"a": "b"}},
            "it: more.a is 'b', which is not a number",
        ),
        ({"name": "x", "size": 1, "more": [1]}, "it: more is '[1]', which is not an object"),
    ],
)
def test_data_of_another_type_is_refused_with_its_place(data, what):
    with pytest.raises(typed_json.Unfit) as refused:
        typed_json.read(Sized, data, "it")
    assert str(refused.value) == what


def test_keys_that_another_version_wrote_are_ignored():
    assert typed_json.read(Sized, {"name": "x", "size": 2, "later": 1}) == Sized("x", 2)


def test_a_request_that_nothing_answers_is_refused():
    with pytest.raises(TarmacError, match="unknown verb 'fly'"):
        Handlers().read(b'{"verb": "fly"}')
    with pytest.raises(TarmacError, match="not an object with a verb"):
        Handlers().read(b"[]")
