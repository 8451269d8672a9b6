"""Names of branches and tags in workflows are written as GitHub writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, numbered_texts, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: A reference as a text of a condition, and how those of GitHub begin.
_REF = re.compile(r"'(refs?/[\w.*/-]*)'")
_BEGINS = ("refs/heads/", "refs/tags/", "refs/pull/")
_ASKED = re.compile(r"\bgithub\.(event\.)?(ref|base_ref|head_ref|ref_name)\b")
_NAMES = ("branches", "branches-ignore", "tags", "tags-ignore")
_FILTERED = ("push", "pull_request", "pull_request_target")


def check(files: Files) -> Iterator[Finding]:
    """Yield conditions and filters that no branch or tag meets."""
    for workflow in workflows(files):
        yield from _compared(workflow)
        for trigger, data in workflow.triggers.items():
            for key in _NAMES if trigger in _FILTERED else ():
                yield from _filtered(workflow, trigger, key, tuple(texts(fields(data).get(key))))


def _compared(workflow: Workflow) -> Iterator[Finding]:
    for name, job in workflow.jobs.items():
        for path, condition in job.conditions:
            for ref in _REF.findall(condition) if _ASKED.search(condition) else ():
                if not any(one.startswith(ref) or ref.startswith(one) for one in _BEGINS):
                    what = f"{name} asks for '{ref}', and references of GitHub begin with"
                    said = f"{what} refs/heads/ or refs/tags/, so none is met; write one of these"
                    yield Finding(workflow.at("jobs", name, *path), said)


def _filtered(
    workflow: Workflow, trigger: str, key: str, written: tuple[str, ...]
) -> Iterator[Finding]:
    for number, name in numbered_texts(fields(workflow.triggers[trigger]).get(key)):
        where = workflow.at("on", trigger, key, number)
        if name.lstrip("!").startswith(("refs/heads/", "refs/tags/")):
            short = name.lstrip("!").partition("/")[2].partition("/")[2]
            what = f"{trigger} is filtered by {name}, and `{key}` compares names without refs/:"
            yield Finding(where, f"{what} nothing meets it; write {short}")
        others = [one for one in written if not one.startswith("!")]
        if name == "*" and others == ["*"] and key == "branches":
            what = f"{trigger} takes branches by '*', which meets no name with a slash, as in"
            yield Finding(where, f"{what} feature/login; write '**'", warning=True)


GATE = Gate(
    id="PIP063",
    title="Branches and tags are named as GitHub names them",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax"
    "#filter-pattern-cheat-sheet: * matches zero or more characters, but does not match /",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    reads="texts that begin with ref in conditions on github.ref, and the filters of push and "
    "pull_request.",
)
