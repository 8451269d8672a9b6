"""GitHub would accept every workflow: actionlint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tarmac.base.report import Finding, Level, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.untrusted import are_branches, paths_of_authors
from tarmac.check.gates.views.pipelines.workflows import FOLDER, workflows
from tarmac.check.gates.views.programs import (
    find,
    found_files,
    read,
    run,
    tree,
    workflow_files,
)
from tarmac.check.gates.views.scope import paths

#: What it says in the words of another program, about scripts.
OF_SCRIPTS = ("shellcheck", "pyflakes")
#: It knows the runners of its own day; new ones come each year.
OF_ITS_DAY = ("runner-label",)
#: GitHub calls these commands of scripts deprecated, and obeys them; the others it refuses.
_OBEYED = re.compile(r'command "(set-output|save-state)" was deprecated')
#: `if: false` switches a job off on purpose; a condition that is always met is a mistake.
_OFF = 'constant expression "false"'
#: So does `if: true` switch one on, where that is all that it says.
_ON, _ALONE = (
    'constant expression "true"',
    re.compile(r"[ \t]*(?:- )?if:[ \t]*(?:\$\{\{ *)?true\b[ }]*$"),
)
#: What GitHub takes for a key that is not there.
_EMPTY = ("string should not be empty", '"needs" section should not be empty')
#: It takes an expression for a mistake where GitHub takes one, and what comes of it for nothing.
_EXPRESSION = '"strategy" section is scalar node but mapping node is expected'
_NOTHING = "is not defined in object type {}"
_OPEN = r"(matrix(?:\.[\w-]+)*|github\.event\.inputs)"
_LACKED = re.compile(r'property "([\w-]+)" is not defined in object type \{.')
#: GitHub passes over what else an event by hand has: secrets, as of a workflow that others call.
_BY_HAND = 'expected "inputs" key for "workflow_dispatch" section'
#: GitHub passes over it, and is told by jobs whose conditions ask for the branch or tag.
_REF = re.compile(r"\bgithub\.(?:ref|event\.ref)")
_REF_FILTER = re.compile(r'"(branches|tags)(-ignore)?" filter is not available for (create|delete)')
#: GitHub takes `labels[*].name` for `labels.*.name`.
_STAR = 'unexpected token "*" while parsing variable access'
_ALL = re.compile(r"\$\{\{[^}]*\[\*\]")
#: GitHub takes a number for the name of a key: `job.services.db.ports[5432]`.
_KEY = 'property access of object must be type of string but got "number"'


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what actionlint says of the tree's workflows, their scripts included."""
    folder = tree(subject)
    yield from _said(find("actionlint"), folder, workflow_files(folder))


def check_files(files: Files) -> Iterator[Finding]:
    """Yield what actionlint says of workflows; what it says of scripts and labels is a warning."""
    found = found_files(workflow.artifact for workflow in workflows(files))
    by_authors = paths_of_authors(files)
    by_ref = {one.path for one in workflows(files) if all(map(_asks_ref, one.jobs.values()))}
    for one in _said(find("actionlint"), Path(), found, lenient=True):
        is_own = one.position[0] in by_authors and are_branches([_quoted(one.what)])
        is_asked = one.position[0] in by_ref and _REF_FILTER.match(one.what) is not None
        yield replace(one, warning=True) if is_own or is_asked else one


def _asks_ref(job: Job) -> bool:
    """Tell whether a job runs by the branch or tag alone that its condition asks for."""
    return bool(job.needs) or _REF.search(job.condition) is not None


def _quoted(what: str) -> str:
    """Return what a finding says is untrusted."""
    return what.partition(" is potentially untrusted")[0]


