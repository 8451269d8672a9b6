"""Inputs, groups and tags of workflows mean to GitHub what is written for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.shell import steps
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: An input as a text, which stands for itself between signs of a condition.
_BARE = re.compile(r"(?:^|&&|\|\||\(|!)\s*github\.event\.inputs\.([\w-]+)\s*(?:$|&&|\|\||\))")
_PUSHES_TAG = re.compile(
    r"\bgit push\b[^;&|]*(--tags\b|--follow-tags\b|refs/tags/|\$\{?\w*tag\w*)", re.IGNORECASE
)
#: A tag that a script makes, by what it is called there.
_MAKES_TAG = re.compile(r"\bgit tag\s+(?:-[asfm]+\s+)*[\"']?([\w.${}-]+)")
#: The token of the run, which a checkout takes without one, too.
_OWN = re.compile(r"(\$\{\{\s*(secrets\.GITHUB_TOKEN|github\.token)\s*\}\})?", re.IGNORECASE)
#: What starts the other one after all, or is another's token.
_STARTS = re.compile(
    r"\bgh workflow run\b|/dispatches\b|x-access-token|https://[^\s/]*@|secrets\.(?!GITHUB_TOKEN)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield texts that are always true, groups of all branches, and tags that start nothing."""
    found = list(workflows(files))
    waiting = [one for one in found if _waits_for_tags(one)]
    for workflow in found:
        yield from _inputs(workflow)
        yield from _groups(workflow)
        for other in [one for one in waiting if one is not workflow][:1]:
            for name, job in workflow.jobs.items():
                yield from _pushed(workflow, name, job, other)


def _inputs(workflow: Workflow) -> Iterator[Finding]:
    given = fields(workflow.written_triggers.get("workflow_dispatch"), "inputs")
    booleans = {name for name, one in given.items() if dig(one, "type") == "boolean"}
    for name, job in workflow.jobs.items():
        for path, condition in job.conditions:
            plain = condition.strip().removeprefix("${{").removesuffix("}}").strip()
            for one in _BARE.findall(plain):
                if one in booleans:
                    what = (
                        f"{name}: github.event.inputs.{one} is a text, and `false` is one, too, so"
                    )
                    where = workflow.at("jobs", name, *path)
                    yield Finding(where, f"{what} it is always true; write inputs.{one}")


def _groups(workflow: Workflow) -> Iterator[Finding]:
    """Yield groups in which runs of one branch end those of another."""
    said = workflow.data.get("concurrency")
    for path, one in (
        (("concurrency",), said),
        *(
            (("jobs", name, "concurrency"), dig(workflow.data, "jobs", name, "concurrency"))
            for name in workflow.jobs
        ),
    ):
        if isinstance(one, dict) and not one.get("group"):
            what = "concurrency has no group, so GitHub refuses the workflow"
            yield Finding(workflow.at(*path), f"{what}; write e.g. ${{{{ github.ref }}}}")
    group = str(dig(said, "group") or "") if isinstance(said, dict) else ""
    pushed = workflow.triggers.get("push")
    branches = list(texts(dig(pushed, "branches"))) if isinstance(pushed, dict) else []
    is_of_one = len(branches) == 1 and "*" not in branches[0]
    is_of_tags = isinstance(pushed, dict) and "tags" in pushed and not branches
    several = "pull_request" in workflow.triggers or (
        "push" in workflow.triggers and not is_of_one and not is_of_tags
    )
    if group and "${{" not in group and several and dig(said, "cancel-in-progress") is True:
        what = f"all branches are in the group {group}, so a run of one cancels those of the others"
        where = workflow.at("concurrency", "group")
        yield Finding(where, f"{what}; write {group}-${{{{ github.ref }}}}")


def _waits_for_tags(workflow: Workflow) -> bool:
    return bool(dig(workflow.triggers.get("push"), "tags"))


def _pushed(workflow: Workflow, name: str, job: Job, other: Workflow) -> Iterator[Finding]:
    """Yield tags that are pushed by the token of the run itself."""
    out = [step for step in job.steps if step.uses.startswith("actions/checkout@")]
    own = [
        one for one in out
        if "ssh-key" not in one.inputs and _OWN.fullmatch(str(one.inputs.get("token", "")))
    ]  # fmt: skip
    if not own or len(own) != len(out) or any(_STARTS.search(one) for one in job.texts):
        return
    for _, commands in steps(workflow, name):
        made = [one for command in commands for one in _MAKES_TAG.findall(command.text)]
        for command in commands:
            words = re.split(r"[\s\"']+", command.text)
            is_made = "git push" in command.text and any(one in words for one in made)
            if is_made or _PUSHES_TAG.search(command.text):
                what = f"{name} pushes a tag by GITHUB_TOKEN, which starts no other workflow, so"
                advice = f"{other.path} does not run; check out with another token, or start it"
                yield Finding(command.where, f"{what} {advice}")


GATE = Gate(
    id="PIP023",
    title="Inputs, groups and tags of workflows mean to GitHub what is written for them",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/contexts: inputs of "
    "github.event are texts; https://docs.github.com/en/actions/concepts/security/github_token: "
    "what is done by it starts no workflow",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    targets=("repository",),
    reads="boolean inputs in conditions, concurrency groups beside the branches that start a "
    "workflow, and tags that scripts push beside workflows that wait for tags.",
)
