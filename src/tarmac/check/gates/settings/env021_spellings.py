"""Variables are named the same way each time: of containers, and those that Compose fills in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import filled_names
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.typos import typos

#: A line of a file of variables.
_ENTRY = re.compile(r"^[ \t]*#?[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)


class NamedVariable(NamedTuple):
    """A variable of a container, and the others that it has."""

    where: str
    title: str
    name: str
    beside: frozenset[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield names that are written once, a character away from one that is written more often."""
    found = list(_variables(files))
    times = Counter(one.name for one in found)
    firsts: Mapping[str, NamedVariable] = {one.name: one for one in reversed(found)}
    for said, meant in typos(times, ()):
        one = firsts[said]
        # One container with both reads both, and a list of many is another thing than one.
        if meant not in one.beside and said.rstrip("Ss") != meant.rstrip("Ss"):
            what = f"{one.title} has the variable {said}, where {times[meant]} others have {meant}"
            yield Finding(one.where, f"{what}, which a program reads by its name: {_ask(meant)}")
    for beside in compose_files(files):
        yield from _filled(beside, _entries(files, beside))


@once
def _variables(files: Files) -> Iterator[NamedVariable]:
    for own in pods(files):
        for container in own.containers:
            names = frozenset(str(one.name) for one in container.variables)
            for number, variable in enumerate(container.variables):
                where = container.at("env", number, "name")
                yield NamedVariable(where, container.title, str(variable.name), names)
    for service in compose_services(files):
        for name in service.environment:
            where = service.at("environment", name)
            yield NamedVariable(where, f"service {service.name}", name, service.variables)


def _filled(beside: ComposeFiles, entries: set[str]) -> Iterator[Finding]:
    """Yield names that Compose is to fill in, where nothing gives them."""
    found: dict[str, list[str]] = {}
    for artifact in beside.artifacts:
        for path, text in places(artifact.data):
            for name in filled_names(text):
                found.setdefault(name, []).append(artifact.at(*path))
    times = {name: len(where) for name, where in found.items() if name not in entries}
    times |= dict.fromkeys(entries, 2)
    for said, meant in typos(times, ()):
        if said in found:
            what = f"${{{said}}} is there once, and nothing gives it, where {meant} is"
            yield Finding(found[said][0], f"{what} what others name: it is empty; {_ask(meant)}")


def _entries(files: Files, beside: ComposeFiles) -> set[str]:
    """List the names in files of variables of the same folder, examples of them included."""
    folders = {one.path.rpartition("/")[0] for one in beside.artifacts}
    found = set[str]()
    for file in files.artifacts:
        folder, _, name = file.path.rpartition("/")
        if folder in folders and (name.startswith(".env") or name.endswith(".env")):
            found.update(_ENTRY.findall(str(file.content)))
    return found


def _ask(meant: str) -> str:
    return f"did you mean '{meant}'?"


GATE = Gate(
    id="ENV021",
    title="A variable is named the same way each time",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation: "
    "an unset variable is replaced by an empty text, with a warning",
    check=check,
    of_files=check,
    scope=counted_in_files("variables", _variables),
    targets=(),
    reads="names in the environment of containers and of Compose's services, beside each other; "
    "and ${NAME} in Compose files beside files of variables. Numbers and plurals are not typos.",
)
