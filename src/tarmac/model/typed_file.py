"""A parsed file as one class of the model, with everything that is wrong in it at once.

Called by the loader and by `joining`, for each file of a system.
"""

from __future__ import annotations

import math
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tarmac.base.errors import BadInput, Problem
from tarmac.model.complaints import complaint
from tarmac.model.document import MAX_PROBLEMS, Document
from tarmac.model.gaps import Gaps
from tarmac.model.location import Path
from tarmac.model.system import SystemFile

M = TypeVar("M", bound=BaseModel)
#: Sections whose entries stand for themselves: one that is wrong is left out, the others checked.
NAMED = ("services", "stores", "externals", "invariants", "environments", "env")


def validate(model: type[M], parsed: Document) -> M:
    """Read a file as a class of the model. Raises BadInput with places."""
    if not isinstance(parsed.data, dict):
        place = parsed.locate(())
        what = "a list" if isinstance(parsed.data, tuple) else "no mapping"
        first = next(iter(model.model_fields))
        raise _InvalidValue(
            [Problem(str(place), f"the file is {what}; begin with `{first}: ...`")], [()]
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
        raise _InvalidValue(sorted(said, key=order), paths) from None


def lenient(parsed: Document) -> tuple[SystemFile, list[Problem], Gaps]:
    """Read a system's file; what is wrong is reported and left out, so that the rest is checked.

    Raises:
        BadInput: too much is wrong to say anything of the rest.
    """
    try:
        return validate(SystemFile, parsed), [], Gaps()
    except _InvalidValue as wrong:
        if not isinstance(parsed.data, dict):
            raise
        rest, names = dict(parsed.data), {section: set[str]() for section in NAMED}
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


def order(problem: Problem) -> tuple[str, float, float]:
    """Sort by place; what is about a file as a whole comes after what has a line."""
    file, *place = problem.where.rsplit(":", 2)
    if len(place) == 2 and all(number.isdecimal() for number in place):
        return file, float(place[0]), float(place[1])
    return problem.where, math.inf, 0


class _InvalidValue(BadInput):
    """A file whose types are wrong, and at which paths."""

    def __init__(self, problems: list[Problem], paths: list[Path]) -> None:
        super().__init__(problems)
        self.paths = paths
