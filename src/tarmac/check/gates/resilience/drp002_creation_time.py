"""Waits for a database are as long as a cloud needs to create one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata
from tarmac.check.gates.views.pipelines.shell import Command, commands
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings

_WAIT = re.compile(r"\bkubectl\b.*?\bwait\b")
_LIMIT = re.compile(r"--timeout[= ]\"?(-?[\dhms.]+)|\btimeout\s+(\d+[smh]?)\b")
_PROMISE = re.compile(
    r"\b(?:set-?up|self-service|scaffold\w*|new service)\b[^\n.;\d]{0,60}?(\d+)[ -]min(?:ute)?s?\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(\d+)([hms]?)")
_UNITS = {"h": 60.0, "m": 1.0, "s": 1 / 60, "": 1 / 60}


def check(files: Files) -> Iterator[Finding]:
    """Yield timeouts that end before a database is ready."""
    names = set(_databases(files))
    for command, limit, name in _waits(files, names):
        yield from _short(command.where, limit, name)
    for where, said, minutes in _promises(files) if names else ():
        if minutes < published("creation")["database_minutes"]:
            part = f"'{said}' is promised, and a database ({min(names)}) is part of it"
            yield Finding(where, f"{part}, which {_advice()}")
    for setting in _creations(files):
        yield from _short(setting.where, str(setting.value), ".".join(setting.path[1:3]))


def _databases(files: Files) -> Iterator[str]:
    """Yield the kinds, small and with their plural, that a cloud makes a database for."""
    known = published("creation")
    groups, kinds = known["crossplane_groups"], known["crossplane_kinds"]
    made = {
        composition.composite
        for composition in map(Composition, files.objects("Composition"))
        if any(group in groups and kind in kinds for group, kind in composition.resources)
    }
    definitions = [Definition(e) for e in files.objects("CompositeResourceDefinition")]
    for composite in made:
        kind = composite[1].lower()
        yield from (kind, f"{kind}s")
        for claim in (one.claim.lower() for one in definitions if one.composite == composite):
            yield from (claim, f"{claim}s") if claim else ()


def _promises(files: Files) -> Iterator[tuple[str, str, int]]:
    """Yield the minutes that a page or a portal's template gives to a new service's set-up."""
    for artifact in files.artifacts:
        if artifact.path.endswith(".md"):
            for number, line in enumerate(str(artifact.content).splitlines(), start=1):
                for found in _PROMISE.finditer(line):
                    yield f"{artifact.path}:{number}", found[0].strip(), int(found[1])
    for artifact in files.objects("Template"):
        for found in _PROMISE.finditer(metadata(artifact).description):
            yield artifact.at("metadata", "description"), found[0].strip(), int(found[1])


def _advice() -> str:
    needed = published("creation")["database_minutes"]
    return (
        f"takes a cloud 10 to {needed} minutes; allow for them, or hand out a database of a "
        "server that is there already"
    )


def _short(where: str, written: str, what: str) -> Iterator[Finding]:
    if written.startswith("-"):
        return  # for ever
    minutes = sum(int(n) * _UNITS[unit] for n, unit in _PARTS.findall(written))
    needed = published("creation")["database_minutes"]
    if minutes < needed:
        yield Finding(where, f"{what} has {written} to be ready, which {_advice()}")


def _judged(files: Files) -> Iterator[object]:
    names = set(_databases(files))
    yield from (wait for wait in _waits(files, names))
    yield from _promises(files) if names else ()
    yield from _creations(files)


def _waits(files: Files, names: set[str]) -> Iterator[tuple[Command, str, str]]:
    """Yield the commands that wait for a database, with their limit and what they wait for."""
    for command in commands(files) if names else ():
        limit = _LIMIT.search(command.text)
        words = set(re.split(r"[\s/]", command.text.lower()))
        asked = names & {word.partition(".")[0] for word in words}
        if limit and asked and _WAIT.search(command.text):
            yield command, limit[1] or limit[2], min(asked)


def _creations(files: Files) -> Iterator[Setting]:
    """Yield the time that Terraform gives the creation of a database."""
    known = published("creation")["terraform"]
    for setting in settings(files):
        path = setting.path
        if path[-2:] == ("timeouts", "create") and path[1] in known and setting.value:
            yield setting


class Composition:
    """A Composition."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def composite(self) -> tuple[str, str]:
        """The group and kind that it implements."""
        api = str(text(self.artifact.data, "spec", "compositeTypeRef", "apiVersion"))
        kind = text(self.artifact.data, "spec", "compositeTypeRef", "kind")
        return api.partition("/")[0], str(kind)

    @property
    def resources(self) -> Iterator[tuple[str, str]]:
        """The group and kind of each object in it, itself among them."""
        for found in _objects(self.artifact.data):
            yield str(found["apiVersion"]).partition("/")[0], found["kind"]


class Definition:
    """A CompositeResourceDefinition."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def composite(self) -> tuple[str | None, str | None]:
        """The group and kind that it defines."""
        data = self.artifact.data
        return text(data, "spec", "group"), text(data, "spec", "names", "kind")

    @property
    def claim(self) -> str:
        """The kind by which users ask for one; empty where there is none."""
        return text(self.artifact.data, "spec", "claimNames", "kind") or ""


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside of one."""
    if isinstance(value, dict):
        if "apiVersion" in value and "kind" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


GATE = Gate(
    id="DRP002",
    title="Waits for a database are as long as its creation",
    phase="portal",
    source="a claim is READY after 10 to 15 minutes; a wait of 5 fails each time",
    check=check,
    scope=counted_in_files("waits for a database", _judged),
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="`kubectl wait --timeout` in scripts and pipelines for what a Crossplane Composition "
    "makes a database of, `timeouts { create }` of Terraform's databases, and what pages and "
    "Backstage's templates promise for a set-up that has one.",
)
