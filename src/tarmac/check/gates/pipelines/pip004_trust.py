"""Untrusted code does not run beside secrets, by a checkout or by a text in a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.untrusted import (
    CHOSEN,
    OF_WRITERS,
    PRIVILEGED,
    REQUESTS,
    is_of_its_author,
)
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

FOREIGN = re.compile(
    r"github\.(event\.pull_request\.(head|merge_commit_sha)|head_ref|event\.workflow_run\.head)"
    r"|refs/pull/|^(gh pr checkout|hub pr checkout)"
)
#: The name of a branch, which without another repository is one of this repository.
OWN_BRANCH = re.compile(
    r"github\.(event\.pull_request\.head\.ref|head_ref|event\.workflow_run\.head_branch)\b"
)
#: What gets code in a script; another line may only report on it.
GETS_CODE = re.compile(r"\b(git (fetch|checkout|clone|pull|switch)|(gh|hub) pr checkout)\b")
#: What nothing runs, though a script may read it: by its ending, or as variables.
DATA = re.compile(r"\.(json|ya?ml|toml|txt|md|csv|env|lock|properties|xml)$|(^|/)\.?envs?$")
#: Conditions by which only code of some is taken.
CHOSEN_BY_US = re.compile(r"actor|author_association|label|user\.login|head\.repo|head_repository")
#: A condition that asks for a pull request itself, which a run of another workflow does not have.
OF_A_REQUEST = re.compile(r"(?<![!.])\bgithub\.event\.(pull_request|number)\b(?!\s*==\s*null)")
#: A condition that asks for a run that only people with the right to write cause.
OF_A_PUSH = re.compile(
    r"github\.event\.workflow_run\.event\s*==\s*'(push|release|schedule|workflow_dispatch)'"
)
#: What an outsider chooses, but where a filter of branches fixes it.
BRANCH = "github.event.workflow_run.head_branch"
#: A question that is answered by true or false.
_ANSWERS = re.compile(r"\b(?:contains|startsWith|endsWith)\([^()]*\)", re.IGNORECASE)
#: Events that only people with the right to write to the repository cause.
_BY_WRITERS = frozenset(
    {"create", "push", "release", "schedule", "workflow_call", "workflow_dispatch"}
)
#: What runs files of the folder that it is started in.
_RUNS = re.compile(
    r"(?<![\w./-])(?:\./|(?:make|np[mx]|yarn|pnpm|bun|cargo|go|mvn|gradle|python3?|pytest|tox|node"
    r"|bash|sh|source|docker|poetry|uv|bundle|rake|dotnet|cmake|terraform)\b"
    r"|pip3? install (?:-|\.))"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def check(files: Files) -> Iterator[Finding]:
    """Yield checkouts of untrusted code beside secrets, and scripts with untrusted text."""
    by_writers: dict[str, bool] = {}
    for one in workflows(files):
        name = str(one.data.get("name"))
        by_writers[name] = by_writers.get(name, True) and one.triggers.keys() <= _BY_WRITERS
    for workflow in workflows(files):
        started = [trigger for trigger in PRIVILEGED if trigger in workflow.triggers]
        ours = _names_branches(workflow) or _follows_writers(workflow, by_writers)
        is_own = is_of_its_author(workflow)
        for name, job in workflow.jobs.items():
            for step in job.steps:
                said = f"{job.condition} {step.condition}"
                if started and not _is_safe(said, started):
                    limited = bool(CHOSEN_BY_US.search(said)) or _runs_none(job)
                    for found in _taken(workflow, name, step, started[0]):
                        yield replace(found, warning=limited or found.warning)
                is_pushed = OF_A_PUSH.search(said) and "||" not in said
                of_writers = bool(OF_WRITERS.search(said) or is_pushed)
                for found in _made(workflow, name, step):
                    if not (ours and BRANCH in found.what) and not _is_empty(workflow, found):
                        is_known = of_writers or (is_own and BRANCH not in found.what)
                        yield replace(found, warning=is_known and _is_branch(found))


def _runs_none(job: Job) -> bool:
    """Tell whether a job without rights and secrets runs nothing of what it checks out.

    Its scripts are in another folder, into which it checks out its own repository.
    """
    if not job.has_permissions or job.writes or any("secrets." in text for text in job.texts):
        return False
    checked_out = [step.inputs for step in job.steps if "actions/checkout@" in step.uses]
    own = [str(one["path"]) for one in checked_out if "path" in one and "ref" not in one]
    scripts = [step.run for step in job.steps]
    for path in own:
        scripts = [text.replace(f"./{path}/", "") for text in scripts]
    return not any(_RUNS.search(text) for text in (*scripts, *(s.uses for s in job.steps)))


def _is_safe(condition: str, started: list[str]) -> bool:
    """Tell whether a step runs for pull requests, without secrets, or for what writers push."""
    is_other = started == ["workflow_run"] and "||" not in condition
    return is_other and any(one.search(condition) for one in (OF_A_REQUEST, OF_A_PUSH))


def _names_branches(workflow: Workflow) -> bool:
    """Tell whether a workflow follows runs of branches alone that it names in full."""
    names = items(workflow.triggers.get("workflow_run"), "branches")
    return bool(names) and all(re.fullmatch(r"[\w./-]+", str(name)) for name in names)


def _follows_writers(workflow: Workflow, by_writers: Mapping[str, bool]) -> bool:
    """Tell whether all workflows that it follows are here, and writers alone start them."""
    names = list(map(str, items(workflow.triggers.get("workflow_run"), "workflows")))
    return bool(names) and all(by_writers.get(name, False) for name in names)


def _is_empty(workflow: Workflow, found: Finding) -> bool:
    """Tell whether a text is of a pull request, and nothing of one starts a workflow."""
    is_of_one = "github.head_ref" in found.what or "github.event.pull_request" in found.what
    return is_of_one and workflow.triggers.keys().isdisjoint(REQUESTS)


def _is_branch(found: Finding) -> bool:
    return BRANCH in found.what or "head_ref" in found.what or "head.ref" in found.what


def _taken(workflow: Workflow, job: str, step: Step, started: str) -> Iterator[Finding]:
    ref, place = (str(step.inputs.get(key, "")) for key in ("ref", "repository"))
    # A fork's code is at another repository, at its commit, or at the number of its request.
    is_here = not place or "github.repository " in f"{place.strip('${} ')} "
    by_name = OWN_BRANCH.sub("", ref) if is_here else ref
    lines = [line.strip() for line in step.run.splitlines() if GETS_CODE.search(line)]
    lines = [] if _are_of_data(lines) else lines
    if any(map(FOREIGN.search, (ref, place, *lines))):
        is_own = not any(map(FOREIGN.search, (by_name, place, *lines)))
        what = f"job {job} checks out untrusted code ({step.title}) and is started by {started}"
        advice = "with this repository's secrets; start it by pull_request instead"
        yield Finding(workflow.line(started), f"{what}, {advice}", warning=is_own)


def _are_of_data(lines: list[str]) -> bool:
    """Tell whether a script gets a commit, and puts files of data alone into its folder."""
    of_files = [line.partition(" -- ")[2].split() for line in lines if " fetch " not in line]
    return bool(of_files) and all(
        paths and all(DATA.search(path) for path in paths) for paths in of_files
    )


def _made(workflow: Workflow, job: str, step: Step) -> Iterator[Finding]:
    for text in (step.run, str(step.inputs.get("script") or "")):
        for expression in EXPRESSION.findall(text):
            if found := CHOSEN.search(_ANSWERS.sub("", expression)):
                what = f"job {job} has untrusted input, {found[0]}, in a script ({step.title})"
                advice = "pass it in `env` and quote the variable"
                yield Finding(workflow.line(found[0]), f"{what}; {advice}")


def _steps(files: Files) -> list[object]:
    jobs = (job for workflow in workflows(files) for job in workflow.jobs.values())
    return [step for job in jobs for step in job.steps]


GATE = Gate(
    id="PIP004",
    title="Untrusted code and text do not run with the repository's secrets",
    phase="delivery",
    source="https://securitylab.github.com/resources/github-actions-preventing-pwn-requests",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps of workflows", _steps),
    reads="checkouts in workflows that pull_request_target or workflow_run start, and "
    "expressions in scripts. What a script of the repository does itself is not followed.",
    targets=("repository",),
)
