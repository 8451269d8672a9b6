"""What is thought of mutants that no gate finds: tests/mutation/survivors.yaml, in its order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

from mutants.making import MutantClass

FILE = Path(__file__).parents[2] / "mutation/survivors.yaml"
#: The system behaves the same; it differs, as an owner may want; it is worse, and nothing says so.
EQUIVALENT, HARMLESS, MISSED = "equivalent", "harmless", "missed"
CLASSES = (EQUIVALENT, HARMLESS, MISSED)


@dataclass(frozen=True)
class Judgement:
    """What is thought of some survivors, and why."""

    #: Patterns of `kind place`, with the wildcards of file names.
    at: tuple[str, ...]
    #: Patterns of operators.
    by: tuple[str, ...]
    name: str
    why: str
    #: Whether it holds only where there is no model that says what was wanted.
    files_only: bool

    def holds(self, own: MutantClass, *, files: bool) -> bool:
        """Tell whether it is about a class of survivors."""
        where = f"{own.kind} {own.place}"
        return (
            (files or not self.files_only)
            and any(fnmatchcase(where, pattern) for pattern in self.at)
            and any(fnmatchcase(own.operator, pattern) for pattern in self.by)
        )


@cache
def judgements() -> tuple[Judgement, ...]:
    """Read all of them, in their order."""
    return tuple(
        Judgement(
            _texts(entry["at"]), _texts(entry.get("by", "*")), name, entry["why"],
            bool(entry.get("files-only")),
        )
        for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))
        for name in [entry["class"]]
    )  # fmt: skip


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def judgement_of(own: MutantClass, *, files: bool) -> Judgement | None:
    """Find the first judgement about a class; None: it is not classified."""
    return next((entry for entry in judgements() if entry.holds(own, files=files)), None)
