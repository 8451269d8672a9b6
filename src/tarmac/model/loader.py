"""Loads a system: its `tarmac.yaml` and the `service.yaml` of every part, with all errors at once.

Called by the command line and the supervisor, which pass `read`: the model does no I/O itself.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os.path
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base import sql_steps
from tarmac.base.errors import BadInput, Problem
from tarmac.model import document
from tarmac.model.consistency import inconsistencies
from tarmac.model.document import MAX_PROBLEMS, Document, capped
from tarmac.model.gaps import Gaps
from tarmac.model.include import Find, no_repository
from tarmac.model.joining import UNREAD, JoinedFile, Read, join
from tarmac.model.part import Part
from tarmac.model.referring import of_all
from tarmac.model.system import PART_FILE, SourcedPart, System, SystemFile
from tarmac.model.typed_file import M, lenient, order, validate

#: In a part's folder: TOPIC.json, what consumers of an event rely on.
PUBLISHED = "published"


def load(file: str, read: Read, find: Find = no_repository) -> System:
    """Load and check a system.

    Args:
        file: the path of `tarmac.yaml`; shown in errors as it is given.
        read: how a file is read.
        find: how the files of an included repository are found.

    Raises:
        BadInput: every problem of all files, each with its place.
    """
    main = _main(file, read)
    own, problems, gaps = lenient(main)
    joined = join(main, own, read, find)
    problems.extend(joined.problems)
    for other in joined.others:
        problems.extend(of_all(other.document, other.data.env))
    if joined.is_refused:
        raise BadInput(_sorted(problems, file))
    data, folder = joined.data, os.path.dirname(file) or "."
    parts, wrong = _parts(joined, folder, read)
    problems.extend(wrong)
    system = System(
        data,
        folder,
        joined.document,
        parts,
        _sql(data, folder, read),
        _schemas(parts, read),
        tuple(other.path for other in joined.others),
        tuple(dict.fromkeys(other.checkout for other in joined.others if other.checkout)),
        joined.checkouts,
    )
    incomplete = frozenset(
        name for name, service in data.services.items() if len(parts[name]) < len(service.source)
    )
    gaps = gaps.and_of(joined.gaps).and_of(Gaps(incomplete=incomplete))
    if gaps.any("include"):
        gaps = gaps.and_of(UNREAD)
    problems.extend(capped(inconsistencies(system, gaps), file))
    if problems:
        raise BadInput(_sorted(problems, file))
    return system


def read_as(model: type[M], file: str, raw: bytes) -> tuple[M, Document]:
    """Read a file beside the system's: a checklist, suppressions. Raises BadInput with places."""
    parsed = document.parse(raw, file)
    return validate(model, parsed), parsed


def _parts(
    joined: JoinedFile, folder: str, read: Read
) -> tuple[dict[str, tuple[SourcedPart, ...]], list[Problem]]:
    """Read every service's parts, each file once however many are made of it."""
    found: dict[str, tuple[SourcedPart, ...]] = {}
    problems: list[Problem] = []
    once = functools.cache(lambda folder: _part(folder, joined.title(folder), read))
    for name, service in joined.data.services.items():
        sourced = []
        for index, source in enumerate(service.source):
            if len(problems) > MAX_PROBLEMS:
                break
            try:
                sourced.append(once(os.path.normpath(os.path.join(folder, source))))
            except (OSError, ValueError) as error:  # ValueError: a NUL in the path
                place = str(joined.document.locate(("services", name, "source", index)))
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
            text = read(os.path.normpath(os.path.join(folder, name))).decode()
            found[name] = sql_steps.forward(text)
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


def _part(folder: str, title: str, read: Read) -> SourcedPart:
    parsed = document.parse(read(f"{folder}/{PART_FILE}"), f"{title}/{PART_FILE}")
    return SourcedPart(validate(Part, parsed), folder, parsed)


def _unreadable(name: str, source: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return (
            f"{name} has no {PART_FILE} in '{source}'; correct the folder, or start the program "
            "in it with `run: [PROGRAM, ...]` and `cwd` instead of `source`"
        )
    why = error.strerror if isinstance(error, OSError) else error
    return f"{name}: {PART_FILE} in '{source}' cannot be read ({why}); correct its mode"


def _sorted(problems: Iterable[Problem], file: str) -> list[Problem]:
    """Sort problems by place, those of the system's own file first."""
    return sorted(problems, key=lambda one: (not one.where.startswith(file), order(one)))
