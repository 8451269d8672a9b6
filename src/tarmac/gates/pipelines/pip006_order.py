"""Jobs have timeouts, pull requests cancel older runs, and images are scanned before a push."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.scope import counted
from tarmac.gates.views.workflows import Workflow, named, needs, steps, workflows
from tarmac.report import Finding

PUSHES = re.compile(
    r"\b(docker|podman|buildah|crane) push\b|\bscripts/ci push\b|\bbuildx? build\b[^\n]*--push\b"
    r"|\bskopeo copy\b[^\n]*(oci|docker)-archive:"
)
SCANS = re.compile(r"\b(trivy (image|fs|rootfs)|grype |osv-scanner |scripts/ci (scan|all))")
SCANNERS = re.compile(r"^(aquasecurity/trivy-action|anchore/scan-action|google/osv-scanner-action)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield jobs without a timeout, workflows without `concurrency`, and unscanned pushes."""
    for workflow in workflows(subject):
        for name, job in workflow.jobs.items():
            if "timeout-minutes" not in job and "uses" not in job:
                what = f"job {name} may hang for six hours; write `timeout-minutes`"
                yield Finding(workflow.line(f"{name}:"), what)
            yield from _pushes(workflow, name, job)
        if "pull_request" in workflow.triggers and "concurrency" not in workflow.data:
            what = "runs of older pushes to a pull request continue; write `concurrency`"
            yield Finding(workflow.path, f"{what} with `cancel-in-progress` for pull requests")


def _pushes(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    scanned = any(map(_scans, _before(workflow, name)))
    for step in steps(job):
        scanned = scanned or _scans(step)
        if _is_push(step) and not scanned:
            what = f"job {name} pushes an image ({named(step)}) that nothing has scanned"
            advice = "scan it before, and fail on CRITICAL and HIGH"
            yield Finding(workflow.line(f"{name}:"), f"{what}; {advice}")


def _before(workflow: Workflow, name: str) -> list[Mapping[str, Any]]:
    """List the steps of all jobs that must have passed before."""
    seen, left = set[str](), list(needs(workflow.jobs[name]))
    while left:
        if (one := left.pop()) not in seen and one in workflow.jobs:
            seen.add(one)
            left += needs(workflow.jobs[one])
    return [step for job in seen for step in steps(workflow.jobs[job])]


def _scans(step: Mapping[str, Any]) -> bool:
    """Tell whether a step rejects an image: not one that only reports."""
    if step.get("continue-on-error"):
        return False
    given = step.get("with") or {}
    if SCANNERS.match(str(step.get("uses") or "")):
        code = str(given.get("exit-code", "1" if "fail-build" in given else "0"))
        return code not in ("0", "")
    return bool(SCANS.search(str(step.get("run") or "")))


def _is_push(step: Mapping[str, Any]) -> bool:
    given = step.get("with") or {}
    if str(step.get("uses") or "").startswith("docker/build-push-action"):
        return str(given.get("push", "false")).lower() == "true"
    return bool(PUSHES.search(str(step.get("run") or "")))


def _jobs(subject: Subject) -> list[object]:
    return [job for workflow in workflows(subject) for job in workflow.jobs.values()]


GATE = Gate(
    id="PIP006",
    title="Jobs have timeouts, pull requests cancel older runs, scans precede pushes",
    phase="delivery",
    source="CICD-07: what is in the registry can be deployed, whatever a later scan finds",
    check=check,
    scope=counted("jobs", _jobs),
    reads="`timeout-minutes`, `concurrency` and the order of scans and pushes in "
    ".github/workflows, scripts/ci counted for what it does.",
    targets=("repository",),
)
