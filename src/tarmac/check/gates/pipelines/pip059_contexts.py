"""Expressions of a workflow read contexts that exist where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tarmac.base.foreign.reading import Path, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TEXT = re.compile(r"'[^']*'")
_READ = re.compile(
    r"(?<![\w.\-\]])(env|secrets|needs|strategy|matrix|job|runner|steps|vars|jobs)\s*[.\[]"
)
_MANY = "*"


def check(files: Files) -> Iterator[Finding]:
    """Yield expressions for which GitHub refuses the whole file."""
    for workflow in workflows(files):
        for path, text in _judged_in(workflow):
            allowed = _allowed(path)
            unknown = [name for name in _contexts(path, text) if allowed and name not in allowed]
            if unknown:
                place = ".".join(str(one) for one in path if isinstance(one, str))
                what = f"{place} reads the context {unknown[0]}, which does not exist there: GitHub"
                said = f"{what} refuses the whole file; read one of {', '.join(sorted(allowed))}"
                yield Finding(workflow.at(*path), said)


def _judged_in(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    for key in ("run-name", "concurrency", "env"):
        yield from places(workflow.data.get(key), (key,))
    for name, job in workflow.jobs.items():
        yield from job.places(("jobs", name))


def _allowed(path: Path) -> tuple[str, ...]:
    """List the contexts of a place; none where any may be read."""
    for place, allowed in _table():
        steps = zip(place, path, strict=False)
        if len(place) <= len(path) and all(one in (_MANY, str(step)) for one, step in steps):
            return allowed
    return ()


@cache
def _table() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """List the places, those first that are part of others."""
    found = published("contexts")["places"].items()
    whole = [(tuple(place.split(".")), tuple(allowed)) for place, allowed in found]
    return sorted(whole, key=lambda one: -len(one[0]))


def _contexts(path: Path, text: str) -> list[str]:
    told = _EXPRESSION.findall(text)
    if path[-1] == "if" and not told:
        told = [text]
    return [name for one in told for name in _READ.findall(_TEXT.sub("''", one))]


def _judged(files: Files) -> Iterator[object]:
    for workflow in workflows(files):
        yield from (path for path, text in _judged_in(workflow) if _contexts(path, text))


GATE = Gate(
    id="PIP059",
    title="Expressions of a workflow read contexts that exist where they stand",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-"
    "availability: each key has contexts of its own, and a file with another one is refused",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("expressions", _judged),
    targets=("repository",),
    reads="expressions in jobs, and in env, concurrency and run-name of the workflow, by the table "
    "in assets/published.yaml.",
)
