"""What a pod starts by its path is in the image that is built for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, join, normpath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Bases of systems alone, which have nothing where programs of one's own are.
_PLAIN = re.compile(
    r"ubuntu|debian|alpine|fedora|rockylinux|almalinux|amazonlinux|oraclelinux|centos|busybox"
)
_OWN = re.compile(r"/(?:home|opt|app|srv|usr/src|usr/local|work|actions-runner|runner)/\S+")
#: Commands that bring nothing but packages of the system, users and folders.
_KNOWN = frozenset({
    "addgroup", "adduser", "apk", "apt", "apt-get", "chmod", "chown", "dnf", "groupadd",
    "locale-gen", "microdnf", "mkdir", "rm", "set", "true", "update-ca-certificates", "useradd",
    "usermod", "yum",
})  # fmt: skip
_BETWEEN = re.compile(r"&&|\|\|?|;|\n")
_RUNNER = "/home/runner/run.sh"
_BUILDS = "docker/build-push-action@"
#: What makes of a Dockerfile another image than its last stage.
_OTHERWISE = ("target", "build-contexts")


class Start(NamedTuple):
    """A file that a container starts, of an image that a Dockerfile here is built to."""

    own: Pods
    container: Container
    dockerfile: Artifact
    program: str


def check(files: Files) -> Iterator[Finding]:
    """Yield images without the file that a pod starts."""
    for own, container, dockerfile, program in _starts(files):
        found = stages(str(dockerfile.content))
        covered = any(f"{program}/".startswith(f"{m.path.rstrip('/')}/") for m in container.mounts)
        if not found or covered or not _lacks(found[-1], program):
            continue
        what = f"{title(own.artifact)} starts {program} in {container.name}, and its image, which"
        said = f"{what} is made of {found[-1].image} here, has no such file: it ends at once;"
        advice = "copy it there"
        if program == _RUNNER:
            advice = "begin it FROM ghcr.io/actions/actions-runner, which has it"
        where = f"{dockerfile.path}:{found[-1].instructions[0].line}"
        yield Finding(where, f"{said} {advice}")


def _lacks(last: Stage, program: str) -> bool:
    """Tell whether neither the base of a stage nor a step of it may have a file."""
    image = untagged(last.image)
    return bool(_PLAIN.fullmatch(image)) and not any(_may_bring(e, program) for e in last.whole)


def _may_bring(step: Instruction, program: str) -> bool:
    if step.word in ("COPY", "ADD"):
        target = (words(step.rest) or [""])[-1].rstrip("/")
        is_apart = target.startswith("/") and not f"{program}/".startswith(f"{target}/")
        return not is_apart or basename(program) in step.rest
    if step.word != "RUN":
        return step.word == "ONBUILD"
    if any(sign in step.rest for sign in ("$(", "`", "<<", "--mount", basename(program))):
        return True
    commands = (part.split() for part in _BETWEEN.split(step.command))
    return any(command and command[0] not in _KNOWN for command in commands)


@once
def _starts(files: Files) -> Iterator[Start]:
    built = _built_images(files)
    for own in pods(files) if built else ():
        for container in own.main_containers:
            command = container.data.get("command")
            program = str(command[0]) if isinstance(command, list | tuple) and command else ""
            dockerfile = built.get(untagged(container.written_image))
            if dockerfile is not None and _OWN.fullmatch(program):
                yield Start(own, container, dockerfile, program)


def _built_images(files: Files) -> dict[str, Artifact]:
    """Return the Dockerfile of each image, by its name without a tag; none that has several."""
    texts = {one.path: one for one in dockerfiles(files)}
    found: dict[str, set[str]] = {}
    for image, path in _builds(files) if texts else ():
        found.setdefault(image, set()).add(path)
    return {
        image: texts[min(paths)]
        for image, paths in found.items()
        if len(paths) == 1 and paths <= texts.keys()
    }


def _builds(files: Files) -> Iterator[tuple[str, str]]:
    for workflow in workflows(files):
        above = workflow.path.partition(".github/")[0]
        for job in workflow.jobs.values():
            for step in job.steps:
                given = {str(name): str(value) for name, value in step.inputs.items()}
                context = given.get("context") or "."
                path = given.get("file") or join(context, "Dockerfile")
                if not step.uses.startswith(_BUILDS):
                    continue
                is_other = any(key in given for key in _OTHERWISE) or "$" in path
                shown = "" if is_other else normpath(join(above, path))
                for tag in re.split(r"[\s,]+", given.get("tags", "")):
                    image = untagged(tag.partition("${{")[0].rstrip(":"))
                    if image:
                        yield image, shown


GATE = Gate(
    id="IMG095",
    title="What a pod starts by its path is in the image that is built for it",
    phase="containers",
    source="https://docs.github.com/en/actions/concepts/runners/actions-runner-controller: the "
    "image of a runner has the runner; https://docs.docker.com/reference/dockerfile/#copy",
    check=check,
    of_files=check,
    scope=counted_in_files("files that pods start", _starts),
    targets=("cluster",),
    reads="commands with a path of one's own in pods whose image docker/build-push-action builds "
    "of one Dockerfile here, where that begins from a plain system and its steps bring nothing but "
    "packages, users and folders.",
)
