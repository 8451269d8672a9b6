"""Loads a system: its `tarmac.yaml` and the `service.yaml` of every part, with all errors at once.

Called by the command line and the supervisor, which pass `read`: the model does no I/O itself.
"""

from __future__ import annotations

import os.path
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.model import document
from tarmac.model.consistency import inconsistencies
from tarmac.model.document import Document
from tarmac.model.location import Path
from tarmac.model.part import Part
from tarmac.model.system import SourcedPart, System, SystemFile

#: Reads a file's bytes; raises OSError if it cannot.
Read = Callable[[str], bytes]
M = TypeVar("M", bound=BaseModel)
PART_FILE = "service.yaml"


def load(file: str, read: Read) -> System:
    """Load and check a system.

    Args:
        file: the path of `tarmac.yaml`; shown in errors as it is given.
        read: how a file is read.

    Raises:
        BadInput: every problem of all files, each with its place.
    """
    main = _document(file, read)
    data = _validate(SystemFile, main)
    problems: list[Problem] = []
    parts: dict[str, tuple[SourcedPart, ...]] = {}
    folder = os.path.dirname(file) or "."
    for name, service in data.services.items():
        sourced = []
        for index, source in enumerate(service.source):
            place = main.locate(("services", name, "source", index))
            try:
                sourced.append(_part(os.path.normpath(os.path.join(folder, source)), read))
            except OSError as error:
                problems.append(
                    Problem(
                        str(place),
                        f"{name} has no {PART_FILE} in '{source}' ({error.strerror}); "
                        "correct the folder, or give `run` instead of `source`",
                    )
                )
            except BadInput as error:
                problems.extend(error.problems)
        parts[name] = tuple(sourced)
    system = System(data, folder, main, parts)
    incomplete = frozenset(
        name for name, service in data.services.items() if len(parts[name]) < len(service.source)
    )
    problems.extend(inconsistencies(system, incomplete))
    if problems:
        raise BadInput(problems)
    return system


def _part(folder: str, read: Read) -> SourcedPart:
    parsed = _document(os.path.join(folder, PART_FILE), read)
    return SourcedPart(_validate(Part, parsed), folder, parsed)


def _document(file: str, read: Read) -> Document:
    return document.parse(read(file), file)


def _validate(model: type[M], parsed: Document) -> M:
    if not isinstance(parsed.data, dict):
        place = parsed.locate(())
        raise BadInput([Problem(str(place), f"a mapping is needed, not {_shown(parsed.data)}")])
    try:
        return model.model_validate(parsed.data)
    except ValidationError as error:
        problems = [_problem(model, parsed, details) for details in error.errors()]
        raise BadInput(sorted(problems, key=_in_the_files_order)) from None


def _in_the_files_order(problem: Problem) -> tuple[str, list[int]]:
    file, *place = problem.where.rsplit(":", 2)
    return file, [int(number) for number in place]


def _problem(model: type[BaseModel], parsed: Document, details: ErrorDetails) -> Problem:
    path: Path = tuple(step for step in details["loc"] if step != "[key]")
    name = str(path[-1]) if path else "the file"
    if details["type"] == "extra_forbidden":
        known = _keys(model, path[:-1])
        return Problem(
            str(parsed.locate(path, key=True)),
            f"unknown key '{name}'; {did_you_mean(name, known)}",
        )
    if details["type"] == "missing":
        owner = f"'{path[-2]}'" if len(path) > 1 else "the file"
        return Problem(
            str(parsed.locate(path[:-1])), f"{owner} lacks the key '{name}'; add `{name}: ...`"
        )
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if details["type"] == "string_type" and not isinstance(details["input"], dict | tuple):
        message += "; put it in quotes"
    if details["type"] == "string_pattern_mismatch":
        message = f"must look like {details['ctx']['pattern']}"
    return Problem(
        str(parsed.locate(path, key="[key]" in details["loc"])),
        f"{name}: {message} (it is {_shown(details['input'])})",
    )


def _shown(value: Any) -> str:
    """Show a value as it would stand in the file, on one short line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple | list):
        return "a list"
    if value is None:
        return "empty"
    shown = repr(value) if isinstance(value, str) else str(value).lower()
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _keys(model: Any, path: Path) -> list[str]:
    """List the keys that are known at a path of a model."""
    for step in path:
        model = next(_inside(model, step), None)
    for candidate in _alternatives(model):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return list(candidate.model_fields)
    return []


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    for candidate in _alternatives(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            if step in candidate.model_fields:
                yield candidate.model_fields[str(step)].annotation
        elif (arguments := typing.get_args(candidate)) and not isinstance(candidate, type):
            yield arguments[0] if typing.get_origin(candidate) is tuple else arguments[-1]


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Strip Annotated and unions off a type."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return tuple(inner for each in typing.get_args(annotation) for inner in _alternatives(each))
    return (annotation,)
