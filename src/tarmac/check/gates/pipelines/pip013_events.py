"""Jobs run at the events for which they are there: by what they need, compare, watch and follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import fields, numbered_texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.pipelines.events import possible
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: A job with one of these runs although what it needs was skipped.
_ANYWAY = re.compile(r"always\(\)|cancelled\(\)|failure\(\)|needs\.")
_AS_TEXT = re.compile(
    r"(?<![\w.])inputs\.([\w-]+)\s*(==|!=)\s*'(true|false)'"
    r"|'(true|false)'\s*(==|!=)\s*inputs\.([\w-]+)"
)
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_TYPED = ("workflow_dispatch", "workflow_call")
#: Workflows that GitHub itself makes.
_MADE_BY_GITHUB = ("pages-build-deployment", "CodeQL", "Dependabot Updates", "Copilot code review")
_FILE = re.compile(r"(?<![\w./-])[\w./-]{1,300}\.ya?ml")
_WILD = re.compile(r"[*?\[!+]")


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that are always skipped, comparisons that never hold, and events of nothing."""
    named: dict[str, dict[str, str]] = {}
    for workflow in workflows(files):
        folder, _, name = workflow.path.rpartition("/")
        path = f"{FOLDER}{name}"  # from the root of its repository, wherever that is
        named.setdefault(folder, {})[str(workflow.data.get("name") or path)] = name
    for workflow in workflows(files):
        yield from _followed(workflow, named[workflow.path.rpartition("/")[0]])
        yield from _skipped(workflow)
        yield from _compared(workflow)
        yield from _always(workflow)
        yield from _unwatched(files, workflow)
    yield from _unread(files)


def _unread(files: Files) -> Iterator[Finding]:
    """Yield workflows in a folder below, but those that another file names."""
    texts = (one.content for one in files.artifacts if isinstance(one.content, str))
    named = {path.rpartition(FOLDER)[2] for text in texts for path in _FILE.findall(text)}
    for artifact in _nested(files):
        if artifact.path.rpartition(FOLDER)[2] not in named:
            what = "is in a folder below .github/workflows, which GitHub does not read: it never"
            yield Finding(artifact.at(), f"{what} runs; move it up, or remove it", warning=True)


def _nested(files: Files) -> Iterator[Artifact]:
    """Yield what would be a workflow, in a folder below the one that GitHub reads."""
    for artifact in files.artifacts:
        below = artifact.path.rpartition(FOLDER)
        if below[1] and "/" in below[2] and {"jobs"} < set(map(str, artifact.data)):
            yield artifact


def _skipped(workflow: Workflow) -> Iterator[Finding]:
    """Yield jobs that need one which other events start."""
    triggers = workflow.triggers
    if not triggers or "workflow_call" in triggers:
        return
    own = {name: possible(job.condition, triggers) for name, job in workflow.jobs.items()}
    for name, job in workflow.jobs.items():
        if not own[name] or _ANYWAY.search(job.condition):
            continue
        for other in job.needs:
            if (there := own.get(other, set(triggers))) and not own[name] & there:
                what = f"{name} never runs: it runs by {_told(own[name])}, and {other}, which it"
                advice = "leave that out of `needs`, or write `!failure() && !cancelled()`"
                where = workflow.at("jobs", name, "needs")
                yield Finding(where, f"{what} needs, by {_told(there)}; {advice}")


def _told(events: set[str]) -> str:
    return ", ".join(sorted(events))


def _always(workflow: Workflow) -> Iterator[Finding]:
    """Yield conditions of which only a part is an expression: the rest makes a text of them."""
    for name, job in workflow.jobs.items():
        for path, condition in job.conditions:
            rest = _EXPRESSION.sub("", condition)
            if rest and rest != condition:
                what = f"{name}: `if: {condition.strip()}` is a text with more than an expression"
                where = workflow.at("jobs", name, *path)
                yield Finding(
                    where, f"{what} in it, so it is always so; write it without ${{{{ }}}}"
                )


