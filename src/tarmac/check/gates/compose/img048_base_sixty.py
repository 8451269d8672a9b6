"""Pairs of numbers in Compose files are in quotes, where a reader takes them for one number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Path, dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import text_of
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

#: Two numbers without quotes, of which YAML 1.1 makes one to the base of 60.
_PAIR = re.compile(r"(?<![\w\"'.:])([1-9]\d*):([0-5]?\d)(?![\w\"'.:])")
_PODMAN = re.compile(r"\bpodman-compose\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield pairs that are numbers to the base of 60."""
    for beside in compose_files(files):
        for service in beside.services:
            for path, value in _numbers(service):
                where = service.at(*path)
                if written := _written(files, where, value):
                    what = f"service {service.name} has {written} without quotes, which YAML 1.1"
                    is_used = _podman(files)
                    by = (
                        "podman-compose, which commands here start" if is_used else "podman-compose"
                    )
                    said = (
                        f'{what} reads as the number {value}, and so does {by}; write "{written}"'
                    )
                    yield Finding(where, said, warning=not is_used)


def _numbers(service: ComposeService) -> Iterator[tuple[Path, int]]:
    """Yield numbers where a pair may stand."""
    for number, entry in enumerate(items(service.data, "ports")):
        if isinstance(entry, int) and not isinstance(entry, bool):
            yield ("ports", number), entry
    user = dig(service.data, "user")
    if isinstance(user, int) and not isinstance(user, bool):
        yield ("user",), user


def _written(files: Files, where: str, value: int) -> str:
    """Find the pair of a number in its line; "" where that is one number as it is written."""
    path, _, line = where.rpartition(":")
    lines = (text_of(files, path) or "").splitlines() if line.isdecimal() else []
    text = lines[int(line) - 1] if 0 < int(line or 0) <= len(lines) else ""
    pairs = (one for one in _PAIR.finditer(text) if int(one[1]) * 60 + int(one[2]) == value)
    return next((one[0] for one in pairs), "")


def _podman(files: Files) -> bool:
    return bool(_commands(files))


@once
def _commands(files: Files) -> Iterator[str]:
    yield from (one.text for one in commands(files) if _PODMAN.search(one.text))


def _judged(files: Files) -> Iterator[object]:
    for beside in compose_files(files):
        for service in beside.services:
            yield from _numbers(service)


GATE = Gate(
    id="IMG048",
    title="Pairs of numbers in Compose files are in quotes",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file/services/#ports: YAML reads xx:yy as a "
    "number to the base of 60",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("numbers in `ports` and `user`", _judged),
    targets=("compose",),
    reads="`ports` and `user` of services as YAML 1.1 reads them, beside the line in the file. "
    "Docker Compose reads them as texts, so it is an error only where a command starts "
    "podman-compose.",
)
