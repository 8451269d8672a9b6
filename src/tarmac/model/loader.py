"""Loads a system: its `tarmac.yaml` and the `service.yaml` of every part, with all errors at once.

Called by the command line and the supervisor, which pass `read`: the model does no I/O itself.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os.path
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tarmac.base.errors import BadInput, Problem
from tarmac.model import document
from tarmac.model.complaints import complaint
from tarmac.model.consistency import inconsistencies
from tarmac.model.document import MAX_PROBLEMS, Document, capped
from tarmac.model.gaps import Gaps
from tarmac.model.location import Path
from tarmac.model.part import Part
from tarmac.model.system import SourcedPart, System, SystemFile

#: Reads a file's bytes; raises OSError if it cannot.
Read = Callable[[str], bytes]
M = TypeVar("M", bound=BaseModel)
PART_FILE = "service.yaml"
#: In a part's folder: TOPIC.json, what consumers of an event rely on.
PUBLISHED = "published"
#: Sections whose entries stand for themselves: one that is wrong is left out, the others checked.
NAMED = ("services", "stores", "externals", "invariants", "environments", "env")


def load(file: str, read: Read) -> System:
    """Load and check a system.

    Args:
        file: the path of `tarmac.yaml`; shown in errors as it is given.
        read: how a file is read.

    Raises:
        BadInput: every problem of all files, each with its place.
    """
    main = _main(file, read)
    data, problems, gaps = _lenient(main)
    folder = os.path.dirname(file) or "."
    parts, wrong = _parts(main, data, folder, read)
    problems.extend(wrong)
    system = System(data, folder, main, parts, _sql(data, folder, read), _schemas(parts, read))
    incomplete = frozenset(
        name for name, service in data.services.items() if len(parts[name]) < len(service.source)
    )
    problems.extend(capped(inconsistencies(system, gaps.also(incomplete)), file))
    if problems:
        raise BadInput(
            sorted(problems, key=lambda problem: (_is_part(problem, file), _order(problem)))
        )
    return system


def read_as(model: type[M], file: str, raw: bytes) -> tuple[M, Document]:
    """Read a file beside the system's: a checklist, suppressions. Raises BadInput with places."""
    parsed = document.parse(raw, file)
    return _validate(model, parsed), parsed


def _parts(
    main: Document, data: SystemFile, folder: str, read: Read
) -> tuple[dict[str, tuple[SourcedPart, ...]], list[Problem]]:
    """Read every service's parts, each file once however many are made of it."""
    found: dict[str, tuple[SourcedPart, ...]] = {}
    problems: list[Problem] = []
    once = functools.cache(lambda folder: _part(folder, read))
    for name, service in data.services.items():
        sourced = []
        for index, source in enumerate(service.source):
            if len(problems) > MAX_PROBLEMS:
                break
            try:
                sourced.append(once(os.path.normpath(os.path.join(folder, source))))
            except (OSError, ValueError) as error:  # ValueError: a NUL in the path
                place = str(main.locate(("services", name, "source", index)))
                problems.append(Problem(place, _unreadable(name, source, error)))
            except BadInput as error:
                problems.extend(error.problems)
        found[name] = tuple(sourced)
    return found, problems


def _sql(data: SystemFile, folder: str, read: Read) -> dict[str, str]:
    """Read the stores' files of SQL; what is wrong with one is said where it is loaded."""
    found = {}
    for name in {file for store in data.stores.values() for file in store.init}:
        with contextlib.suppress(OSError, ValueError):
            found[name] = read(os.path.normpath(os.path.join(folder, name))).decode()
    return found


def _schemas(
    parts: Mapping[str, tuple[SourcedPart, ...]], read: Read
) -> dict[str, Mapping[str, Any]]:
    """Read the published JSON Schemas of events, which lie beside their publishers."""
    found: dict[str, Mapping[str, Any]] = {}
    for part in {part.folder: part for own in parts.values() for part in own}.values():
        for topic in part.part.publishes:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                schema = json.loads(read(f"{part.folder}/{PUBLISHED}/{topic}.json"))
                found |= {topic: schema} if isinstance(schema, dict) else {}
    return found


def _main(file: str, read: Read) -> Document:
    try:
        raw = read(file)
    except OSError as error:
        raise BadInput(
            [Problem(file, f"cannot be read ({error.strerror}); correct the path or its mode")]
        ) from None
    return document.parse(raw, file)


def _lenient(main: Document) -> tuple[SystemFile, list[Problem], Gaps]:
    """Validate the main file; what is wrong is reported and left out, so that the rest is checked.

    Raises:
        BadInput: too much is wrong to say anything of the rest.
    """
    try:
        return _validate(SystemFile, main), [], Gaps()
    except _InvalidValue as wrong:
        if not isinstance(main.data, dict):
            raise
        rest, names = dict(main.data), {section: set[str]() for section in NAMED}
        sections = set()
        for path in wrong.paths:
            head = str(path[0]) if path else ""
            entries = rest.get(head)
            if head in NAMED and len(path) > 1 and isinstance(entries, dict):
                rest[head] = {k: v for k, v in entries.items() if k != path[1]}
                names[head].add(str(path[1]))
            else:
                rest.pop(head, None)
                sections.add(head)
        rest = {"tarmac": 1, "system": "unnamed", "services": {}, **rest}
        try:
            data = SystemFile.model_validate(rest)
        except ValidationError:
            raise wrong from None
        known = {section: frozenset(names) for section, names in names.items()}
        return data, list(wrong.problems), Gaps(known, frozenset(sections))


class _InvalidValue(BadInput):
    """A file whose types are wrong, and at which paths."""

    def __init__(self, problems: list[Problem], paths: list[Path]) -> None:
        super().__init__(problems)
        self.paths = paths


def _part(folder: str, read: Read) -> SourcedPart:
    file = os.path.join(folder, PART_FILE)
    parsed = document.parse(read(file), file)
    return SourcedPart(_validate(Part, parsed), folder, parsed)


def _unreadable(name: str, source: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return (
            f"{name} has no {PART_FILE} in '{source}'; correct the folder, or start the program "
            "in it with `run: [PROGRAM, ...]` and `cwd` instead of `source`"
        )
    why = error.strerror if isinstance(error, OSError) else error
    return f"{name}: {PART_FILE} in '{source}' cannot be read ({why}); correct its mode"


def _validate(model: type[M], parsed: Document) -> M:
    if not isinstance(parsed.data, dict):
        place = parsed.locate(())
        what = "a list" if isinstance(parsed.data, tuple) else "no mapping"
        raise _InvalidValue(
            [Problem(str(place), f"the file is {what}; begin with `{_first(model)}: ...`")], [()]
        )
    try:
        return model.model_validate(parsed.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        paths = [tuple(s for s in details["loc"] if s != "[key]") for details in found]
        said = [complaint(model, parsed, details) for details in found[:MAX_PROBLEMS]]
        if len(found) > MAX_PROBLEMS:
            said += [Problem(parsed.file, "more of the same; correct these first")]
            raise BadInput(said) from None
        raise _InvalidValue(sorted(said, key=_order), paths) from None


def _first(model: type[BaseModel]) -> str:
    return next(iter(model.model_fields))


def _order(problem: Problem) -> tuple[str, float, float]:
    """Sort by place; what is about a file as a whole comes after what has a line."""
    file, *place = problem.where.rsplit(":", 2)
    if len(place) == 2 and all(number.isdecimal() for number in place):
        return file, float(place[0]), float(place[1])
    return problem.where, math.inf, 0


def _is_part(problem: Problem, file: str) -> bool:
    return not problem.where.startswith(file)
