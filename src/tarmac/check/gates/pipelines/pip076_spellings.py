"""Secrets and variables of a repository are named the same way in all of its workflows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.typos import typos

_NAMED = re.compile(r"(?<![\w.$-])(secrets|vars)\.([A-Za-z_]\w*)")
_KINDS = {"secrets": "secret", "vars": "variable"}


class GivenName(NamedTuple):
    """A place in a workflow that names what is kept in GitHub's settings."""

    where: str
    kind: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield names that are written once, a character away from one that is written more often."""
    found = list(_names(files))
    known = sorted({one.name for one in found if one.name.startswith("GITHUB_")})
    for kind in sorted({one.kind for one in found}):
        own = [one for one in found if one.kind == kind]
        times = Counter(one.name for one in own)
        for said, meant in typos(times, known):
            where = next(one.where for one in own if one.name == said)
            what = f"names the {_KINDS[kind]} {said} alone, where {times[meant]} other places name"
            said_of_it = f"{meant}; GitHub gives an empty text for one that it does not have"
            yield Finding(where, f"{what} {said_of_it}: did you mean '{meant}'?")


@once
def _names(files: Files) -> Iterator[GivenName]:
    for workflow in workflows(files):
        passed = _passed(workflow)
        for number, line in enumerate(workflow.text.splitlines(), 1):
            for kind, name in _NAMED.findall(line.partition(" #")[0]):
                if name not in passed or kind != "secrets":
                    yield GivenName(f"{workflow.path}:{number}", kind, name)


def _passed(workflow: Workflow) -> set[str]:
    """Name the secrets that callers give to a workflow by names of its own."""
    return set(map(str, fields(workflow.written_triggers, "workflow_call", "secrets")))


GATE = Gate(
    id="PIP076",
    title="A secret or variable of GitHub is named the same way each time",
    phase="delivery",
    source="https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/"
    "use-secrets: the expression of a secret that is not set is an empty string",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("names of secrets and variables", _names),
    targets=("repository",),
    reads="`secrets.NAME` and `vars.NAME` of all workflows, beside each other. Numbers, and words "
    "that are short, are not typos; what a called workflow is given is its own.",
)
