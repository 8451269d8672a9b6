"""What a kubelet, or Docker, runs in a container to ask it is in its image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname
from typing import NamedTuple

from tarmac.base.foreign.reading import Path, dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.distroless import distroless
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.images.image_names import plain
from tarmac.check.gates.views.images.image_programs import base_without, brings
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_RUN: tuple[tuple[Path, str], ...] = (
    (("startupProbe",), "the container is never started"),
    (("readinessProbe",), "the pod is never ready"),
    (("livenessProbe",), "the container is killed again and again"),
    (("lifecycle", "postStart"), "the container is killed again and again"),
    (("lifecycle", "preStop"), "the hook fails, and the container ends at once"),
)
_PORT = re.compile(r"\d+")


class RunInside(NamedTuple):
    """A command that is run in a container beside its own."""

    where: str
    #: For a reader: `preStop of gateway of Deployment gateway`.
    title: str
    program: str
    #: Why its image does not have it; empty: it may.
    lacks: str
    end: str


def check(files: Files) -> Iterator[Finding]:
    """Yield probes, hooks and health checks by a program that the image does not have."""
    for one in _judged(files):
        if one.lacks:
            what = f"{one.title} runs {one.program}, which {one.lacks} does not have: {one.end};"
            advice = "run what the image has, or ask by a port"
            if "preStop" in one.title:
                advice = "run what the image has; a pause needs no program: sleep with seconds"
            yield Finding(one.where, f"{what} {advice}")


@once
def _judged(files: Files) -> Iterator[RunInside]:
    built = _built(files)
    for own in pods(files):
        for container in own.containers:
            for path, end in _RUN:
                told = items(container.data, *path, "exec", "command")
                if told and isinstance(told[0], str):
                    name = f"{path[-1]} of {container.name} of {title(own.artifact)}"
                    lacks = _lacking(files, container, told[0], built)
                    where = container.at(*path, "exec", "command")
                    yield RunInside(where, name, told[0], lacks, end)
    for service in compose_services(files):
        test = dig(service.data, "healthcheck", "test")
        told = tuple(map(str, test)) if isinstance(test, list) else ("CMD-SHELL", str(test or ""))
        if len(told) > 1 and told[1] and told[0] in ("CMD", "CMD-SHELL"):
            program = told[1] if told[0] == "CMD" else "sh"
            image = service.image if service.dockerfile is None else None
            name = f"the health check of service {service.name}"
            lacks = _without_shell(plain(image or ""), program)
            where = service.at("healthcheck", "test")
            yield RunInside(where, name, program, lacks, "it is unhealthy for ever")


def _lacking(
    files: Files, container: Container, program: str, built: Mapping[str, list[Stage]]
) -> str:
    """Say which image a program is not in; "" where it is, or that is not known."""
    image = container.image
    if not image or is_renamed(files, container.written_image):
        return ""
    if lacks := _without_shell(image, program):
        return lacks
    found = built.get(container.image_name) or _only(container, built)
    if not found:
        return ""
    last = found[-1]
    if (base := distroless(last.image)) and ":debug" not in last.image and not brings(last):
        families = published("distroless")["programs"].items()
        has = [pair for start, own in families if base.startswith(start) for pair in own.items()]
        is_there = any(program in pair for pair in has)
        return f"distroless {base}" if _is_plain(program) and not is_there else ""
    return base_without(found, basename(program)) if _is_plain(program) else ""


def _without_shell(image: str, program: str) -> str:
    """Name an image whose only program is its own, if another one is asked for."""
    known = published("without_shell")["images"]
    is_one = _is_plain(program) and any(re.fullmatch(one, image) for one in known)
    return image if is_one or (distroless(image) and _is_shell(image, program)) else ""


def _is_shell(image: str, program: str) -> bool:
    return ":debug" not in image and basename(program) in ("sh", "bash") and _is_plain(program)


def _is_plain(program: str) -> bool:
    """Tell whether a program is one of a system's own folders."""
    own = published("distroless")["path"]
    is_known = basename(program) in published("without_shell")["programs"]
    return is_known and (dirname(program) in ("", *own))


def _built(files: Files) -> dict[str, list[Stage]]:
    """Read the images that Dockerfiles here make, by the name of each one's folder."""
    found: dict[str, list[Stage]] = {}
    for dockerfile in dockerfiles(files):
        name = basename(dirname(dockerfile.path))
        found[name] = [] if name in found else stages(str(dockerfile.content))
    return found


def _only(container: Container, built: Mapping[str, list[Stage]]) -> list[Stage]:
    """Take the only Dockerfile for that of an image of its program's name and its port."""
    if len(built) != 1:
        return []
    found = next(iter(built.values()))
    if not found:
        return []
    own = found[-1].instructions
    begun = [one.rest for one in own if one.word == "ENTRYPOINT"]
    ports = {n for one in own if one.word == "EXPOSE" for n in _PORT.findall(one.rest)}
    is_named = any(re.search(rf"[/\"]{re.escape(container.image_name)}\"", one) for one in begun)
    asked = {str(port.number) for port in container.ports}
    return found if is_named and (not ports or not asked or ports & asked) else []


GATE = Gate(
    id="OBJ055",
    title="What is run in a container to ask it is in its image",
    phase="containers",
    source="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks: a hook or "
    "probe whose command is not there has failed",
    check=check,
    of_files=check,
    scope=counted_in_files("commands of probes, hooks and health checks", _judged),
    targets=(),
    reads="exec of probes and hooks, and healthcheck of Compose, beside published images without a "
    "shell, and the Dockerfiles here whose folder has the image's name, or whose program has it "
    "where there is one alone. Judges files without a plan only.",
)
