"""Values that a step writes for later steps are read there, and are in the form for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.shell import Command, steps
from tarmac.check.gates.views.pipelines.workflows import Workflow, jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: A command that writes one line for GitHub.
_WRITES = re.compile(
    r"(?:^|&&|;)\s*echo\s+(?:-\w+\s+)?(\"[^\"]*\"|'[^']*'|[^\s\"'|&;>]+)"
    r"\s*>>\s*[\"']?\$\{?GITHUB_(ENV|OUTPUT)\}?[\"']?\s*(?:$|;|&&)"
)
#: A command that writes the beginning of a line, which others end.
_GOES_ON = re.compile(r"\b(echo\s+-\w*n|printf)\b[^\n]*GITHUB_(ENV|OUTPUT)")
_PAIR = re.compile(r"([A-Za-z_]\w*)=")
#: How a script itself gets a variable.
_SET = r"(?:^|[\s;&|(])(?:export\s+|local\s+|readonly\s+)?{name}\+?=|\b(read|for)\b.*\b{name}\b"
#: A line that only tells.
_TELLS = re.compile(r"\s*(echo|printf)\b[^|>]*$")
_SOURCES = re.compile(
    r"(?:^|[;&|(]|\b(?:then|do|else)\s)[ \t]*(?:source|\.|eval|set -a)[ \t]", re.MULTILINE
)
#: Variables that a runner or an action has set.
_GIVEN = re.compile(r"\w*(PATH|HOME|ROOT|DIR)|GITHUB_\w+|RUNNER_\w+|CI")


#: A line that exports a variable with a value.
_EXPORTS = re.compile(r"(?:^|&&|;)\s*export\s+([A-Za-z_]\w*)=")
#: Actions of GitHub and Docker, which set no variable that a workflow names by itself.
_PLAIN_ACTION = re.compile(r"(actions|docker|github|pypa|codecov|astral-sh|pnpm)/")
#: A script of the repository, which may write them, too.
_RUNS_FILE = re.compile(r"[\w-]\.(sh|bash|py|[cm]?js|ts|rb|pl)\b")
#: A line by which a step writes what is not named there.
_WHOLE = re.compile(r"^(?!.*\w=).*GITHUB_ENV|exportVariable", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that are read in the step that sets them for the next one, or after it."""
    #: An action of the repository is of many jobs, and is wrong once.
    told = set[tuple[str, str]]()
    for workflow in workflows(files):
        for name in workflow.jobs:
            for found in (*_job(workflow, name), *_exported(workflow, name)):
                if (alike := (found.where, found.what.removeprefix(name))) not in told:
                    told.add(alike)
                    yield found


def _job(workflow: Workflow, name: str) -> Iterator[Finding]:
    job = workflow.jobs[name]
    holders = (workflow.data, job.data, fields(job.data, "container"))
    known = {str(variable) for one in holders for variable in fields(one, "env")}
    for step, commands in steps(workflow, name):
        if step.data.get("shell") not in (None, "bash", "sh"):
            continue
        text = "\n".join(command.text for command in commands)
        own = known | {*fields(step.data, "env")}
        written = dict[str, Command]()
        for command in commands:
            for variable in written.keys() - own:
                if _reads(command.text, variable) and not _is_set(text, variable):
                    own.add(variable)
                    what = (
                        f"{name} reads ${variable} in the step that writes it to GITHUB_ENV, which"
                    )
                    said = f"{what} sets it for the steps after that, so it is empty here"
                    advice = "set it in the script, too"
                    is_told = _TELLS.match(command.text) is not None
                    yield Finding(command.where, f"{said}; {advice}", warning=is_told)
            for told, file in _WRITES.findall(command.text):
                yield from _odd(name, command, told.strip("\"'"), file, text)
                if (pair := _PAIR.match(told.strip("\"'"))) and file == "ENV":
                    written.setdefault(pair[1], command)
        known |= written.keys()


def _exported(workflow: Workflow, name: str) -> Iterator[Finding]:
    """Yield variables that only another step's shell has, which is gone when they are read."""
    job = workflow.jobs[name]
    holders = (workflow.data, job.data, fields(job.data, "container"))
    known = {str(variable) for one in holders for variable in fields(one, "env")}
    exported, told = dict[str, Command](), "\n".join(job.texts)
    # What an action or a script writes for later steps is not known here.
    is_open = any(step.uses and not _PLAIN_ACTION.match(step.uses) for step in job.steps)
    is_open = is_open or any(_RUNS_FILE.search(step.run) for step in job.steps)
    for step, commands in steps(workflow, name):
        text = "\n".join(command.text for command in commands)
        own = known | {*fields(step.data, "env")}
        for variable in exported.keys() - own:
            lines = [one for one in commands if _reads(one.text, variable)]
            if not lines or _is_set(text, variable) or _is_written(told, variable):
                continue
            known.add(variable)
            what = f"{name} exports {variable} in a step whose shell ends with it, so ${variable}"
            later = lines[0].where.rpartition(":")[2]
            said = f"{what} is empty in line {later}"
            advice = f'write `echo "{variable}=..." >> "$GITHUB_ENV"`'
            is_told = all(_TELLS.match(one.text) for one in lines)
            where = exported[variable].where
            yield Finding(where, f"{said}; {advice}", warning=is_told or is_open)
        for command in commands if step.data.get("shell") in (None, "bash", "sh") else ():
            for variable in _EXPORTS.findall(command.text):
                exported.setdefault(variable, command)


def _is_written(told: str, variable: str) -> bool:
    """Tell whether a step may write a variable for later ones: by its name, or by a file."""
    by_name = re.search(rf"\b{variable}\b[^\n]*(>>|\|\s*tee)|\b{variable}<<", told)
    return by_name is not None or _WHOLE.search(told) is not None


def _odd(name: str, command: Command, told: str, file: str, text: str) -> Iterator[Finding]:
    """Yield lines that are not NAME=value, in scripts that write no other form."""
    before = text.partition(told)[0] if told else ""
    if "<<" in text or "`" in told or _GOES_ON.search(before):
        return
    if told.startswith("export "):
        what = f"{name} writes `export` into GITHUB_{file}, where it is a part of the name, so no"
        yield Finding(command.where, f"{what} step has {told[7:].partition('=')[0]}; remove it")
    elif told and "=" not in told and "$" not in told:
        what = f"{name} writes `{told[:40]}` into GITHUB_{file}, and it has no `=`: the step fails"
        yield Finding(command.where, f"{what}; write NAME=value")


def _reads(line: str, variable: str) -> bool:
    plain = re.sub(r"'[^']*'", "", line)
    return re.search(rf"(?<![\\$])\$(?:{variable}\b|\{{{variable}\}})", plain) is not None


def _is_set(text: str, variable: str) -> bool:
    others = re.sub(_WRITES, "", text)
    if _SOURCES.search(text):
        return True
    is_given = _GIVEN.fullmatch(variable) is not None
    return is_given or re.search(_SET.format(name=variable), others, re.MULTILINE) is not None


GATE = Gate(
    id="PIP029",
    title="Values that a step writes for later steps are read there",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands"
    "#setting-an-environment-variable: the step that writes it has no access to the new value",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", jobs),
    targets=("repository",),
    reads="`echo NAME=value >> $GITHUB_ENV` or GITHUB_OUTPUT in scripts of bash, beside $NAME in "
    "later lines of the same script that does not set it itself; `export` beside $NAME in later "
    "steps.",
)
