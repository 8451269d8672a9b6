"""A role of AWS trusts the subject that a job of GitHub's gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.events import possible
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.conditions import TrustCondition
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.policies import statements
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement
from tarmac.check.gates.views.terraform.resources import DOCUMENT_OF, argument, resources_of

_ROLE = re.compile(r"(?:^|.*:role/)(?:[\w+=,.@-]+/)*([\w+=,.@-]+)$")
_NAME = re.compile(r'"([^"$]+)"')
_SUBJECT = re.compile(r"repo:[^:]+/[^:]+:(.+)")
_KEY = "token.actions.githubusercontent.com:sub"
_ANY = re.compile(r"[*?\[!+]")


class RoleStep(NamedTuple):
    """A step that takes a role, and the subjects that its job may have, without the repository."""

    workflow: Workflow
    job: str
    step: int
    role: str
    #: Patterns of them: a branch that is not known is a star.
    subjects: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that no role trusts: each exchange of their token is refused."""
    asked = list(_assumed(files))
    trusted = dict(_trusted(files)) if asked else {}
    for one in asked:
        conditions = trusted.get(one.role)
        if not conditions or any(_fits(one, condition) for condition in conditions):
            continue
        where, condition = conditions[0].where, conditions[0].condition
        own = " or ".join(one.subjects)
        what = f"trusts {', '.join(condition.values)}, and {one.job} of {one.workflow.path}, which"
        advice = f"takes the role {one.role}, has the subject repo:...:{own}: it is refused"
        yield Finding(where, f"{what} {advice}; write that subject")


class Trust(NamedTuple):
    """A condition on the subject of GitHub's tokens."""

    where: str
    condition: TrustCondition


def _fits(one: RoleStep, trust: Trust) -> bool:
    """Tell whether a condition takes a subject that the job may have, or is not known."""
    for value in trust.condition.values:
        found = _SUBJECT.fullmatch(value)
        if found is None or "$" in value:
            return True
        pattern = re.escape(found[1])
        if trust.condition.is_pattern:
            pattern = pattern.replace(r"\*", ".*").replace(r"\?", ".")
        for subject in one.subjects:
            own = re.escape(subject).replace(r"\*", ".*")
            if re.fullmatch(pattern, subject) or re.fullmatch(own, found[1]):
                return True
    return not trust.condition.values


@once
def _assumed(files: Files) -> Iterator[RoleStep]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                if not step.uses.startswith("aws-actions/configure-aws-credentials@"):
                    continue
                found = _ROLE.match(str(step.inputs.get("role-to-assume") or ""))
                subjects = _subjects(workflow, job)
                is_by_token = not {"aws-access-key-id", "role-chaining"} & step.inputs.keys()
                if found and subjects and is_by_token:
                    yield RoleStep(workflow, name, number, found[1], subjects)


def _subjects(workflow: Workflow, job: Job) -> tuple[str, ...]:
    """List the subjects of a job's token by what starts it; none where that is not known."""
    given = job.data.get("environment")
    environment = given.get("name") if isinstance(given, Mapping) else given
    if environment:
        return () if "$" in str(environment) else (f"environment:{environment}",)
    if "workflow_call" in workflow.triggers:
        return ()  # the caller's event decides
    found: list[str] = []
    for event in sorted(possible(job.condition, workflow.triggers)):
        said = fields(workflow.triggers.get(event))
        if event == "pull_request":
            found.append("pull_request")
        elif event == "push" and said:
            found += [f"ref:refs/heads/{_known(one)}" for one in texts(said.get("branches"))]
            found += [f"ref:refs/tags/{_known(one)}" for one in texts(said.get("tags"))]
            if not {"branches", "tags"} & said.keys():
                found.append("ref:refs/*")
        elif event == "schedule":
            found.append("ref:refs/heads/*")
        else:
            found.append("ref:refs/*")
    return tuple(dict.fromkeys(found))


def _known(name: str) -> str:
    return "*" if _ANY.search(name) else name


def _trusted(files: Files) -> Iterator[tuple[str, list[Trust]]]:
    """Yield the roles whose conditions on GitHub's subjects are written, by their names."""
    by_file: dict[str, list[PolicyStatement]] = {}
    for statement in statements(files):
        by_file.setdefault(statement.where.rpartition(":")[0], []).append(statement)
    found: dict[str, list[Trust]] = {}
    for root in resources_of(files):
        for role in root.of("aws_iam_role"):
            name = _NAME.fullmatch(argument(role, "name")[1])
            named = DOCUMENT_OF.search(argument(role, "assume_role_policy")[1])
            holder = root.documents.get(named[1]) if named else role
            if name is None or holder is None:
                continue
            own = _conditions(holder, by_file.get(holder.file, []))
            found.setdefault(name[1], []).extend(own)
    yield from found.items()


def _conditions(block: TerraformBlock, found: list[PolicyStatement]) -> Iterator[Trust]:
    for statement in found:
        if block.has(statement.where) and statement.allows:
            own = [one for one in statement.conditions if one.key == _KEY]
            yield from (Trust(statement.where, one) for one in own)


GATE = Gate(
    id="INF027",
    title="A role of AWS trusts the subject that a job of GitHub's gets",
    phase="security",
    source="https://docs.github.com/en/actions/reference/security/oidc: a job with an environment "
    "has that in its subject, and a branch without; of a pull request it is neither",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs that take a role", _assumed),
    targets=("repository",),
    reads="environment of jobs and what starts them, beside the conditions on the subject of "
    "aws_iam_role, where the step names that role. The repository's name is not compared, and "
    "subjects of another form than GitHub's own are not judged.",
)
