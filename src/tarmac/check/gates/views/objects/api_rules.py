"""What an API server refuses in an object, and its schema allows: assets/object_rules.yaml."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, port, text
from tarmac.base.report import Fix
from tarmac.check.gates.views.objects.amounts import is_amount, wrong_amount
from tarmac.check.gates.views.objects.metadata import group_of, kind_of
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.schemas.fixes import reworded

#: Below these, keys are an owner's own.
FREE = frozenset({"data", "stringData", "binaryData", "annotations", "labels", "matchLabels"})
#: Lists of texts for a program.
_FREE_LISTS = frozenset({"args", "command"})
#: How alike two words are that differ by a letter: pods and podss.
NEAR = 0.88


class Breach(NamedTuple):
    """A value that is refused, and what stands there instead."""

    path: Path
    what: str
    fix: Fix | None = None


def is_ruled(artifact: Artifact) -> bool:
    """Tell whether an object is of a group that the rules are of."""
    return group_of(artifact) in object_rules()["groups"]


def breaches(artifact: Artifact) -> Iterator[Breach]:
    """Yield each value of an object that is refused."""
    for path, value in leaves(artifact.data):
        if what := _number(path, value) or _word(path, value):
            yield Breach(path, what, reworded(value, _choices(path)))
    yield from _of_kind(artifact)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each text and number of an object with its path, but for keys that are an owner's."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key not in FREE and key not in _FREE_LISTS:
                yield from leaves(part, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from leaves(part, (*path, number))
    elif path:
        yield path, value


def _number(path: Path, value: Any) -> str:
    if is_amount(path):
        return wrong_amount(path, value)
    if not isinstance(value, int) or isinstance(value, bool):
        return ""
    least, *most = object_rules()["bounds"].get(path[-1], (None,))
    if least is not None and value < least:
        return f"is {value}; must be at least {least}"
    if most and value > most[0]:
        return f"is {value}; must be at most {most[0]}"
    return ""


def _word(path: Path, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    if (words := _choices(path)) and value not in words:
        return f"is {value!r}, which is not known; {did_you_mean(value, words)}"
    whole = _written(path)
    for end, words in object_rules()["nearly"].items():
        near = [word for word in words if is_typo(value, word)] if whole.endswith(end) else []
        if near and value not in words:
            return f"is {value!r}, which is almost {near[0]}; write that"
    return ""


def _choices(path: Path) -> Sequence[str]:
    """List the words that a place may have; none where it may have any."""
    whole = _written(path)
    known: Mapping[str, Sequence[str]] = object_rules()["choices"]
    found = (words for end, words in known.items() if f".{whole}".endswith(f".{end}"))
    return next(found, ())


def _written(path: Path) -> str:
    return ".".join("-" if isinstance(key, int) else key for key in path)


def is_typo(text: str, word: str) -> bool:
    """Tell whether a text differs from a word by one character, or by their order."""
    if text == word or 2 * min(len(text), len(word)) < NEAR * (len(text) + len(word)):
        return False  # too unlike in length for the ratio below
    alike = difflib.SequenceMatcher(None, text, word)
    is_near = alike.quick_ratio() >= NEAR and alike.ratio() >= NEAR
    return is_near or sorted(text) == sorted(word)


def _of_kind(artifact: Artifact) -> Iterator[Breach]:
    """Yield what is refused in one kind of object."""
    kind, data = kind_of(artifact), artifact.data
    update = ("spec", "strategy", "rollingUpdate")
    room = [str(port(data, *update, key)) for key in ("maxSurge", "maxUnavailable")]
    if kind == "Deployment" and not {"None", *room} - {"None", "0", "0%"} and "None" not in room:
        yield Breach(update, "allows neither more pods nor fewer, so no update begins; allow one")
    own = ("spec", "jobTemplate", "spec") if kind == "CronJob" else ("spec",)
    if kind in ("Job", "CronJob"):
        path = (*own, "template", "spec", "restartPolicy")
        if text(data, *path) in (None, "Always"):
            what = "must be Never or OnFailure for the pods of a job; write one of them"
            yield Breach(path, f"is {text(data, *path)}; {what}")
