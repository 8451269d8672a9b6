"""Programs that copy a database are as new as its server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.objects.indexes import PodIndex, place_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Images with the programs of PostgreSQL, by the major version in their tag.
_IMAGE = re.compile(
    r"(?:[\w.-]+/)*(?:(?:postgres|postgresql|postgis|postgres-backup-local):"
    r"|(?:timescaledb|timescaledb-ha|pgvector):(?:[\w.]+-)?pg)(\d+)(?:[.-].*)?"
)
_PROGRAM = re.compile(r"\b(pg_dump|pg_dumpall|pg_basebackup)\b")
_BACKUP = re.compile(r"(?:.*/)?postgres-backup-local:.*")
#: Where a command or a variable says which server is copied.
_ASKED = re.compile(
    r"(?:\bpostgres(?:ql)?://(?:[^@/\s]*@)?|(?:^|\s)(?:-h\s*|--host[= ])[\"']?|\bhost=)"
    r"([a-z][\w.-]*)"
)
_HOSTS = ("PGHOST", "POSTGRES_HOST", "DB_HOST", "DATABASE_HOST")


class Copy(NamedTuple):
    """A program that copies, and the server that it asks, with their versions."""

    where: str
    name: str
    program: str
    own: int
    server: str
    there: int


def check(files: Files) -> Iterator[Finding]:
    """Yield copies by programs that refuse a newer server."""
    for one in _copies(files):
        if one.own < one.there:
            what = f"{one.name} has {one.program} {one.own}, and {one.server} is PostgreSQL"
            advice = f"{one.there}: it refuses a newer server, so no copy is made; raise the image"
            yield Finding(one.where, f"{what} {advice}")


@once
def _copies(files: Files) -> Iterator[Copy]:
    yield from _in_compose(files)
    yield from _in_pods(files)


def _version(image: str) -> int | None:
    found = _IMAGE.fullmatch(image.partition("@")[0])
    return int(found[1]) if found else None


def _program(image: str, told: str) -> str:
    found = _PROGRAM.search(told)
    return found[1] if found else "pg_dump" if _BACKUP.fullmatch(image) else ""


def _hosts(values: Mapping[str, str], told: str) -> Iterator[str]:
    yield from (values[name] for name in _HOSTS if name in values)
    yield from _ASKED.findall("\n".join((told, *values.values())))


def _in_compose(files: Files) -> Iterator[Copy]:
    for beside in compose_files(files):
        others = {one.name: one for one in beside.services}
        for service in beside.services:
            told = " ".join((*words(service), *words(service, "entrypoint"), _text(service)))
            own, program = _version(service.image or ""), _program(service.image or "", told)
            for host in dict.fromkeys(_hosts(service.environment, told)):
                there = _version(others[host].image or "") if host in others else None
                if own and program and there and host != service.name:
                    name = f"service {service.name}"
                    yield Copy(service.at("image"), name, program, own, host, there)


def _text(service: ComposeService) -> str:
    """Read a command that is a block of text, whose quotes may not close."""
    command = dig(service.data, "command")
    return command if isinstance(command, str) else ""


def _in_pods(files: Files) -> Iterator[Copy]:
    copying = [
        (own, container)
        for own in pods(files, "CronJob", "Job", "Deployment")
        for container in own.containers
        if _version(container.image) and _program(container.image, " ".join(container.words))
    ]
    if not copying:
        return
    heads = {(place_of(one)[0], name_of(one)): Service(one) for one in files.objects("Service")}
    kept = PodIndex(own for own in pods(files, "StatefulSet", "Deployment") if _served(own))
    clusters = {
        (place_of(one)[0], f"{name_of(one)}-{end}"): _version(string(one.data, "spec", "imageName"))
        for one in files.objects("Cluster")
        for end in ("rw", "ro", "r")
    }
    for own, container in copying:
        told = " ".join(container.words)
        values = {name: one.text for name, one in own.variables.of(container).items()}
        for host in dict.fromkeys(_hosts(values, told)):
            name, _, rest = host.partition(".")
            space = rest.partition(".")[0] or place_of(own.artifact)[0]
            there = clusters.get((space, name))
            selector = heads[space, name].selector if (space, name) in heads else None
            for server in kept.selected({"matchLabels": selector}) if selector else ():
                if place_of(server.artifact)[0] == space:
                    there = there or _served(server)
            if there:
                program, version = _program(container.image, told), _version(container.image) or 0
                yield Copy(
                    container.at("image"), title(own.artifact), program, version, host, there
                )


def _served(own: Pods) -> int | None:
    """Read the version of the server that a pod runs."""
    found = (_version(container.image) for container in own.main_containers)
    return next(filter(None, found), None)


GATE = Gate(
    id="IMG037",
    title="Programs that copy a database are as new as its server",
    phase="recovery",
    source="https://www.postgresql.org/docs/current/app-pgdump.html: pg_dump refuses a server of a "
    "newer major version than its own",
    check=check,
    of_files=check,
    scope=counted_in_files("copies of PostgreSQL", _copies),
    targets=("compose",),
    reads="pg_dump, pg_dumpall and pg_basebackup in Compose services and pods whose image says its "
    "version, beside the image of the server that a variable or an option names.",
)
