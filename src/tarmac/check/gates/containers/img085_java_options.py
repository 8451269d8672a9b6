"""Options that are given to Java by a variable are read by what starts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages, words
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: Variables that scripts of servers and builds hand to Java, and it does not read itself.
_NAMES = ("JAVA_OPTS", "JAVA_OPTIONS", "JAVA_ARGS", "JVM_OPTS", "JVM_ARGS", "CATALINA_OPTS")
_OPTION = re.compile(r"(^|\s)-(X|D|javaagent|ea\b|server\b)")
_JAVA = re.compile(r"(\S*/)?java\s")


class JavaImage(NamedTuple):
    """An image that starts Java itself."""

    path: str
    #: Variables of its own, with their lines.
    given: tuple[tuple[str, int], ...]
    ports: frozenset[int]


class UnreadOptions(NamedTuple):
    """A variable with options of Java, where it is given and to what."""

    where: str
    title: str
    name: str
    #: Whether which image it is has to be guessed.
    is_likely: bool = False


def check(files: Files) -> Iterator[Finding]:
    """Yield options that no Java gets."""
    for one in _unread(files):
        what = f"{one.title} gives options to Java by {one.name}, which Java does not read, and"
        said = f"{what} nothing hands it on: they change nothing; write JAVA_TOOL_OPTIONS"
        yield Finding(one.where, said, warning=one.is_likely)


def _unread(files: Files) -> Iterator[UnreadOptions]:
    built = {one.path: one for one in _built(files)}
    for image in built.values():
        for name, line in image.given:
            yield UnreadOptions(f"{image.path}:{line}", "the image", name)
    for beside in compose_files(files):
        for service in beside.services:
            keys = ("command", "entrypoint", "extends")
            is_plain = all(dig(service.data, key) is None for key in keys)
            if is_plain and normpath(service.dockerfile or "-") in built:
                for name, value in service.environment.items():
                    if name in _NAMES and _OPTION.search(value):
                        where = service.at("environment", name)
                        yield UnreadOptions(where, f"service {service.name}", name)
    # Which image a pod has is known where only one is built here, and listens where it does.
    number = sum(1 for _ in dockerfiles(files))
    only = next(iter(built.values()), None) if number == 1 else None
    for own in pods(files):
        for container in own.main_containers:
            ports = {port.number for port in container.ports}
            starts = _JAVA.match(f"{' '.join(map(str, items(container.data, 'command')))} ")
            is_ours = only is not None and not container.words and ports & only.ports
            told = " ".join(container.words)
            given = own.variables.of(container) if starts or is_ours else {}
            for name, one in given.items():
                if name in _NAMES and _OPTION.search(one.text) and name not in told:
                    yield UnreadOptions(one.where, title(own.artifact), name, is_likely=not starts)


@once
def _built(files: Files) -> Iterator[JavaImage]:
    """Yield the images that are built here and start Java without a shell, or by one as it is."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        last = found[-1].instructions if found else ()
        entry = [one for one in last if one.word == "ENTRYPOINT"]
        first = [word for one in entry[-1:] for word in words(one.rest)[:1]]
        if not _JAVA.match(f"{''.join(first)} "):
            continue
        whole = " ".join(one.rest for one in last if one.word in ("ENTRYPOINT", "CMD"))
        given = tuple(
            (name, one.line)
            for one in last
            if one.word == "ENV"
            for name in re.findall(r"(?:^|\s)(\w+)[= ]", one.rest)
            if name in _NAMES and name not in whole and _OPTION.search(_value(one.rest, name))
        )
        ports = {
            int(p) for one in last if one.word == "EXPOSE" for p in re.findall(r"\d+", one.rest)
        }
        if not any(name in whole for name in _NAMES):
            yield JavaImage(dockerfile.path, given, frozenset(ports))


def _value(rest: str, name: str) -> str:
    """Return what a variable is set to in an ENV, without its quotes."""
    return rest.partition(name)[2].lstrip("= ").lstrip("\"'")


GATE = Gate(
    id="IMG085",
    title="Options that are given to Java by a variable are read by what starts it",
    phase="containers",
    source="https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#using-the-jdk_java_"
    "options-launcher-environment-variable: Java reads JDK_JAVA_OPTIONS and JAVA_TOOL_OPTIONS; "
    "JAVA_OPTS is read by scripts of servers",
    check=check,
    of_files=check,
    scope=counted_in_files("images that start Java", _built),
    targets=("compose", "cluster"),
    reads="variables of Dockerfiles, Compose services and pods, beside an ENTRYPOINT that is java. "
    "A pod is of the one Dockerfile here where it has a port of it.",
)
