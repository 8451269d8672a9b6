"""Jobs of a GitLab pipeline have the variables that an earlier job wrote for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_jobs, gitlab_pipelines
from tarmac.check.gates.views.scope import counted_in_files

#: `echo "NAME=value" > file`, in each form of it that a line has.
_WRITTEN = re.compile(
    r"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?([A-Za-z_]\w*)=[^>]*>>?\s*[\"']?([\w./-]+)"
)
_READ = r"(?<![\\$])\$(?:{name}\b|\{{{name}\}})"
#: How a script itself gets a variable, or reads a file of them.
_SET = r"(?:^|[\s;&|(])(?:export\s+|local\s+|readonly\s+)?{name}=|\bread\s+(?:-\w+\s+)*{name}\b"
_SCRIPTS = ("before_script", "script", "after_script")


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that a job keeps as a mere file, and that another job reads."""
    for pipeline in gitlab_pipelines(files):
        given = set(map(str, fields(pipeline.artifact.data, "variables")))
        for maker, job in pipeline.jobs.items():
            for name, file in _kept(job):
                if name not in given:
                    yield from _read(pipeline, maker, name, file)


def _lines(job: Fields) -> list[str]:
    return [line for key in _SCRIPTS for line in texts(job.get(key))]


def _kept(job: Fields) -> Iterator[tuple[str, str]]:
    """Yield variables that a job writes into files which it hands on as files alone."""
    artifacts = fields(job, "artifacts")
    paths = {posixpath.normpath(one) for one in texts(artifacts.get("paths"))}
    reports = {posixpath.normpath(one) for one in texts(dig(artifacts, "reports", "dotenv"))}
    for line in _lines(job):
        for name, file in _WRITTEN.findall(line):
            own = posixpath.normpath(file)
            if own in paths and own not in reports:
                yield name, own


def _read(pipeline: GitlabPipeline, maker: str, name: str, file: str) -> Iterator[Finding]:
    own = {maker: pipeline.jobs[maker]}
    for reader, job in pipeline.jobs.items():
        lines = _lines(job)
        text = "\n".join(lines)
        is_open = {"extends", "<<"} & job.keys() or name in fields(job, "variables")
        is_set = re.search(_SET.format(name=name), text, re.MULTILINE)
        if reader in own or is_open or is_set or posixpath.basename(file) in text:
            continue
        if any(re.search(_READ.format(name=name), line) for line in lines):
            what = f"job {reader} reads ${name}, which {maker} keeps in {file} as a mere file, so"
            advice = f"it is empty there; write `reports: {{dotenv: {file}}}`"
            where = pipeline.artifact.at(maker, "artifacts", "paths")
            yield Finding(where, f"{what} {advice}")
            return


GATE = Gate(
    id="PIP021",
    title="Jobs of a GitLab pipeline have the variables that others write for them",
    phase="delivery",
    source="https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv: a file "
    "sets variables of later jobs where it is a report of that kind",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="`NAME=value` that a script writes into a file of `artifacts`, beside $NAME in scripts "
    "of the other jobs. A variable that the project has in its settings is not known.",
)
