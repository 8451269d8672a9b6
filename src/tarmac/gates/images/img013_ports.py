"""An image listens on the port that all other files name for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files, Gate
from tarmac.gates.views.dockerfiles import ExposedPorts, dockerfiles, exposed_by
from tarmac.gates.views.objects import TEMPLATES, dig, name_of, pods, title
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

Path = tuple[str | int, ...]
#: Variables that say where a server listens, whatever its image exposes.
LISTENING = frozenset(("PORT", "HTTP_PORT", "SERVER_PORT", "APP_PORT", "LISTEN_PORT"))


#: The ports of an image that is built here, where a file names it, and which ports it says.
Named = tuple[ExposedPorts | None, Artifact, Path, list[Any], str]


def check(files: Files) -> Iterator[Finding]:
    """Yield ports of Compose, pods and Services that an image of theirs does not expose."""
    for exposed, artifact, path, asked, what in _named(files):
        yield from _ports(exposed, artifact, path, asked, what)


def _named(files: Files) -> Iterator[Named]:
    by_file = {
        dockerfile.path: found
        for dockerfile in dockerfiles(files)
        if (found := exposed_by(dockerfile))
    }
    by_name = {PurePosixPath(path).parent.name: exposed for path, exposed in by_file.items()}
    yield from _compose(files, by_file)
    listening: dict[str, ExposedPorts | None] = {}
    for own in pods(files):
        for number, container in enumerate(own.spec.get("containers") or ()):
            image = str(container.get("image") or "").rpartition("/")[2].partition(":")[0]
            if image in by_name:
                there = None if _moved(container.get("env")) else by_name[image]
                listening[own.workload] = there
                at: Path = (*TEMPLATES[own.kind], "spec", "containers", number, "ports")
                asked = [port.get("containerPort") for port in container.get("ports") or ()]
                yield there, own.artifact, at, asked, f"container {image} has port"
    for service in files.objects("Service"):
        ports = dig(service.data, "spec", "ports") or ()
        asked = [port.get("targetPort", port.get("port")) for port in ports]
        there = listening.get(name_of(service), by_name.get(name_of(service)))
        yield there, service, ("spec", "ports"), asked, f"{title(service)} sends to"


def _ports(
    exposed: ExposedPorts | None,
    artifact: Artifact,
    path: Path,
    asked: list[Any],
    what: str,
) -> Iterator[Finding]:
    """Yield ports of which none is exposed; beside one that is, others are a debugger's."""
    if exposed is not None and all(map(exposed.lacks, asked)):
        for index, port in enumerate(asked):
            yield Finding(
                artifact.at(*path, index),
                f"{what} {port}, where its image does not listen: it has EXPOSE {exposed}; write "
                "one number in both, or set PORT",
            )


def _moved(env: Any) -> bool:
    """Tell whether a variable says where to listen."""
    names = env if isinstance(env, Mapping) else [
        e.get("name") if isinstance(e, Mapping) else str(e).partition("=")[0] for e in _listed(env)
    ]  # fmt: skip
    return not LISTENING.isdisjoint(map(str, names))


def _compose(files: Files, by_file: Mapping[str, ExposedPorts]) -> Iterator[Named]:
    for artifact in files.artifacts:
        services = dig(artifact.data, "services")
        if artifact.is_object or not isinstance(services, Mapping):
            continue
        for name, service in services.items():
            build = dig(service, "build")
            given = build if isinstance(build, Mapping) else {"context": build}
            context = str(given.get("context") or "")
            folder = PurePosixPath(artifact.path).parent / context
            exposed = by_file.get(str(folder / str(given.get("dockerfile") or "Dockerfile")))
            if context and not _moved(dig(service, "environment")):
                asked = [
                    port.get("target") if isinstance(port, Mapping) else _inner(str(port))
                    for port in _listed(dig(service, "ports"))
                ]
                at = ("services", name, "ports")
                yield exposed, artifact, at, asked, f"service {name} is forwarded to"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _inner(written: str) -> int | None:
    last = written.partition("/")[0].rpartition(":")[2]
    return int(last) if last.isdecimal() and len(last) < 6 else None


def _compared(files: Files) -> Iterator[object]:
    yield from (exposed for exposed, *_ in _named(files) if exposed is not None)


GATE = Gate(
    id="IMG013",
    title="Compose, pods and Services name the port that the image listens on",
    phase="containers",
    source="a Dockerfile copied to six services keeps the first one's port in all of them",
    check=check,
    scope=counted_in_files("ports of images built here", _compared),
    of_files=check,
    reads="EXPOSE of Dockerfiles, beside `ports` of Compose services that are built from them, "
    "and pods and Services by the name of the Dockerfile's folder; not where PORT is set, nor "
    "beside a port that is exposed.",
)
