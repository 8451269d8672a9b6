"""A test that fails in a pipe fails its step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import Command, steps
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Programs whose status is what a step is for.
_TESTS = re.compile(
    r"(?:^|[;&]\s*)(?:[A-Z_]+=\S*\s+)*(?:sudo\s+|poetry run\s+|uv run\s+|pipenv run\s+|npx\s+)*"
    r"(pytest|python3? -m (?:pytest|unittest)|tox|nox|go (?:test|vet)|cargo (?:test|clippy)"
    r"|(?:npm|yarn|pnpm) (?:run )?(?:test|lint)\S*|jest|vitest|mocha"
    r"|(?:\./)?(?:mvnw?|gradlew?) [^|;&]*?\b(?:test|check|verify|build|package|install)"
    r"|make (?:test|check|lint)\S*|ctest|rspec|bundle exec rspec|phpunit|dotnet test|bazel test"
    r"|mypy|ruff check|flake8|pylint|eslint|terraform (?:plan|validate)|helm lint)\b"
    r"(?:\d?>&\d?|&>|[^|;&])*"
)
#: What a pipe ends with whose own status is nearly always 0.
_ENDS = re.compile(r"\|\s*(tee|cat|head|tail|sed|awk|ts)\b")
_MINDED = re.compile(r"pipefail|PIPESTATUS|pipestatus")
#: Shells that GitHub starts with pipefail, or that know no pipes of this sort.
_OTHERS = re.compile(r"^(bash|pwsh|powershell|python|cmd)\b")


class PipedTest(NamedTuple):
    """A test whose output goes into another program."""

    job: str
    command: Command
    test: str
    end: str
    #: Its failure fails the step, or is not to.
    is_minded: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield tests whose failure the last program of their pipe hides."""
    for one in _piped(files):
        if not one.is_minded:
            what = f"{one.job} runs {one.test} in a pipe that ends with {one.end}, and a step"
            why = f"without `shell` has no pipefail: it passes where {one.test} fails"
            yield Finding(one.command.where, f"{what} {why}; write shell: bash, or set -o pipefail")


@once
def _piped(files: Files) -> Iterator[PipedTest]:
    for workflow in workflows(files):
        usual = dig(workflow.data, "defaults", "run", "shell")
        for name, job in workflow.jobs.items():
            machines = f"{job.data.get('runs-on', '')}{job.data.get('strategy', '')}"
            of_job = dig(job.data, "defaults", "run", "shell") or usual
            for step, found in steps(workflow, name):
                shell = str(step.data.get("shell") or of_job or "")
                said = _OTHERS.match(shell) or _MINDED.search(step.run + shell)
                is_minded = said is not None or step.may_fail or "windows" in machines
                for command in found:
                    test = _TESTS.search(command.text)
                    end = _ENDS.match(command.text, test.end()) if test else None
                    if test and end:
                        yield PipedTest(name, command, test[1], end[1], is_minded)


GATE = Gate(
    id="PIP066",
    title="A test that fails in a pipe fails its step",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax"
    "#jobsjob_idstepsshell: without `shell` a step runs by `bash -e`, with `shell: bash` by "
    "`bash -eo pipefail`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("tests in a pipe", _piped),
    targets=("repository",),
    reads="pipes behind programs of tests and linters in steps of GitHub's workflows, with the "
    "shell that the step, its job or the workflow names.",
)
