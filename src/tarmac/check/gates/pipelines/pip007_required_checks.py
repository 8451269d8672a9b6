"""Required checks run for every pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.json_files import data_of
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted

FOLDER = ".github/rulesets/"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield required checks that no job reports, and unprotected branches."""
    reported = _reported(subject)
    for path in _rulesets(subject):
        rules = ruleset(subject, path)
        if rules is None:
            yield Finding(path, "it is not a ruleset of GitHub; write JSON")
            continue
        for kind, about in RULES.items():
            if kind not in rules.kinds:
                yield Finding(path, f"{about}; add a rule of type {kind}")
        for wanted in rules.checks:
            yield from _of(path, wanted, reported)


RULES = {
    "pull_request": "the branch accepts a push without a review",
    "required_status_checks": "a change that fails its checks may be merged",
    "required_linear_history": "merge commits hide what changed",
    "non_fast_forward": "history can be rewritten by force",
}


def _of(path: str, context: str, reported: Mapping[str, str]) -> Iterator[Finding]:
    if context not in reported:
        advice = did_you_mean(context, reported)
        what = f"the check '{context}' is required and no job of a pull request has that name"
        yield Finding(path, f"{what}: nothing can be merged; {advice}")
    elif reported[context]:
        yield Finding(path, f"the check '{context}' is required and {reported[context]}")


def _reported(subject: Subject) -> dict[str, str]:
    """List the checks of pull requests, each with the reason why it cannot be required."""
    found: dict[str, str] = {}
    for workflow in workflows(subject):
        if not {"pull_request", "pull_request_target"} & set(workflow.written_triggers):
            continue
        for name, job in workflow.jobs.items():
            found[job.title or name] = _reason(job)
    return found


def _reason(job: Job) -> str:
    if job.has_matrix:
        return "is a matrix, whose checks have other names; require a job that needs it"
    condition = job.condition.replace("${{", "").replace("}}", "").strip()
    if "event_name == 'push'" in condition or "refs/heads/" in condition:
        return "never runs for a pull request; require one that does"
    return ""


def _rulesets(subject: Subject) -> list[str]:
    return [artifact.path for artifact in subject.artifacts if artifact.path.startswith(FOLDER)]


class Ruleset:
    """The rules for a branch."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def kinds(self) -> frozenset[str]:
        """The types of its rules."""
        return frozenset(str(rule.get("type")) for rule in items(self.data, "rules"))

    @property
    def checks(self) -> list[str]:
        """The checks that must have passed."""
        rules = {str(rule.get("type")): rule for rule in items(self.data, "rules")}
        parameters = fields(rules.get("required_status_checks"), "parameters")
        checks = items(parameters, "required_status_checks")
        return [str(check.get("context")) for check in checks]


def ruleset(files: Files, path: str) -> Ruleset | None:
    """Read a ruleset; None where the file is not an object of JSON."""
    data = data_of(files, path)
    return Ruleset(data) if isinstance(data, Mapping) else None


GATE = Gate(
    id="PIP007",
    title="Required checks are reported for every pull request",
    phase="delivery",
    source="https://docs.github.com/en/rest/repos/rules: a check that is never reported blocks "
    "every merge",
    check=check,
    scope=counted("rulesets", _rulesets),
    reads=f"{FOLDER}*.json beside the jobs of workflows that a pull request starts.",
    targets=("repository",),
)
