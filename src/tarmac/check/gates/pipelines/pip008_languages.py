"""A service is linted and tested by the tools of the language that it is written in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tarmac.base.languages import MANIFESTS, OTHER, PROGRAMS, spoken, used
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.service_commands import FILE, service_jobs
from tarmac.check.gates.views.pipelines.shell import steps
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Which variable of a matrix lists what another job found, and the step that found it.
_OUTPUT = re.compile(r"needs\.([\w-]+)\.outputs\.([\w-]+)")
_STEP = re.compile(r"steps\.([\w-]+)\.outputs\.")

#: Where a command goes, or has another program go, by a variable of its matrix.
_CD = re.compile(
    r"(?:\bcd|--prefix|--directory|-C)[ =]+\"?([^\s\"&;]*\$\{\{\s*matrix\.[\w-]+\s*\}\}[^\s\"&;]*)"
)
_VARIABLE = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")

MATRIX = re.compile(r"matrix\.service|\$\{?SERVICE\b")
ADVICE = "give each language its own step (`if: matrix.language == '{}'`), or call one make target"
_EQUAL = re.compile(r"matrix\.[\w-]+\s*([!=])=\s*'([^']*)'")
#: From a workflow, a job, a step and its commands so far: service -> its language.
Languages = Callable[[Workflow, Job, Step, str], Mapping[str, str]]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield commands of another language than that of the service they run for."""
    spoke = {
        service.name: spoken(service.parts, service.about) for service in subject.plan.own_services
    }
    yield from (*_data(subject, spoke), *_steps(subject, partial(_services, subject, spoke)))


def of_files(files: Files) -> Iterator[Finding]:
    """Yield commands that a matrix runs in a folder which has the files of another language."""
    yield from _steps(files, partial(_folders, {artifact.path for artifact in files.artifacts}))


def _steps(files: Files, languages: Languages) -> Iterator[Finding]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for step, commands in steps(workflow, name):
                for number, command in enumerate(commands, start=1):
                    if "package.json" in command.text:
                        continue  # it asks what the folder is of
                    for language, tool in used(command.text).items():
                        so_far = "\n".join(command.text for command in commands[:number])
                        meant = _left(languages(workflow, job, step, so_far), language, step, job)
                        wrong = [f"{n} ({o})" for n, o in meant if o not in (language, OTHER)]
                        if wrong:
                            what = f"job {name} runs {tool} ({language}) for {', '.join(wrong)}"
                            yield Finding(command.where, f"{what}; {ADVICE.format(language)}")


def _left(meant: Mapping[str, str], language: str, step: Step, job: Job) -> list[tuple[str, str]]:
    """List the services of a step by its condition; none where that tells languages apart."""
    said = step.condition
    rest = _EQUAL.sub(lambda found: "" if found[2] in meant else found[0], said)
    if re.search(rf"\b{language}\b", f"{rest} {job.condition}"):
        return []
    named = {*PROGRAMS.values()} & {*re.findall(r"\w+", rest)}
    if not named and ("matrix." in rest or "hashFiles" in rest):
        return []
    only, never = (
        {v for s, v in _EQUAL.findall(said) if s == sign and v in meant} for sign in "=!"
    )
    return [item for item in meant.items() if item[0] not in never and item[0] in (only or meant)]


def _services(
    subject: Subject, spoke: Mapping[str, str], workflow: Workflow, job: Job, step: Step, _: str
) -> Mapping[str, str]:
    """Find the services of a plan that a step names by a folder, or by a matrix of services."""
    text = " ".join(step.texts)
    if MATRIX.search(text):
        listed = values(workflow, job, "service")
        return {name: own for name, own in spoke.items() if not listed or name in listed}
    model, found = posixpath.dirname(subject.plan.model), {}
    for service in subject.plan.own_services:
        own = {posixpath.normpath(posixpath.join(model, source)) for source in service.sources}
        own = {*own, f"services/{service.name}"} - {"."}
        if any(re.search(rf"(?<![\w/-]){re.escape(e)}(?![\w-])", text) for e in own):
            found[service.name] = spoke[service.name]
    return found


def _folders(
    here: set[str], workflow: Workflow, job: Job, step: Step, so_far: str
) -> Mapping[str, str]:
    """Find the values of a matrix by which a step's folder is named, by the files in each."""
    found = {}
    for value, own in folders(workflow, job, step, so_far).items():
        of = [n for n, files in MANIFESTS.items() if any(f"{own}/{e}" in here for e in files)]
        found[value] = of[0] if len(of) == 1 else OTHER
    return found


def _data(subject: Subject, spoke: Mapping[str, str]) -> Iterator[Finding]:
    for name, jobs in (service_jobs(subject) or {}).items():
        for step, argv in ((s, a) for s, a in jobs.commands if a):
            language, own = PROGRAMS.get(posixpath.basename(str(argv[0]))), spoke.get(name, OTHER)
            if language and own not in (language, OTHER):
                what = f"{name} is in {own}, and its {step} runs {argv[0]} ({language})"
                yield Finding(FILE, f"{what}; write a command of {own}")


def _planned(subject: Subject) -> Iterator[object]:
    for jobs in (service_jobs(subject) or {}).values():
        yield from jobs.commands
    yield from _commands(subject)


def _commands(files: Files) -> Iterator[object]:
    """Yield the commands of workflows that are tools of a language."""
    for workflow in workflows(files):
        for name in workflow.jobs:
            for _, commands in steps(workflow, name):
                yield from (command for command in commands if used(command.text))


def folders(workflow: Workflow, job: Job, step: Step, so_far: str) -> dict[str, str]:
    """Find the folder that a step is in by each value of a matrix; none where it names none.

    Args:
        so_far: its commands up to the one that is asked for.
    """
    folder = [step.folder or job.folder, *_CD.findall(so_far)][-1]
    if not (variable := _VARIABLE.search(folder)):
        return {}
    root = workflow.path.partition(FOLDER)[0]
    written = values(workflow, job, variable[1])
    return {value: root + folder.replace(variable[0], value).strip("/") for value in written}


def values(workflow: Workflow, job: Job, variable: str) -> list[str]:
    """List what a variable of a job's matrix may be: written there, or another's filters."""
    given = job.matrix(variable)
    if isinstance(given, list):
        return [str(item) for item in given]
    found = _OUTPUT.search(str(given or ""))
    other = workflow.jobs.get(found[1]) if found else None
    if not found or other is None:
        return []
    source = _STEP.search(str(other.outputs.get(found[2]) or ""))
    which = [step for step in other.steps if source and step.id == source[1]]
    return [str(path_filter) for path_filter in which[0].filters] if which else []


GATE = Gate(
    id="PIP008",
    title="Each service is linted and tested by tools of its language",
    phase="delivery",
    source="npm in the folder of a Python service fails, or passes because it finds nothing to do",
    check=check,
    of_objects=False,
    scope=counted_in_files("commands of a language", _commands, _planned),
    of_files=of_files,
    reads=f"commands of {FILE} and of workflows of GitHub Actions that name a service's folder "
    "or run for a matrix of services. Its start command tells a service's language; of files "
    "without a plan, for a matrix alone, by the files in its folder.",
    targets=("repository",),
)