def _said(
    program: str, folder: Path, paths: Sequence[str], *, lenient: bool = False
) -> Iterator[Finding]:
    if not paths:
        return
    try:
        options = ["-shellcheck", find("shellcheck")]
    except Skip:
        options = ["-shellcheck", ""]
    command = [program, "-no-color", "-format", "{{json .}}", *options, *paths]
    answers = read(run(command, folder, reads=paths))
    computed = {said["filepath"] for said in answers if said["message"] == _EXPRESSION}
    told = set[tuple[object, ...]]()
    for said in answers:
        # Each character of a pattern that is none is the same mistake, wherever it is.
        place = (said["filepath"], said["line"], said["message"].partition(". ")[0])
        if said["kind"] == "glob" and place in told:
            continue
        told.add(place)
        is_computed = said["filepath"] in computed
        if is_computed and said["message"].endswith((_EXPRESSION, _NOTHING)):
            continue
        if said["message"].startswith(_KEY) or _is_filter(said, folder):
            continue
        where = f"{said['filepath'].removeprefix('./')}:{said['line']}:{said['column']}"
        warning = lenient and (said["kind"] in (*OF_SCRIPTS, *OF_ITS_DAY) or _may_be(said, folder))
        what = f"{said['message'].rstrip('.')} ({said['kind']})"
        yield Finding(where, what, GATE.id, warning=warning)


def _may_be(said: Mapping[str, Any], folder: Path) -> bool:
    """Tell whether GitHub takes it: a key without a value, a field that some of a matrix have."""
    if re.search("is too old to run|but it is also required", said["message"]):
        return True  # GitHub runs it by a newer Node.js
    if _OBEYED.search(said["message"]) or said["message"].startswith((_OFF, _BY_HAND)):
        return True
    if said["message"].startswith(_ON) and _ALONE.match(_line(said)):
        return True
    # What a name lacks is missing on a page alone.
    is_named = re.match(r"\s*(- )?name:", said.get("snippet") or "")
    if said["message"] in _EMPTY or is_named:
        return True
    lacked = _LACKED.match(said["message"])
    text = (folder / said["filepath"]).read_text(encoding="utf-8", errors="replace")
    # Some of a matrix have a field, and some events bring inputs.
    is_open = lacked and re.search(rf"\b{_OPEN}\.{re.escape(lacked[1])}\b", text)
    # A step that is commented out has no result for a while.
    is_off = lacked and re.search(
        rf"^[ \t]*#[# \t-]*id: *{re.escape(lacked[1])}[ \t]*$", text, re.MULTILINE
    )
    is_unread = lacked and _is_unread(text.splitlines(), said["line"])
    return bool(is_open or is_off or is_unread or (lacked and _is_missed(said)))


def _is_filter(said: Mapping[str, Any], folder: Path) -> bool:
    """Tell whether it stops at `[*]`, which asks for all of a list; of a block it has one line."""
    if not said["message"].startswith(_STAR):
        return False
    text = (folder / said["filepath"]).read_text(encoding="utf-8", errors="replace")
    return _ALL.search(text) is not None


def _is_missed(said: Mapping[str, Any]) -> bool:
    """Tell whether a step runs where a cache has nothing, and its cache is there no more."""
    return bool(re.search(r"\.cache-hit *!= *'true' *(\}\})?[ \t]*$", _line(said)))


def _line(said: Mapping[str, Any]) -> str:
    return "".join(str(said.get("snippet") or "").splitlines()[:1])


def _is_unread(lines: list[str], number: int) -> bool:
    """Tell whether a line gives a job an output that nothing reads."""
    before = (line for line in reversed(lines[: number - 1]) if line.strip())
    above = next((line for line in before if not _is_output(line)), "")
    if above.strip() != "outputs:" or (named := _is_output(lines[number - 1])) is None:
        return False
    plain = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    reads = rf"\b(needs|jobs)\.[\w-]+\.outputs\.{re.escape(named[1])}\b|toJSON\(needs"
    return not re.search(reads, plain, re.IGNORECASE)


def _is_output(line: str) -> re.Match[str] | None:
    return re.match(r"[ \t]+([\w-]+): +[\"']?\$\{\{", line)


GATE = Gate(
    id="VAL020",
    title="actionlint accepts every workflow",
    phase="delivery",
    source="https://github.com/rhysd/actionlint",
    check=check,
    of_files=check_files,
    program="actionlint",
    of_objects=False,
    scope=paths("workflows", f"{FOLDER}*.yml", f"{FOLDER}*.yaml"),
    level=Level.VALID,
    targets=("repository",),
)
