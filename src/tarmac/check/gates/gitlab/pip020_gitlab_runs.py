"""Jobs of a GitLab pipeline reach their daemon, and run when something changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, dig, fields, items, mappings, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_jobs, gitlab_pipelines
from tarmac.check.gates.views.pipelines.gitlab_conditions import evaluated
from tarmac.check.gates.views.pipelines.gitlab_rules import PIPELINES, SCHEDULE, is_there
from tarmac.check.gates.views.scope import counted_in_files

#: A daemon in a container, from the version on that makes its own certificates.
_DAEMON = re.compile(r"(.*/)?docker:(19\.03|[2-9]\d)(\.[\d.]+)?-dind(-.*)?|(.*/)?docker:dind")
_ITSELF = re.compile(r"tcp://(localhost|127\.0\.0\.1):\d+/?")
_PLAIN = re.compile(r"tcp://[\w.-]+:2375/?")
_CHANGES = re.compile(
    r"\b(terraform|tofu|terragrunt|pulumi)\b.*\b(apply|up)\b|\bhelm\b.*\b(upgrade|install)\b"
    r"|\bkubectl\b.*\bapply\b|\bansible-playbook\b"
)

_PRODUCTION = re.compile(r"(?i)prod(uction)?\b")
_SOURCE = re.compile(r"\$\{?CI_PIPELINE_SOURCE\}?\s*(==|!=)\s*[\"']([\w-]+)[\"']")
_SOURCES = (
    "push", "web", "schedule", "api", "external", "chat", "webide", "merge_request_event",
    "external_pull_request_event", "parent_pipeline", "pipeline", "trigger", "ondemand_dast_scan",
    "ondemand_dast_validation", "security_orchestration_policy", "container_registry_push",
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield daemons that are asked at another port, and changes that every night makes."""
    for pipeline in gitlab_pipelines(files):
        scheduled = any("schedule" in _written(one) for one in pipeline.jobs.values())
        yield from _twice(pipeline)
        for name, job in pipeline.jobs.items():
            yield from _daemon(pipeline, name, job)
            yield from _sources(pipeline, name, job)
            yield from _anywhere(pipeline, name, job)
            if scheduled:
                yield from _nightly(pipeline, name, job)


def _written(job: Fields) -> str:
    return " ".join(str(rule.get("if")) for rule in mappings(job.get("rules")))


