"""What a pull request must pass is something that runs for every pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.errors import did_you_mean
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import data_of, workflows
from tarmac.report import Finding

FOLDER = ".github/rulesets/"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield required checks that nothing reports, and branches that nothing protects."""
    paths = [e.path for e in subject.artifacts if e.path.startswith(FOLDER)]
    reported = _reported(subject)
    for path in paths:
        data = data_of(subject, path)
        if not isinstance(data, Mapping):
            yield Finding(path, "it is no ruleset in GitHub's form; write JSON")
            continue
        rules = {str(r.get("type")): r.get("parameters") or {} for r in data.get("rules") or ()}
        for kind, about in RULES.items():
            if kind not in rules:
                yield Finding(path, f"{about}; add a rule of type {kind}")
        for each in rules.get("required_status_checks", {}).get("required_status_checks") or ():
            yield from _of(path, str(each.get("context")), reported)


RULES = {
    "pull_request": "anybody may push to the branch without a review",
    "required_status_checks": "what fails its checks may be merged",
    "required_linear_history": "merge commits hide what changed",
    "non_fast_forward": "history can be rewritten by force",
}


def _of(path: str, context: str, reported: Mapping[str, str]) -> Iterator[Finding]:
    if context not in reported:
        advice = did_you_mean(context, reported)
        what = f"the check '{context}' is required and no job of a pull request is so named"
        yield Finding(path, f"{what}: nothing can be merged; {advice}")
    elif reported[context]:
        yield Finding(path, f"the check '{context}' is required and {reported[context]}")


def _reported(subject: Subject) -> dict[str, str]:
    """List the checks of pull requests, each with the reason why it cannot be required."""
    found: dict[str, str] = {}
    for workflow in workflows(subject):
        if not {"pull_request", "pull_request_target"} & set(workflow.triggers):
            continue
        for name, job in workflow.jobs.items():
            found[str(job.get("name") or name)] = _reason(job)
    return found


def _reason(job: Mapping[str, Any]) -> str:
    if "matrix" in (job.get("strategy") or {}):
        return "is a matrix, whose checks have other names; require a job that needs it"
    condition = str(job.get("if") or "").replace("${{", "").replace("}}", "").strip()
    if "event_name == 'push'" in condition or "refs/heads/" in condition:
        return "never runs for a pull request; require one that does"
    return ""


GATE = Gate(
    id="PIP007",
    title="What protects the branch asks for checks that every pull request has",
    phase="delivery",
    source="https://docs.github.com/en/rest/repos/rules: a check that is never reported is waited "
    "for without end",
    check=check,
    looks_at=f"{FOLDER}*.json beside the jobs of workflows that a pull request starts.",
    targets=("repository",),
)
