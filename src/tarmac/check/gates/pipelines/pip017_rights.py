"""What a workflow starts or calls has the rights for it: tokens of events, secrets of calls."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import fields, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_SECRET = re.compile(r"\$\{\{\s*secrets\.(?!GITHUB_TOKEN\b|github_token\b)(\w+)\s*\}\}")
_PUSHES_TAG = re.compile(
    r"\bgit push\b[^\n|&;]*(--tags\b|--follow-tags\b|refs/tags/|\"?v?\$\{?\w*(tag|version)\w*)",
    re.IGNORECASE,
)
_MAKES_RELEASE = re.compile(r"\bgh release create\b")
#: Others' actions that make a release with the workflow's token where they are given no other.
_RELEASERS = ("softprops/action-gh-release@", "ncipollo/release-action@", "actions/create-release@")
#: Another identity than the workflow's own.
_OTHER = re.compile(
    r"secrets\.(?!GITHUB_TOKEN\b|github_token\b)\w+|create-github-app-token|ssh-key"
)
#: What GitHub starts no workflow by where its own token made it.
_MADE = ("push", "release", "create")


def check(files: Files) -> Iterator[Finding]:
    """Yield workflows that never start, and calls without the secrets that are read."""
    own = {workflow.path: workflow for workflow in workflows(files)}
    for workflow in own.values():
        for name, job in workflow.jobs.items():
            yield from _called(own, workflow, name, job)
            yield from _started(own, workflow, name, job)


def _called(
    own: Mapping[str, Workflow], workflow: Workflow, name: str, job: Job
) -> Iterator[Finding]:
    uses = string(job.data, "uses")
    if not uses.startswith("./") or "secrets" in job.data:
        return
    root = workflow.path.partition(".github/")[0]
    callee = own.get(posixpath.normpath(posixpath.join(root, uses)))
    if callee is None or fields(callee.written_triggers.get("workflow_call"), "secrets"):
        return  # what is required is PIP012's
    for other, one in callee.jobs.items():
        # Secrets of an environment are those of the job that is in it.
        # A step that an input switches on may be off for this one.
        switched = [step.data for step in one.steps if "inputs." in step.condition]
        apart = {text for _, text in places(switched)}
        texts = [] if "environment" in one.data else one.texts
        for text in (text for text in texts if text not in apart):
            if (found := _SECRET.search(text)) and set(callee.written_triggers) == {
                "workflow_call"
            }:
                what = f"{name} calls {uses}, whose {other} reads secrets.{found[1]}, and gives no"
                advice = "secrets: it is empty there; write `secrets: inherit`, or name it"
                yield Finding(workflow.at("jobs", name, "uses"), f"{what} {advice}")
                return


def _started(
    own: Mapping[str, Workflow], workflow: Workflow, name: str, job: Job
) -> Iterator[Finding]:
    if any(_OTHER.search(text) for _, text in places(job.data)) or _OTHER.search(
        " ".join(text for _, text in places(workflow.data.get("env")))
    ):
        return
    if not any(step.uses.startswith("actions/checkout@") for step in job.steps):
        return
    for number, step in enumerate(job.steps):
        made = "tag" if _PUSHES_TAG.search(step.run) else ""
        is_made = _MAKES_RELEASE.search(step.run) or step.uses.startswith(_RELEASERS)
        # A person publishes a draft; to a release that started the run, files are added.
        is_draft = step.inputs.get("draft") or "--draft" in step.run
        if is_made and not is_draft and "release" not in workflow.triggers:
            made = "release"
        waiting = next((one for one in own.values() if made and _waits(one, made)), None)
        if waiting is not None and waiting is not workflow:
            what = f"{name} makes a {made} by the workflow's own token, whose events start no"
            advice = (
                f"workflow: {waiting.path} never runs by it; take a token of an app, or call it"
            )
            where = workflow.at("jobs", name, "steps", number)
            yield Finding(where, f"{what} {advice}", warning=True)
            return


def _waits(workflow: Workflow, made: str) -> bool:
    """Tell whether nothing but a tag or a release starts a workflow."""
    triggers = workflow.written_triggers
    if not triggers or set(triggers) - {*_MADE}:
        return False  # it is started by something else, too, or by hand
    if made == "release":
        return set(triggers) == {"release"}
    return set(triggers) == {"push"} and set(fields(triggers["push"])) == {"tags"}


GATE = Gate(
    id="PIP017",
    title="What a workflow starts or calls has the rights for it",
    phase="delivery",
    source="https://docs.github.com/en/actions/concepts/security/github_token: events of that "
    "token start no workflow; https://docs.github.com/en/actions/sharing-automations/"
    "reusing-workflows: a called workflow has the secrets that it is given",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    targets=("repository",),
    reads="workflows that call another one of the same repository by its path, and steps that push "
    "tags or make releases, beside workflows that only those start.",
)