def _sources(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield rules for a source of pipelines that there is not."""
    for number, rule in enumerate(mappings(job.get("rules"))):
        for sign, asked in _SOURCE.findall(str(rule.get("if"))):
            if asked not in _SOURCES:
                holds = "never" if sign == "==" else "always"
                near = "write $CI_COMMIT_TAG" if asked.startswith("tag") else "write one of these"
                what = f"job {name} asks for the source {asked}, which no pipeline has, so that is"
                told = f"{near}: {', '.join(_SOURCES)}" if "these" in near else near
                where = pipeline.artifact.at(name, "rules", number)
                yield Finding(where, f"{what} {holds} so; {told}")


def _daemon(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    data = pipeline.artifact.data
    default = fields(data, "default")
    services = job.get("services", data.get("services", default.get("services")))
    named = [str(one.get("name") if isinstance(one, dict) else one) for one in items(services)]
    commands = [str(dig(one, "command")) for one in items(services)]
    known = {**fields(data, "variables"), **fields(job, "variables")}
    asked = str(known.get("DOCKER_HOST") or "")
    is_plain = known.get("DOCKER_TLS_CERTDIR") == "" or any("--tls=false" in c for c in commands)
    for image in named:
        if _DAEMON.fullmatch(image) and _ITSELF.fullmatch(asked):
            at = (name, "variables", "DOCKER_HOST")
            own = "DOCKER_HOST" in fields(job, "variables")
            where = pipeline.artifact.at(*(at if own else at[1:]))
            what = f"job {name} asks {asked}, which is its own container, and {image} runs in"
            said = f"{what} another one, where only runners in a cluster put both into one; write"
            yield Finding(where, f"{said} the service's name: docker", warning=True)
        elif _DAEMON.fullmatch(image) and _PLAIN.fullmatch(asked) and not is_plain:
            at = (name, "variables", "DOCKER_HOST")
            own = "DOCKER_HOST" in fields(job, "variables")
            where = pipeline.artifact.at(*(at if own else at[1:]))
            what = f"job {name} asks {image} at {asked}, and it listens with TLS at 2376: no"
            yield Finding(where, f'{what} connection; write DOCKER_TLS_CERTDIR: "", or port 2376')


def _anywhere(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield releases to production that any branch makes, and any tag whatever it changed."""
    named = job.get("environment")
    environment = str(dig(named, "name") if isinstance(named, dict) else named)
    rules, limits = mappings(job.get("rules")), dig(pipeline.artifact.data, "workflow", "rules")
    first = rules[0] if rules and is_there(pipeline, {}, "a tag") else {}
    is_by_hand = "manual" in (first.get("when"), job.get("when"))
    if _PRODUCTION.match(environment) and "changes" in first and "if" not in first:
        what = f"job {name} changes {environment} in pipelines of every"
        branch = f"{what} branch that changes these files, and of every tag and schedule"
        said = branch if limits is None else f"{what} tag"
        said = f"{said}, where `changes` is always true"
        where = pipeline.artifact.at(name, "rules", 0)
        advice = "add `if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH` to the rule"
        yield from () if is_by_hand else [Finding(where, f"{said}; {advice}", warning=True)]


def _twice(pipeline: GitlabPipeline) -> Iterator[Finding]:
    """Yield the first job that a push makes two pipelines of, where a merge request is open."""
    if "workflow" in pipeline.artifact.data or not pipeline.is_whole:
        return
    for name, job in pipeline.jobs.items():
        rules = mappings(job.get("rules"))
        last = next((n for n, rule in enumerate(rules) if not {*rule} - {"when"}), None)
        kinds = ("a merge request", "the default branch")
        is_run = last is not None and rules[last].get("when") in (None, "on_success", "always")
        if is_run and all(is_there(pipeline, job, kind) for kind in kinds):
            what = f"job {name} has a rule without `if`, and there are no rules of `workflow`, so a"
            said = f"{what} push to a branch with a merge request starts two pipelines"
            advice = "write `workflow: rules` that leave out one of them"
            where = pipeline.artifact.at(name, "rules", last or 0)
            yield Finding(where, f"{said}; {advice}", warning=True)
            return


def _nightly(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield changes of a system where `changes` is asked in the pipeline of a schedule, too."""
    told = [line for line in texts(job.get("script")) if _CHANGES.search(line)]
    for number, rule in enumerate(mappings(job.get("rules")) if told else ()):
        holds = evaluated(str(rule["if"]), PIPELINES[SCHEDULE]) if "if" in rule else True
        if "changes" in rule and holds is not False and rule.get("when") not in ("never", "manual"):
            what = (
                f"job {name} runs `{told[0].strip()[:40]}` in each pipeline of a schedule, in which"
            )
            advice = "`changes` is always true; add $CI_PIPELINE_SOURCE to its `if`"
            where = pipeline.artifact.at(name, "rules", number)
            yield Finding(where, f"{what} {advice}", warning=True)
        if holds and "exists" not in rule:
            return  # a rule before decides, whatever it says


GATE = Gate(
    id="PIP020",
    title="Jobs of a GitLab pipeline reach their daemon, and run when something changed",
    phase="delivery",
    source="https://docs.gitlab.com/ci/docker/using_docker_build: docker:dind listens with TLS at "
    "2376; https://docs.gitlab.com/ci/jobs/job_rules: `changes` is true where no push is",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="services and variables of jobs, `changes` in files that have jobs of a schedule, and "
    "rules without `if` in files without `workflow`.",
)
