"""A migration of Flyway does not wait for the lock that Flyway holds itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.sql_comments import without_comments

_MIGRATION = re.compile(r"(.*/)?(V\d[\d._]*|R)__[^/]*\.sql")
#: What waits for the end of each transaction that is open.
_WAITS = re.compile(
    r"\b((?:CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY|REINDEX\b[^;]*\bCONCURRENTLY"
    r"|DETACH\s+PARTITION\s+\S+\s+CONCURRENTLY)\b",
    re.IGNORECASE,
)
_SETTINGS = re.compile(r"(.*/)?flyway[\w.-]*\.(conf|toml)")
_LOCK = re.compile(
    r"^[ \t]*(?:flyway\.)?(?:postgresql\.)?transactional[._-]?lock[ \t]*=[ \t]*\"?(\w+)",
    re.MULTILINE | re.IGNORECASE,
)
_VARIABLE = "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK"
_OPTION = re.compile(r"-postgresql\.transactional\.lock=(\w+)")


class LockSetting(NamedTuple):
    """Where Flyway is told how to hold its lock; an empty value: it is not."""

    where: str
    value: str


def check(files: Files) -> Iterator[Finding]:
    """Yield settings by which a migration waits for itself."""
    found = list(_waiting(files))
    told = list(_told(files)) if found else []
    if any(one.value == "false" for one in told) or not told:
        return
    artifact, statement = found[-1]
    name = artifact.path.rpartition("/")[2]
    for one in told:
        how = "" if one.value else ", as it does where nothing else is said"
        what = f"Flyway holds its lock in an open transaction{how}, and {statement} in {name} waits"
        said = f"{what} for the end of each: the migration hangs; write"
        advice = "flyway.postgresql.transactional.lock=false"
        yield Finding(one.where, f"{said} {advice}", warning=not one.value)


@once
def _waiting(files: Files) -> Iterator[tuple[Artifact, str]]:
    """Yield migrations of Flyway that wait for other transactions."""
    for artifact in files.artifacts:
        text = artifact.content
        if not _MIGRATION.fullmatch(artifact.path) or not isinstance(text, str):
            continue
        if found := _WAITS.search(without_comments(text)):
            yield artifact, " ".join(found[1].upper().split())


def _told(files: Files) -> Iterator[LockSetting]:
    """Yield what settings, variables and commands say of the lock."""
    for artifact in files.artifacts:
        text = artifact.content
        if _SETTINGS.fullmatch(artifact.path) and isinstance(text, str) and "url" in text:
            found = _LOCK.search(text)
            line = text.count("\n", 0, found.start(1)) + 1 if found else 1
            yield LockSetting(f"{artifact.path}:{line}", found[1].lower() if found else "")
    for service in compose_services(files):
        if _VARIABLE in service.environment:
            where = service.at("environment", _VARIABLE)
            yield LockSetting(where, service.environment[_VARIABLE].lower())
        if found := _OPTION.search(str(service.data)):
            yield LockSetting(service.at("command"), found[1].lower())
    for own in pods(files):
        for container in own.containers:
            for number, one in enumerate(container.variables):
                if one.name == _VARIABLE:
                    yield LockSetting(container.at("env", number), str(one.value).lower())
            if found := _OPTION.search(" ".join(container.words)):
                yield LockSetting(container.at("args"), found[1].lower())


GATE = Gate(
    id="SQL020",
    title="A migration of Flyway does not wait for the lock that Flyway holds itself",
    phase="services",
    source="https://documentation.red-gate.com/flyway/reference/configuration/flyway-namespace/"
    "flyway-postgresql-namespace/flyway-postgresql-transactional-lock-setting: with such a lock, "
    "statements that are done concurrently hang",
    check=check,
    of_files=check,
    scope=counted_in_files("migrations that wait for others", _waiting),
    targets=(),
    reads="files of SQL that are named as Flyway's are, beside flyway.conf, flyway.toml and the "
    "variables and options of containers. Where nothing is said of the lock the version decides, "
    "so that is a warning. Judges files without a plan only.",
)
