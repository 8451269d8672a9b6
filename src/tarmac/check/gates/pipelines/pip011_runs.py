"""Jobs of a workflow can run, and may do what they are there for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.events import never
from tarmac.check.gates.views.pipelines.inlined_actions import action_of, own_actions
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.kept_artifacts import ARTIFACT, Kept, kept_elsewhere
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, jobs, workflows
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_OWN_TOKEN = re.compile(r"github\.token|secrets\.GITHUB_TOKEN", re.IGNORECASE)


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that never run, artifacts that no job makes, and rights that are absent."""
    by_path = dict(own_actions(files))
    for workflow in workflows(files):
        is_off = _is_off(workflow)
        for name, job in workflow.jobs.items():
            for place, condition, is_other in _conditions(name, job):
                # An action of the repository may be used by workflows of other events.
                is_shared = not workflow.at(*place).startswith(f"{workflow.path}:")
                what = "" if is_shared else never(condition, workflow.triggers)
                if what:
                    said = f"{'this step of ' if 'steps' in place else ''}{name} never runs: {what}"
                    yield Finding(workflow.at(*place), said, warning=is_other or is_off)
            yield from _needed(workflow, name, job)
        yield from _absent(workflow, by_path, kept_elsewhere(files, workflow))
        yield from _cycles(workflow)


def _is_off(workflow: Workflow) -> bool:
    """Tell whether a person alone starts a workflow, and none of its jobs: it is switched off."""
    off = (never(job.condition, workflow.triggers) for job in workflow.jobs.values())
    return workflow.triggers.keys() == {"workflow_dispatch"} and all(off)


def _conditions(name: str, job: Job) -> Iterator[tuple[tuple[str | int, ...], str, bool]]:
    """Yield where a condition is, the condition, and whether another step does it otherwise."""
    yield ("jobs", name, "if"), job.condition, False
    done = Counter(step.uses.partition("@")[0] for step in job.steps if step.uses)
    for number, step in enumerate(job.steps):
        is_other = done[step.uses.partition("@")[0]] > 1
        yield ("jobs", name, "steps", number, "if"), step.condition, is_other


def _absent(workflow: Workflow, by_path: Mapping[str, Artifact], more: Kept) -> Iterator[Finding]:
    made, asked = list[str](), list[tuple[str, int, str]]()
    root = workflow.path.partition(".github/")[0]
    for name, job in workflow.jobs.items():
        if job.calls_workflow:
            return
        for number, step in enumerate(job.steps):
            if step.uses.startswith("./") and not _has_steps(f"{root}{step.uses}", by_path):
                return
            found = ARTIFACT.match(step.uses)
            if found and found[1] == "upload":
                made.append(str(step.inputs.get("name") or "artifact"))
            elif not found and "artifact" in step.uses and not step.uses.startswith("./"):
                return  # another program may make some
            is_here = not {"run-id", "pattern", "repository"} & step.inputs.keys()
            if found and found[1] == "download" and is_here and "name" in step.inputs:
                asked.append((name, number, str(step.inputs["name"])))
    if any("${{" in one for one in made):
        return
    for name, number, given in asked:
        if "${{" not in given and given not in made and not more(given):
            what = f"{name} downloads the artifact {given}, which no job here uploads"
            where = workflow.at("jobs", name, "steps", number)
            yield Finding(where, f"{what}; {did_you_mean(given, made)}" if made else what)


def _has_steps(folder: str, by_path: Mapping[str, Artifact]) -> bool:
    """Tell whether an action of the repository is made of steps, which its jobs have then."""
    action = action_of(folder, by_path)
    return action is not None and string(action.data, "runs", "using") == "composite"


def _cycles(workflow: Workflow) -> Iterator[Finding]:
    for name, job in workflow.jobs.items():
        seen, todo = set[str](), list(job.needs)
        while todo:
            other = todo.pop()
            if other not in seen and other in workflow.jobs:
                seen.add(other)
                todo += workflow.jobs[other].needs
        if name in seen:
            what = f"{name} waits for itself ({', '.join(sorted(seen))}): the file is refused"
            yield Finding(workflow.at("jobs", name, "needs"), f"{what}; remove one from `needs`")


def _needed(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    """Yield what a job does and its token may not."""
    given = _given(job.data if job.has_permissions else workflow.data)
    if given is None:
        return
    told = set[str]()
    for number, step in enumerate(job.steps):
        for need in published("permissions")["needs"]:
            if not _is_of(need, step.uses, step.run, step.inputs, step.data):
                continue
            if need.get("after") and not any(map(_logs_in, job.steps[:number])):
                continue
            rights = need["rights"]
            lacks = [
                f"{scope}: {right}"
                for scope, right in rights.items()
                if given.get(scope) not in (right, "write")
            ]
            if lacks and need["what"] not in told:
                told.add(need["what"])
                what = f"{name} {need['what']}, and its token may not: its permissions lack"
                where = workflow.at("jobs", name, "steps", number)
                yield Finding(where, f"{what} `{', '.join(lacks)}`; add it")


def _logs_in(step: Step) -> bool:
    """Tell whether a step logs in to GitHub's registry by the workflow's own token."""
    is_action = step.uses.startswith("docker/login-action@")
    is_script = re.search(r"\blogin\b.*\bghcr\.io", step.run) is not None
    if is_action and not str(step.inputs.get("registry")).startswith("ghcr.io"):
        return False
    given = f"{step.run} {step.data.get('env')} {step.inputs.get('password')}"
    others = re.search(r"secrets\.(?!GITHUB_TOKEN\b|github_token\b)", given)
    return (is_action or is_script) and _OWN_TOKEN.search(given) is not None and not others


def _given(holder: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Read the rights of a token; None where the organisation's default decides, or all are."""
    said = holder.get("permissions")
    return said if isinstance(said, Mapping) else None


def _is_of(
    need: Mapping[str, Any], uses: str, script: str, inputs: Mapping[str, Any], data: Any
) -> bool:
    if (action := need.get("uses")) and not uses.startswith(f"{action}@"):
        return False
    if (asked := need.get("run")) and not re.search(asked, script, re.MULTILINE):
        return False
    given = {**fields(data, "env"), **inputs}
    for key, pattern in need.get("with", {}).items():
        if not re.search(pattern, str(given.get(key, ""))):
            return False
    # A token of its own has its own rights.
    own = [
        str(given[key])
        for key in (
            "token",
            "GH_TOKEN",
            "GITHUB_TOKEN",
            "github-token",
            "repo-token",
            "password",
            "app-id",
        )
        if key in given
    ]
    return all("github.token" in one or "secrets.GITHUB_TOKEN" in one for one in own)


GATE = Gate(
    id="PIP011",
    title="Jobs can run, and may do what they are there for",
    phase="delivery",
    source="https://docs.github.com/en/actions/writing-workflows: a job whose `if` no trigger "
    "satisfies is skipped and green; a token with `permissions` has those alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", jobs),
    targets=("repository",),
    reads="`if` of jobs and steps beside `on`; names of artifacts; `needs`; permissions beside the "
    "actions and commands of assets/published.yaml that need some. Workflows that others call have "
    "their events and are not judged by `if`.",
)
