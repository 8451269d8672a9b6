"""A wait for pods begins when there are some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import Command, steps
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files

_WAITS = re.compile(
    r"\bkubectl\b[^|;&]*\bwait\b(?=[^|;&]*\bpods?\b)(?=[^|;&]*(?:\s-l[ =]|--selector[ =]|--all\b))"
)
_MAKES = re.compile(
    r"\bkubectl\b[^|;&]*\b(?:apply|create)\b(?![^|;&]*\b(?:namespace|ns|secret|configmap)\b)"
    r"|\bkustomize build\b|\bhelm (?:install|upgrade)\b(?![^|;&]*--wait\b)"
)
#: What lets some time go by, or asks again.
_PATIENT = re.compile(
    r"\bsleep \d|\buntil\b|\bwhile\b|\bfor i in\b|rollout status|--for[= ]create|\|\|"
)


class PodWait(NamedTuple):
    """A wait for pods by their labels, and what its step does before."""

    job: str
    command: Command
    before: list[Command]


def check(files: Files) -> Iterator[Finding]:
    """Yield waits that end at once with an error, as nothing has made a pod yet."""
    for one in _waits(files):
        last = one.before[-1].text if one.before else ""
        is_patient = any(_PATIENT.search(command.text) for command in (*one.before, one.command))
        if _MAKES.search(last) and not is_patient:
            what = f"{one.job} waits for pods by a selector right after it has made their owner,"
            why = "and where there is none yet kubectl wait ends with an error; write kubectl"
            advice = "rollout status, or wait --for=create before"
            yield Finding(one.command.where, f"{what} {why} {advice}")


@once
def _waits(files: Files) -> Iterator[PodWait]:
    for workflow in workflows(files):
        for name in workflow.jobs:
            for _, found in steps(workflow, name):
                for number, command in enumerate(found):
                    if _WAITS.search(command.text):
                        yield PodWait(name, command, found[:number])


GATE = Gate(
    id="PIP069",
    title="A wait for pods begins when there are some",
    phase="delivery",
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_wait: without a "
    "matching object it ends with `no matching resources found`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("waits for pods by a selector", _waits),
    targets=("repository",),
    reads="kubectl wait for pods by a selector in steps of GitHub's workflows, beside the command "
    "before it in its step.",
)
