"""An image for several platforms has for each of them a base of that platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, join, normpath
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files

_PLATFORM = re.compile(r"--platform=[\"']?(\$\{?BUILDPLATFORM\}?|\w+/\w+(?:/\w+)?)[\"']?(?=\s)")
_CROSS = re.compile(r"\bTARGET(PLATFORM|ARCH|OS)\b")
#: Stages that are not there to be run.
_NOT_RUN = re.compile(
    r"(?i)(.*[-_])?(test|tests|lint|docs?|export|exports|artifacts?|dist|bin|binar(y|ies)|outs?|"
    r"outputs?|checks?|vendor|validate|dev|debug|build|builder|generate|release|update)([-_].*)?"
)


class FixedImage(NamedTuple):
    """A Dockerfile whose last stage is of one platform, whatever it is built for."""

    path: str
    stage: Stage
    line: int
    platform: str
    is_cross: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield last stages of one platform, in images that are built for several."""
    for one in _fixed(files):
        built = one.path in {*_built_for_several(files)}
        names = [one.stage.name, *basename(one.path).split(".")]
        is_plain = one.stage.image == "scratch" or any(map(_NOT_RUN.fullmatch, names))
        if not built and (not one.is_cross or is_plain or "BUILD" not in one.platform):
            continue
        what = f"the last stage is of the platform {one.platform}, so the images for others have"
        why = "programs of that one: exec format error"
        advice = "remove --platform from its FROM"
        by = ", which a workflow here builds for several platforms," if built else ""
        said = f"{what} {why}; {advice}".replace("the last stage", f"the last stage{by}", 1)
        yield Finding(f"{one.path}:{one.line}", said, warning=not built)


@once
def _fixed(files: Files) -> Iterator[FixedImage]:
    for dockerfile in dockerfiles(files):
        text = str(dockerfile.content)
        found = stages(text)
        if found and (fixed := _platform(found)) is not None:
            line, platform = fixed
            is_cross = _CROSS.search(text) is not None
            yield FixedImage(dockerfile.path, found[-1], line, platform, is_cross)


def _platform(found: list[Stage]) -> tuple[int, str] | None:
    """Return of which platform the last stage is, and which line says it; None: any."""
    by_name = {stage.name: number for number, stage in enumerate(found)}
    here = len(found) - 1
    while True:
        begun = found[here].instructions[0]
        base = next(iter(begun.operands), "")
        below = by_name.get(base, here)
        if below >= here:
            said = _PLATFORM.search(f"{begun.rest} ")
            return (begun.line, said[1]) if said else None
        here = below


@once
def _built_for_several(files: Files) -> Iterator[str]:
    """Yield the Dockerfiles of which workflows push images for several platforms."""
    for workflow in workflows(files):
        above = workflow.path.partition(".github/")[0]
        for job in workflow.jobs.values():
            for step in job.steps:
                given = {name: str(value) for name, value in step.inputs.items()}
                platforms = re.findall(r"\w+/\w+(?:/\w+)?", given.get("platforms", ""))
                is_build = step.uses.startswith("docker/build-push-action@")
                if not is_build or len({*platforms}) < 2 or "target" in given:
                    continue
                context = given.get("context", ".")
                path = given.get("file") or join(context, "Dockerfile")
                if "$" not in path and "outputs" not in given:
                    yield normpath(join(above, path))


GATE = Gate(
    id="IMG053",
    title="An image for several platforms has for each a base of that platform",
    phase="containers",
    source="https://docs.docker.com/build/building/multi-platform/#cross-compilation: "
    "--platform=$BUILDPLATFORM is for stages that compile, and not for the one that runs",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images of one platform", _fixed),
    reads="--platform of the last stage, through those that it begins from, beside `platforms` of "
    "docker/build-push-action. Where no workflow builds it, a file that reads TARGETARCH is a "
    "warning.",
)
