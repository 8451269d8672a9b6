"""Child pipelines of GitLab can be made, and what comes after them waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items, mappings, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_pipelines, needed
from tarmac.check.gates.views.scope import counted_in_files

_SOURCE = re.compile(r"\(?\s*\$\{?CI_PIPELINE_SOURCE\}?\s*==\s*[\"']([\w-]+)[\"']\s*\)?")
_OWN = "parent_pipeline"
#: What a pipeline does that is there to find faults, by the names of jobs and by their scripts.
_NAMED = re.compile(
    r"(?i)(^|[-_:. ])(tests?|e2e|verify|checks?|qa|integration|smoke|scan)([-_:. ]|$)"
)
_TESTS = re.compile(
    r"\b(pytest|tox|nox|go test|cargo test|playwright test|cypress run|jest|vitest|rspec|phpunit"
    r"|dotnet test|mvn .*(test|verify)|gradlew? .*(test|check)|(npm|yarn|pnpm)( run)? test"
    r"|k6 run)\b"
)
_DELIVERS = re.compile(
    r"\bkubectl\b.*\b(apply|set image)\b|\bhelm\b.*\b(upgrade|install)\b"
    r"|\b(terraform|tofu)\b.*\bapply\b|\bansible-playbook\b|\b(docker|crane|skopeo) (push|copy)\b"
    r"|\baws\b.*\bdeploy\b"
)
_PRODUCTION = re.compile(r"(?i)(.*/)?prod(uction)?\b|live\b")


class StartedChild(NamedTuple):
    """A job that starts a pipeline of a file of this repository."""

    pipeline: GitlabPipeline
    name: str
    job: Fields
    child: GitlabPipeline


def check(files: Files) -> Iterator[Finding]:
    """Yield child pipelines without a job, and deliveries beside tests that still run."""
    told = set[str]()
    for one in _children(files):
        place = _without_jobs(one.child)
        if place is not None and one.child.artifact.path not in told:
            told.add(one.child.artifact.path)
            what = f"{one.name} starts this as a child pipeline, in which CI_PIPELINE_SOURCE is"
            said = f'{what} "{_OWN}", and no rule allows that: GitLab makes no pipeline, and'
            advice = f'{one.name} fails; write $CI_PIPELINE_SOURCE == "{_OWN}"'
            yield Finding(one.child.artifact.at(*place), f"{said} {advice}")
        elif dig(one.job, "trigger", "strategy") is None and _tests(one):
            yield from _unwaited(one)


@once
def _children(files: Files) -> Iterator[StartedChild]:
    by_path = {one.path: one for one in files.artifacts}
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            paths = _included(dig(job, "trigger", "include"))
            root = dirname(pipeline.artifact.path)
            path = normpath(join(root, paths[0].lstrip("/"))) if len(paths) == 1 else ""
            if path in by_path and by_path[path].data:
                yield StartedChild(pipeline, name, job, GitlabPipeline(by_path[path]))


def _included(include: Any) -> list[str]:
    """List the files of the repository that a trigger includes; none where there are others."""
    listed = [*items(include)] if isinstance(include, list) else [include]
    found = [one if isinstance(one, str) else dig(one, "local") for one in listed]
    is_local = all(isinstance(one, str) and "$" not in one and "://" not in one for one in found)
    return [str(one) for one in found] if is_local else []


def _without_jobs(child: GitlabPipeline) -> tuple[str | int, ...] | None:
    """Return where rules allow no child pipeline; None where one may."""
    data: Artifact = child.artifact
    if (rules := dig(data.data, "workflow", "rules")) is not None:
        return ("workflow", "rules", 0) if _never(rules) else None
    own = child.jobs
    is_open = not child.is_whole or any(
        "extends" in job or "trigger" in job for job in own.values()
    )
    if own and not is_open and all(_never(job.get("rules")) for job in own.values()):
        return (next(iter(own)), "rules", 0)
    return None


def _never(rules: Any) -> bool:
    """Tell whether each rule asks for a source that a child pipeline does not have."""
    known = mappings(rules)
    if not known or not isinstance(rules, list) or len(known) != len(rules):
        return False
    return all(rule.get("when") == "never" or _is_other(str(rule.get("if"))) for rule in known)


def _is_other(condition: str) -> bool:
    if "||" in condition:
        return False
    found = [_SOURCE.fullmatch(part.strip()) for part in condition.split("&&")]
    return any(one is not None and one[1] != _OWN for one in found)


def _tests(one: StartedChild) -> bool:
    lines = [line for job in one.child.jobs.values() for line in texts(job.get("script"))]
    return any(map(_TESTS.search, lines)) or _NAMED.search(one.name) is not None


def _unwaited(one: StartedChild) -> Iterator[Finding]:
    """Yield deliveries that do not wait for the end of a child pipeline that tests."""
    stages, stage = one.pipeline.stages, one.pipeline.stage(one.job)
    if stage not in stages or one.job.get("allow_failure") or one.job.get("when") == "manual":
        return
    later = stages[stages.index(str(stage)) + 1 :]
    for name, job in one.pipeline.jobs.items():
        needs = [other for other, _ in needed(job)] if "needs" in job else [one.name]
        is_after = one.name in needs and (one.pipeline.stage(job) in later or "needs" in job)
        rules = mappings(job.get("rules"))
        by_hand = "manual" in (job.get("when"), *(rule.get("when") for rule in rules))
        if is_after and not by_hand and _delivers(job):
            what = f"{one.name} passes as soon as its child pipeline is there, and {name} delivers"
            said = f"{what} while the tests in it still run, or have failed; write strategy:"
            where = one.pipeline.artifact.at(one.name, "trigger")
            yield Finding(where, f"{said} depend below its trigger", warning=True)
            return


def _delivers(job: Fields) -> bool:
    named = job.get("environment")
    environment = str(fields(job, "environment").get("name") or named or "")
    is_live = _PRODUCTION.match(environment) is not None
    return is_live or any(_DELIVERS.search(line) for line in texts(job.get("script")))


GATE = Gate(
    id="PIP062",
    title="Child pipelines of GitLab can be made, and what comes after them waits for them",
    phase="delivery",
    source="https://docs.gitlab.com/ci/pipelines/downstream_pipelines: the source of a child "
    "pipeline is parent_pipeline, and without `strategy` the job that starts it passes at once",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("child pipelines", _children),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="jobs of .gitlab-ci.yml whose trigger includes one file of the repository, and the rules "
    "and scripts of that. That a job is there to test is read from its name and its child's "
    "scripts, so a missing `strategy` is a warning.",
)