def _booleans(workflow: Workflow) -> set[str]:
    """List the inputs that are true or false by each trigger that has them."""
    kinds: dict[str, set[str]] = {}
    for trigger in _TYPED:
        for name, one in fields(workflow.written_triggers.get(trigger), "inputs").items():
            kinds.setdefault(str(name), set()).add(str(fields(one).get("type", "string")))
    return {name for name, found in kinds.items() if found == {"boolean"}}


def _compared(workflow: Workflow) -> Iterator[Finding]:
    booleans = _booleans(workflow)
    for name, job in workflow.jobs.items() if booleans else ():
        for path, text in job.places(("jobs", name)):
            if "${{" not in text and path[-1] != "if":
                continue
            for found in _AS_TEXT.finditer(text):
                own = found[1] or found[6]
                if own in booleans:
                    sign, value = found[2] or found[5], found[3] or found[4]
                    holds = "never" if sign == "==" else "always"
                    what = f"{name}: inputs.{own} is a boolean and not a text, so `{found[0]}` is"
                    said = f"{what} {holds} so; write {sign} {value}"
                    is_both = re.search(rf"\binputs\.{own}\s*[!=]=\s*(true|false)\b", text)
                    yield Finding(workflow.at(*path), said, warning=is_both is not None)


def _unwatched(files: Files, workflow: Workflow) -> Iterator[Finding]:
    """Yield filters by paths at which nothing is."""
    root = on_disk(files, workflow.path.partition(FOLDER)[0])
    if root is None:
        return
    for event, given in workflow.written_triggers.items():
        patterns = given.get("paths") if isinstance(given, Mapping) else None
        for number, pattern in numbered_texts(patterns):
            if pattern.startswith("!") or not (head := _head(pattern)):
                continue
            above, _, last = head.rstrip("/").rpartition("/")
            folder = root / above
            names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
            if (root / head).exists() or any(fnmatchcase(one, last) for one in names):
                continue
            near = only_near(last, names)
            what = f"watches {pattern}, where nothing is, so a change there starts nothing"
            advice = f"did you mean '{near}'?" if near else "remove it, or correct it"
            where = workflow.at("on", event, "paths", number)
            yield Finding(where, f"{what}; {advice}")


def _followed(workflow: Workflow, named: Mapping[str, str]) -> Iterator[Finding]:
    """Yield workflows that are to run after one that is not called so.

    Args:
        named: the file of each workflow beside it, by its name.
    """
    followed = fields(workflow.written_triggers, "workflow_run").get("workflows")
    for number, name in numbered_texts(followed):
        if name in named or name in _MADE_BY_GITHUB or _WILD.search(name):
            continue
        names = sorted(named)
        file = name.rpartition("/")[2]
        by_case = {one.lower(): one for one in names}
        of_file = next((one for one in names if named[one] == file), "")
        own = of_file or by_case.get(name.lower()) or only_near(name, names)
        what = f"runs after the workflow {name}, and none here has that name, so it never runs"
        advice = f"its name is '{own}'" if own else f"choose one of {', '.join(names)}"
        where = workflow.at("on", "workflow_run", "workflows", number)
        yield Finding(where, f"{what}; {advice}", warning=not own)


def _head(pattern: str) -> str:
    """Take what stands before the first part of a pattern that fits several names."""
    parts = []
    for part in pattern.split("/"):
        if _WILD.search(part):
            break
        parts.append(part)
    return "/".join(parts)


def _judged(files: Files) -> Iterator[object]:
    yield from jobs(files)
    yield from _nested(files)


GATE = Gate(
    id="PIP013",
    title="Jobs run at the events for which they are there",
    phase="delivery",
    source="https://docs.github.com/actions/using-jobs/using-jobs-in-a-workflow: a job whose needed"
    " job was skipped is skipped, and green; a boolean equals no text, and a text is true",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", _judged),
    targets=("repository",),
    reads="`if` and `needs` of jobs beside `on`; inputs of the type boolean; `paths` beside the "
    "files on disk; names of workflow_run beside those of the other workflows. "
    "Conditions with `||` may be true by what is not known here.",
)
