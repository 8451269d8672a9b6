"""What a step sets for the next ones reaches them, and a job has the files that it works on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: What ends with the shell of its step, and what would last.
_SET = (
    (re.compile(r"cd[ \t]+[^\s;&|]+"), "write working-directory into the steps behind it"),
    (re.compile(r"export[ \t]+\w+=[^\n;&|]*"), 'write it to "$GITHUB_ENV", or into `env`'),
    (
        re.compile(r"(source|\.)[ \t]+\S*bin/activate"),
        'write its bin to "$GITHUB_PATH", or activate it in each step',
    ),
    (re.compile(r"(conda|mamba)[ \t]+activate[ \t]+\S+"), "write `shell: bash -el {0}`"),
)
#: Commands that work on files of the repository.
_WORKS = re.compile(
    r"(?m)^[ \t]*(npm (ci|install|i)|yarn( install)?|pnpm (install|i)|bundle install|poetry install"
    r"|uv sync|pip3? install (--\S+ )*-r \S+|pip3? install (--\S+ )*\.|pytest|make( \w+)?|go build"
    r"|go test|cargo (build|test)|mvn|\./gradlew|\./mvnw|docker build( -t \S+)? \."
    r"|terraform (init|plan|apply))"
    r"(?=$|[ \t;&|])"
)
#: What may bring them.
_BRINGS = re.compile(
    r"\bgit (clone|init|fetch|pull)\b|\bgh (repo clone|release download|pr checkout)\b|\bcurl\b"
    r"|\bwget\b"
    r"|\btar\b|\bunzip\b|\bcp\b|\baws s3\b|\bcat >|\btee\b|<<|\bnpm (init|create)|\bgo mod init"
    r"|\bcd\b|\bmkdir\b|\bmv\b"
)
_ONLY_TOOLS = re.compile(
    r"(actions/(setup-|cache|github-script)|docker/(setup-|login-)|step-security/harden-runner"
    r"|aws-actions/(configure|amazon-ecr-login)|hashicorp/setup-|pnpm/action-setup|astral-sh/setup-uv"
    r"|google-github-actions/(auth|setup))"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield steps whose whole work ends with them, and jobs that work on files they lack."""
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, what in (*_lost(job), *_empty(name, job)):
                yield Finding(workflow.at("jobs", name, "steps", number), what)


def _lost(job: Job) -> Iterator[tuple[int, str]]:
    for number, step in enumerate(job.steps[:-1]):
        if not any(one.run for one in job.steps[number + 1 :]):
            continue
        lines = [one.strip() for one in step.run.splitlines() if one.strip()]
        for pattern, advice in _SET if len(lines) == 1 else ():
            if pattern.fullmatch(lines[0]):
                what = f"`{lines[0]}` is all of this step, and each step has a shell of its own:"
                yield number, f"{what} it is lost with that; {advice}"


def _empty(name: str, job: Job) -> Iterator[tuple[int, str]]:
    """Yield the first step of a hosted job that works on a repository that is not there."""
    is_hosted = re.match(r"(ubuntu|windows|macos)-", str(job.data.get("runs-on")))
    if not is_hosted or "container" in job.data or any(map(_may_bring, job.steps)):
        return
    for number, step in enumerate(job.steps):
        found = None if step.folder else _WORKS.search(step.run)
        if found:
            what = f"{name} runs `{found[0].strip()}`, and no step of it checks the repository out:"
            yield number, f"{what} there are no files; add actions/checkout"
            return


def _may_bring(step: Step) -> bool:
    is_other = bool(step.uses) and not _ONLY_TOOLS.match(step.uses)
    return is_other or _BRINGS.search(step.run) is not None


GATE = Gate(
    id="PIP064",
    title="What a step does for others reaches them",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax"
    "#jobsjob_idstepsrun: each run keyword is a new process and shell in the runner",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", jobs),
    reads="steps of one command that changes its own shell alone, and jobs on GitHub's runners "
    "without actions/checkout and without a step that may bring files.",
)
