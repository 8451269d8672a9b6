"""Programs that a job calls are on GitHub's runners, or installed by a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.shell import steps
from tarmac.check.gates.views.pipelines.workflows import jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Where a command begins: at the start, behind another one, and behind what starts one.
_BEGINS = r"(?:^|[;&|(`]|\b(?:sudo(?:\s+-\S+)*|time|then|do|else|exec|env)\s)\s*(?:\w+=\S*\s+)*"
#: What may bring a program, or stand in for it.
_BRINGS = (
    r"\b(?:pip\d?|pipx|uv|apt|apt-get|brew|choco|snap|npm|curl|wget|unzip|install|ln|alias|cp|mv|"
    r"tfenv|tfswitch|tenv|asdf|mise|nix\S*|command)\b"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield the first call of a program that the image of a runner has no more."""
    known = [one for one in gone("programs")["of_runners"] if one["since"] <= files.today]
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for one in known if "container" not in job.data else ():
                if not _runs_on(job, one["labels"]) or _is_brought(job, one):
                    continue
                call = re.compile(rf"{_BEGINS}{re.escape(one['program'])}(?=\s|$)")
                found = (c for _, own in steps(workflow, name) for c in own if call.search(c.text))
                if command := next(found, None):
                    what = (
                        f"job {name} calls {one['program']}, which GitHub's images of Ubuntu have"
                    )
                    told = f"{what} no more since {one['since']}; take {one['instead']}"
                    yield Finding(command.where, told)


def _runs_on(job: Job, labels: str) -> bool:
    asked = job.data.get("runs-on")
    given = (asked,) if isinstance(asked, str) else tuple(texts(asked))
    return len(given) == 1 and re.fullmatch(labels, given[0]) is not None


def _is_brought(job: Job, one: Mapping[str, Any]) -> bool:
    """Tell whether a step may bring a program: by an action, a local one too, or by a command."""
    program = re.escape(one["program"])
    brings = re.compile(
        rf"{_BRINGS}[^\n]*{program}|{program}\s*\(\)|(?:{one['installs']})\s+install"
    )
    return any(
        re.search(rf"^\./|(?:{one['installs']})", step.uses)
        or brings.search(step.run)
        or "GITHUB_PATH" in step.run
        for step in job.steps
    )


GATE = Gate(
    id="VER008",
    title="Programs that jobs call are on their runners",
    phase="delivery",
    source="https://github.com/actions/runner-images/issues/9692 and issues/9848: docker-compose of"
    " version 1, and Terraform from Ubuntu 24.04 on",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs of workflows", jobs),
    targets=("repository",),
    reads="commands of jobs on GitHub's own Ubuntu, beside the steps of the job that may install a "
    "program. A job in a container, on a matrix of runners or with a local action is passed.",
)
