"""A scheduler that sends each task at its time runs once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: A worker of Celery that is a scheduler, too, and a scheduler by itself.
_WORKER = re.compile(r"\bcelery\b.*\bworker\b.*\s(--beat|-[A-Z]*B[A-Z]*)(?=\s|$)")
_BEAT = re.compile(r"\bcelery\b.*\sbeat(?=\s|$)")
#: Whose tasks they are, and what other settings they are started with.
_APP = re.compile(r"\s(?:-A|--app|--workdir|--config)[= ](\S+)")
#: A scheduler of which only one works at a time, as an option or as a package.
_LOCKED = re.compile(r"(?i)red_?beat|single_?beat")
_PACKAGES = re.compile(r"(.*/)?(requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile)")
_KEPT = ("Deployment", "StatefulSet", "Rollout", "ReplicaSet")


class Scheduler(NamedTuple):
    """A scheduler, and how many of it there are."""

    title: str
    #: The words that make it one: `worker -B`.
    program: str
    copies: int
    where: str
    advice: str


def check(files: Files) -> Iterator[Finding]:
    """Yield schedulers of which there are several."""
    if _locks(files):
        return
    yield from _beside(files)
    for one in _schedulers(files):
        if one.copies > 1:
            what = f"{one.title} runs `{one.program}` {one.copies} times, and each sends every task"
            said = f"{what} that is due, so each is done {one.copies} times"
            yield Finding(one.where, f"{said}; {one.advice}")


def _beside(files: Files) -> Iterator[Finding]:
    """Yield services that schedule what another one of the same program schedules."""
    for beside in compose_files(files):
        first: dict[object, ComposeService] = {}
        for service in beside.services:
            told = " ".join([*words(service, "entrypoint"), *words(service)])
            made = str(dig(service.data, "build") or dig(service.data, "image") or "")
            is_chosen = "profiles" in fields(service.data) or not made or "$" in told
            if is_chosen or not (program := _program(told.split())):
                continue
            key = (id(service.artifact), made, *_APP.findall(told))
            other = first.setdefault(key, service)
            if other is not service:
                what = f"service {service.name} runs `{program}`, and {other.name} schedules the"
                said = f"{what} same tasks, so each is sent twice; {_advice(program)}"
                holder = "command" if dig(service.data, "command") else "entrypoint"
                yield Finding(service.at(holder), said)


@once
def _schedulers(files: Files) -> Iterator[Scheduler]:
    for beside in compose_files(files):
        for service in beside.services:
            if program := _program([*words(service, "entrypoint"), *words(service)]):
                where = service.at("command" if dig(service.data, "command") else "entrypoint")
                yield Scheduler(
                    f"service {service.name}", program, _count(service), where, _advice(program)
                )
    for own in pods(files, *_KEPT):
        count = dig(own.artifact.data, "spec", "replicas")
        for container in own.main_containers:
            if program := _program(container.words):
                number = count if isinstance(count, int) else 1
                where = container.at("args" if container.arguments else "command")
                yield Scheduler(title(own.artifact), program, number, where, _advice(program))


def _program(told: Sequence[str]) -> str:
    """Return the words by which a command is a scheduler; "" where it is none, or not known."""
    text = " ".join(told)
    if _LOCKED.search(text):
        return ""
    if found := _WORKER.search(text):
        return f"celery worker {found[1]}"
    return "celery beat" if _BEAT.search(text) else ""


def _advice(program: str) -> str:
    if program == "celery beat":
        return "run it once"
    return "remove that option, and run `celery beat` once beside the workers"


def _count(service: ComposeService) -> int:
    counts = (dig(service.data, "deploy", "replicas"), dig(service.data, "scale"))
    return max([1, *(one for one in counts if isinstance(one, int))])


def _locks(files: Files) -> bool:
    return bool(_lists(files))


@once
def _lists(files: Files) -> Iterator[str]:
    """Yield lists of packages with a scheduler of which only one works at a time."""
    for artifact in files.artifacts:
        if _PACKAGES.fullmatch(artifact.path) and _LOCKED.search(str(artifact.content)):
            yield artifact.path


GATE = Gate(
    id="IMG050",
    title="A scheduler that sends each task at its time runs once",
    phase="containers",
    source="https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#starting-the-"
    "scheduler: only one scheduler at a time, or tasks are sent twice",
    check=check,
    of_files=check,
    scope=counted_in_files("schedulers", _schedulers),
    targets=("compose", "cluster"),
    reads="commands of Compose services and pods that start Celery's beat, by itself or within a "
    "worker, and how many of them run. With RedBeat, which locks, nothing is found.",
)
