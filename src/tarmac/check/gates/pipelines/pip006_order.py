"""Jobs have timeouts, pull requests cancel older runs, and images are scanned before a push."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

PUSHES = re.compile(
    r"\b(docker|podman|buildah|crane) push\b|\bscripts/ci push\b|\bbuildx? build\b[^\n]*--push\b"
    r"|\bskopeo copy\b[^\n]*(oci|docker)-archive:"
)
SCANS = re.compile(r"\b(trivy (image|fs|rootfs)|grype |osv-scanner |scripts/ci (scan|all))")
SCANNERS = re.compile(r"^(aquasecurity/trivy-action|anchore/scan-action|google/osv-scanner-action)")


def check(subject: Files) -> Iterator[Finding]:
    """Yield jobs without a timeout, workflows without `concurrency`, and unscanned pushes."""
    for workflow in workflows(subject):
        for name, job in workflow.jobs.items():
            if not job.has_timeout and not job.calls_workflow:
                what = f"job {name} may hang for six hours; write `timeout-minutes`"
                yield Finding(workflow.line(f"{name}:"), what)
            minutes = job.data.get("timeout-minutes")
            if isinstance(minutes, int | float) and minutes <= 0:
                what = f"job {name} has timeout-minutes of {minutes:g}, in which nothing is done"
                where = workflow.at("jobs", name, "timeout-minutes")
                yield Finding(where, f"{what}; write how long it may take")
            yield from _pushes(workflow, name, job)
        if "pull_request" in workflow.written_triggers and not workflow.has_concurrency:
            what = "runs of older pushes to a pull request continue; write `concurrency`"
            yield Finding(workflow.path, f"{what} with `cancel-in-progress` for pull requests")


def _pushes(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    scanned = any(map(_scans, _before(workflow, name)))
    for step in job.steps:
        scanned = scanned or _scans(step)
        if _is_push(step) and not scanned:
            what = f"job {name} pushes an image ({step.title}) that nothing has scanned"
            advice = "scan it before, and fail on CRITICAL and HIGH"
            yield Finding(workflow.line(f"{name}:"), f"{what}; {advice}")


def _before(workflow: Workflow, name: str) -> list[Step]:
    """List the steps of all jobs that must have passed before."""
    seen, left = set[str](), list(workflow.jobs[name].needs)
    while left:
        if (one := left.pop()) not in seen and one in workflow.jobs:
            seen.add(one)
            left += workflow.jobs[one].needs
    return [step for job in seen for step in workflow.jobs[job].steps]


def _scans(step: Step) -> bool:
    """Tell whether a step rejects an image: not one that only reports."""
    if step.may_fail:
        return False
    if SCANNERS.match(step.uses):
        code = str(step.inputs.get("exit-code", "1" if "fail-build" in step.inputs else "0"))
        return code not in ("0", "")
    return bool(SCANS.search(step.run))


def _is_push(step: Step) -> bool:
    if step.uses.startswith("docker/build-push-action"):
        return str(step.inputs.get("push", "false")).lower() == "true"
    return bool(PUSHES.search(step.run))


def _jobs(subject: Files) -> list[object]:
    return [job for workflow in workflows(subject) for job in workflow.jobs.values()]


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, as warnings: their owner has agreed to no rule."""
    yield from (replace(found, warning=True) for found in check(files))


GATE = Gate(
    id="PIP006",
    title="Jobs have timeouts, pull requests cancel older runs, scans precede pushes",
    phase="delivery",
    source="CICD-07: an image in the registry can be deployed, even if a later scan fails",
    check=check,
    of_files=of_files,
    of_objects=False,
    scope=counted_in_files("jobs", _jobs),
    reads="`timeout-minutes`, `concurrency` and the order of scans and pushes in "
    ".github/workflows, scripts/ci counted for what it does.",
    targets=("repository",),
)
