"""Drift: a tree on disk holds what its model renders, or says which edits are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Original
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.examples import applied
from tarmac.check.gates.views.published import asset
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.unequal import shown, unequal

#: What other data than objects is, by a key that it has at its top.
_BY_KEY = {"groups": "rules", "receivers": "Alertmanager"}
#: The table of a text's lines, by the end of its name.
_BY_END = {".tf": "terraform", ".tfvars": "terraform", "Dockerfile": "dockerfile"}
_FUNCTION = re.compile(r"[A-Za-z_]\w*\(\) *\{")
#: The first word of a line.
_WORD = re.compile(r'"?([\w.-]+)')
#: Parts of one file that are named; of more, their number.
MOST = 3


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the parts of a tree on disk that are not what its model renders."""
    original = subject.given(Original)
    if not original.command:
        return
    yield from _outdated(original)
    there, wanted = _by_path(subject.raw), _by_path(applied(original.artifacts))
    for path in sorted(wanted.keys() - original.outdated):
        if path not in there:
            what = f"is rendered, and not in the tree; write it: `{original.command}`"
            yield Finding(path, what, warning=True)
            continue
        parts = list(_parts(wanted[path], there[path]))
        for place, what in parts[:MOST]:
            yield Finding(place, f"{what}: {_advice(original, path)}", warning=True)
        if len(parts) > MOST:
            what = f"{len(parts) - MOST} more parts are not as rendered: {_advice(original, path)}"
            yield Finding(path, what, warning=True)


def _outdated(original: Original) -> Iterator[Finding]:
    """Say once of all files that they are older than the model."""
    if paths := sorted(original.outdated):
        number = f"one of {len(paths)} files that are" if len(paths) > 1 else "is"
        what = f"{number} older than the model, so what is applied is not what it says"
        yield Finding(paths[0], f"{what}; render again: `{original.command}`", warning=True)


def _advice(original: Original, path: str) -> str:
    return (
        f"the next render stops at this edit; `{original.command} --patch {path}` keeps it, "
        "`--discard` drops it"
    )


def _by_path(artifacts: tuple[Artifact, ...]) -> Mapping[str, list[Artifact]]:
    found: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        found.setdefault(artifact.path, []).append(artifact)
    return found


def _parts(wanted: list[Artifact], found: list[Artifact]) -> Iterator[tuple[str, str]]:
    """Yield where a file differs, and how."""
    if [one.content for one in wanted] == [one.content for one in found]:
        return
    if len(wanted) != len(found):
        what = f"holds {len(found)} documents, and {len(wanted)} are rendered"
        yield found[0].at(), what
        return
    for one, other in zip(wanted, found, strict=True):
        if isinstance(one.content, str) and isinstance(other.content, str):
            yield from _lines(one.content, other)
        else:
            yield from _keys(one, other)


def _keys(wanted: Artifact, found: Artifact) -> Iterator[tuple[str, str]]:
    parts = list(unequal(wanted.content, found.content))
    for path, said, instead in parts:
        name = ".".join(map(str, path)) or "the content"
        what = f"{name} is {_shown(instead)}, and {_shown(said)} is rendered"
        # Of one service or store: its own place in the model.
        what = f"{what} of {wanted.place}" if ":" in wanted.place else what
        yield found.at(*path), _with_purpose(what, _of_part(wanted, path))
    if not parts and wanted.content != found.content:
        yield found.at(), "its parts are in another order, or one differs in an empty value"


def _lines(wanted: str, found: Artifact) -> Iterator[tuple[str, str]]:
    before, now = wanted.splitlines(), str(found.content).splitlines()
    for verb, start, end, first, last in SequenceMatcher(None, before, now, False).get_opcodes():
        if verb == "equal":
            continue
        said, instead = (" ".join(lines).strip() for lines in (before[start:end], now[first:last]))
        what = f"{_shown(instead or None)} is there, but {_shown(said or None)} is rendered"
        where = f"{found.path}:{min(first + 1, len(now)) or 1}"
        purpose = _of_step(before[:start]) if found.path.endswith(".sh") and said else ""
        yield where, _with_purpose(what, purpose or _of_line(found.path, said))


def _shown(value: Any) -> str:
    return shown(value, "nothing")


def _with_purpose(what: str, purpose: str) -> str:
    return f"{what}, which {purpose}" if purpose else what


def _of_part(wanted: Artifact, path: Path) -> str:
    """Say what a part of an object or of other data is for; "" where that is not written."""
    own = (kind for key, kind in _BY_KEY.items() if key in wanted.data)
    kind = str(wanted.data.get("kind")) if wanted.is_object else next(own, "")
    place = ".".join("-" if isinstance(part, int) else str(part) for part in path)
    found = (one for one in _purposes()["objects"] if fnmatchcase(f"{kind} {place}", one["at"]))
    return next((str(one["why"]) for one in found), "")


def _of_line(path: str, said: str) -> str:
    """Say what a line of a text is for; "" where that is not written."""
    name = path.rpartition("/")[2]
    if name.endswith("ignore"):
        return str(_purposes()["ignored"]) if said else ""
    own = next((table for end, table in _BY_END.items() if name.endswith(end)), "")
    own = "dashboard" if "/dashboards/" in path else own
    word = _WORD.match(said)
    return str(_purposes()[own].get(word[1], "")) if own and word else ""


def _of_step(above: list[str]) -> str:
    """Say which function of a script a line is in, and what is written of that."""
    at = next((n for n in reversed(range(len(above))) if _FUNCTION.match(above[n])), None)
    if at is None or "}" in above[at:]:  # the function ends before the line
        return ""
    about = takewhile(lambda line: line.startswith("#"), reversed(above[:at]))
    said = " ".join(line.lstrip("# ") for line in reversed(list(about)))
    name = above[at].partition("(")[0]
    return f"is a step of {name} ({shown(said, '')})" if said else f"is a step of {name}"


def _purposes() -> Any:
    return asset("purposes.yaml")


GATE = Gate(
    id="GIT007",
    title="A tree on disk matches what its model renders, apart from edits kept as patches",
    phase="gitops",
    source="an edit beside the model is tested by nothing, and is lost or in the way at the next "
    "render; https://opengitops.dev: the desired state is declared in one place",
    check=check,
    scope=counted("rendered files", lambda subject: subject.given(Original).artifacts),
    reads="each file of the tree on disk beside what the model renders today, and what its parts "
    "are for, by assets/purposes.yaml. Files of the tree's owner, and those that are ejected, are "
    "left alone.",
    targets=("cluster", "compose", "repository"),
)
