"""What goes to users is not changed by pull requests that are not read yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: A job that is there to deliver, by its name, and commands and actions that do so.
_NAMED = re.compile(r"(?i)(^|[-_ ])(deploy\w*|release|publish|production|prod)($|[-_ ])")
_DELIVERS = re.compile(
    r"\baws s3 (sync|cp|mv)\b[^\n]*\bs3://|\bhelm upgrade\b|\bkubectl (apply|rollout|set image)\b"
    r"|\b(terraform|tofu) apply\b|\bgcloud run deploy\b|\bgcloud app deploy\b|\bfirebase deploy\b"
    r"|\b(fly|flyctl) deploy\b|\bserverless deploy\b|\bcdk deploy\b|\becs update-service\b"
    r"|\bnpm publish\b|\btwine upload\b|\bwrangler (deploy|publish)\b|\bmkdocs gh-deploy\b"
    r"|(?m:^(actions/deploy-pages|peaceiris/actions-gh-pages|pypa/gh-action-pypi-publish|"
    r"amazon-ecs-deploy-task-definition|aws-actions/amazon-ecs-deploy-task-definition|"
    r"azure/webapps-deploy)@)"
)
#: What is made for a pull request alone, or only tried.
_TRIED = re.compile(
    r"(?i)preview|staging|sandbox|ephemeral|review|dry-?run|test\.pypi|\bkind\b|k3d|k3s|minikube"
    r"|localstack|head_ref|pull_request|event_name|github\.ref\b|event\.number|\bpr[-_]"
)
_CHANGED = ("opened", "synchronize", "reopened")


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that deliver, and that pull requests start as well."""
    for workflow in _both(files):
        if _TRIED.search(str(workflow.data.get("concurrency") or "")):
            continue
        for name, job in workflow.jobs.items():
            told = "\n".join(job.texts)
            is_told = _NAMED.search(name) or _NAMED.search(job.title)
            delivers = is_told and _DELIVERS.search(told) and not _TRIED.search(told)
            if delivers and not any(c for _, c in job.conditions) and _is_always(workflow, name):
                what = f"{name} delivers, and the workflow is started by pull_request, too: what"
                said = f"{what} is not read yet goes to users; write `if: github.event_name =="
                yield Finding(workflow.at("jobs", name), f"{said} 'push'`", warning=True)


def _is_always(workflow: Workflow, name: str) -> bool:
    """Tell whether nothing that a job waits for asks for anything."""
    left, seen = [name], {name}
    while left:
        job = workflow.jobs.get(left.pop())
        if job is None or job.condition or "environment" in job.data:
            return False
        left += [one for one in job.needs if one not in seen]
        seen |= {*job.needs}
    return True


@once
def _both(files: Files) -> Iterator[Workflow]:
    """Yield workflows that pull requests and pushes start."""
    for workflow in workflows(files):
        types = {*texts(dig(workflow.triggers.get("pull_request"), "types"))}
        is_asked = "pull_request" in workflow.triggers and (not types or types & {*_CHANGED})
        if is_asked and {"push", "release", "workflow_dispatch"} & {*workflow.triggers}:
            yield workflow


GATE = Gate(
    id="PIP044",
    title="What goes to users is not changed by pull requests",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-"
    "workflows#pull_request: each commit of a pull request starts it, before anyone has read it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows of pull requests and pushes", _both),
    targets=("repository",),
    reads="jobs without a condition whose name says that they deliver and whose commands do, in "
    "workflows that pull requests and pushes start. A job with an environment may be held there, "
    "and is left. That the place is for users is not known, so all are warnings.",
)
