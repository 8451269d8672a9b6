"""Jobs of a GitLab pipeline have the variables that an earlier job wrote for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import (
    GitlabPipeline,
    gitlab_jobs,
    gitlab_pipelines,
    needed,
)
from tarmac.check.gates.views.scope import counted_in_files

#: `echo "NAME=value" > file`, in each form of it that a line has.
_WRITTEN = re.compile(
    r"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?([A-Za-z_]\w*)=[^>]*>>?\s*[\"']?([\w./-]+)"
)
_READ = r"(?<![\\$])\$(?:{name}\b|\{{{name}\}})"
#: A line of a script that adds lines to a file, in the forms that write what is in the script.
_ADDED = re.compile(
    r"[ \t]*(?P<program>echo|printf)(?P<options>(?:\s+-\w+)*)"
    r"(?P<text>\s+\"[^\"]*\"|\s+'[^']*'|(?:\s+[^\s\"'>|&;]+)*)"
    r"\s*>>?\s*[\"']?(?P<file>[\w./-]+)[\"']?\s*$"
)
_EDITS = re.compile(r"\b(sed|awk|mv|grep|tee|perl)\b[^|]*\.env\b")
#: A line that GitLab reads of such a report.
_ENTRY = re.compile(r"[A-Za-z_]\w*=.*")
#: How a script itself gets a variable, or reads a file of them.
_SET = r"(?:^|[\s;&|(])(?:export\s+|local\s+|readonly\s+)?{name}=|\bread\s+(?:-\w+\s+)*{name}\b"
_SCRIPTS = ("before_script", "script", "after_script")


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that a job keeps as a mere file, and that another job reads."""
    for pipeline in gitlab_pipelines(files):
        given = set(map(str, fields(pipeline.artifact.data, "variables")))
        for maker, job in pipeline.jobs.items():
            yield from _refused(pipeline, maker, job)
            yield from _left_out(pipeline, maker, job, given)
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


def _left_out(
    pipeline: GitlabPipeline, maker: str, job: Fields, given: set[str]
) -> Iterator[Finding]:
    """Yield jobs that read a variable of a report, and whose `needs` leave that report out."""
    reports = {posixpath.normpath(one) for one in texts(dig(job, "artifacts", "reports", "dotenv"))}
    lines = _lines(job) if reports else []
    made = {
        name: file
        for line in lines
        for name, file in _WRITTEN.findall(line)
        if posixpath.normpath(file) in reports and name not in given
    }
    makers = [one for one in pipeline.jobs.values() if dig(one, "artifacts", "reports", "dotenv")]
    for reader, one in pipeline.jobs.items() if made and len(makers) == 1 else ():
        taken = one.get("needs")
        if reader == maker or not isinstance(taken, list) or _is_open(one):
            continue
        names = [dig(need, "job") if isinstance(need, dict) else need for need in taken]
        text = "\n".join(_lines(one))
        for name in made if maker not in names and len(names) == len([*needed(one)]) else ():
            is_own = name in fields(one, "variables")
            is_own = is_own or re.search(_SET.format(name=name), text, re.MULTILINE) is not None
            if not is_own and re.search(_READ.format(name=name), text):
                what = f"job {reader} reads ${name} of {maker}, and gets the reports of those"
                said = f"{what} alone that it needs: it is empty there; add {maker} to `needs`"
                yield Finding(pipeline.artifact.at(reader, "needs"), said, warning=True)
                break


def _is_open(job: Fields) -> bool:
    """Tell whether a part of a job is elsewhere."""
    is_referred = any("!reference" in str(job.get(key)) for key in _SCRIPTS)
    return bool({"extends", "<<", "dependencies"} & job.keys()) or is_referred


def _refused(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield lines of a report that are none of NAME=value."""
    reports = {posixpath.normpath(one) for one in texts(dig(job, "artifacts", "reports", "dotenv"))}
    # What is written may be corrected before the job ends.
    is_edited = any(_EDITS.search(line) for line in _lines(job))
    for key in _SCRIPTS if reports and not is_edited else ():
        for number, line in enumerate(texts(job.get(key))):
            for one in line.splitlines():
                found = _ADDED.match(one)
                if found is None or posixpath.normpath(found["file"]) not in reports:
                    continue
                if what := _odd(found["program"], found["options"], found["text"].strip()):
                    said = (
                        f"job {name} writes {what} into {found['file']}, a report of variables, in"
                    )
                    where = pipeline.artifact.at(name, key, number)
                    yield Finding(where, f"{said} which GitLab refuses it; write NAME=value alone")


def _odd(program: str, options: str, written: str) -> str:
    """Say what a command writes that is not a variable; "" where it is one, or is not known."""
    text = written.strip("\"'")
    if program == "printf":
        is_known = text in ("\\n", "\\n\\n") and "-" not in options
        return "an empty line" if is_known else ""
    if not text:
        return "" if "n" in options else "an empty line"
    if text.startswith("#"):
        # Without quotes it is a comment of the script, and what is written is an empty line.
        return "a comment" if written[:1] in "\"'" else ""
    if text.startswith("export "):
        return f"`{text.split('=')[0]}=`"
    return "" if _ENTRY.match(text) or "$" in text or "e" in options or "=" in text else f"`{text}`"


def _read(pipeline: GitlabPipeline, maker: str, name: str, file: str) -> Iterator[Finding]:
    own = {maker: pipeline.jobs[maker]}
    for reader, job in pipeline.jobs.items():
        lines = _lines(job)
        text = "\n".join(lines)
        is_open = {"extends", "<<"} & job.keys() or name in fields(job, "variables")
        is_open = is_open or any("!reference" in str(job.get(key)) for key in _SCRIPTS)
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
    "sets variables of later jobs where it is a report of that kind, without empty lines and "
    "comments",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="lines that a script writes into a report of variables; `NAME=value` that one writes "
    "into a file of `artifacts`, beside $NAME in scripts of the other jobs. A variable that the "
    "project has in its settings is not known, so what `needs` leave out is a warning.",
)
