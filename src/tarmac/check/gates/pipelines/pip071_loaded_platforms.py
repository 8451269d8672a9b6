"""An image that a builder loads into Docker's own store is of one platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import steps
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_BUILDS = "docker/build-push-action@"
_BUILT = re.compile(r"\bdocker\s+(?:buildx\s+)?build\b")
_PLATFORMS = re.compile(r"--platform[= ]+[\"']?([\w/,]+)")
_LOADS = re.compile(r"(?:^|\s)--load(?:=true)?(?=\s|$)")
#: Stores of containerd take images of several platforms.
_CONTAINERD = re.compile(r"containerd|setup-docker-action")


class LoadedImage(NamedTuple):
    """An image that is loaded, and for what it is built."""

    where: str
    job: str
    platforms: list[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield images of several platforms that are loaded."""
    for one in _loaded(files):
        if len({*one.platforms}) > 1:
            what = f"{one.job} builds for {', '.join(one.platforms)} and loads the image, and a"
            why = "Docker without containerd's store takes one platform: the build ends in an error"
            said = f"{what} {why}; build for one platform, or push"
            yield Finding(one.where, said, warning=True)


@once
def _loaded(files: Files) -> Iterator[LoadedImage]:
    for workflow in workflows(files):
        if not any(_CONTAINERD.search(text) for text in workflow.texts):
            for name in workflow.jobs:
                yield from _of_actions(workflow, name)
                yield from _of_commands(workflow, name)


def _of_actions(workflow: Workflow, name: str) -> Iterator[LoadedImage]:
    for number, step in enumerate(workflow.jobs[name].steps):
        platforms = str(step.inputs.get("platforms") or "")
        is_loaded = str(step.inputs.get("load")).lower() == "true"
        if step.uses.startswith(_BUILDS) and is_loaded and "${{" not in platforms:
            where = workflow.at("jobs", name, "steps", number, "with", "load")
            yield LoadedImage(where, name, re.findall(r"[\w/]+", platforms))


def _of_commands(workflow: Workflow, name: str) -> Iterator[LoadedImage]:
    for _, commands in steps(workflow, name):
        for command in commands:
            asked = _PLATFORMS.search(command.text)
            if asked and _BUILT.search(command.text) and _LOADS.search(command.text):
                yield LoadedImage(command.where, name, asked[1].strip(",").split(","))


GATE = Gate(
    id="PIP071",
    title="An image that is loaded after its build is of one platform",
    phase="delivery",
    source="https://docs.docker.com/build/exporters/oci-docker: the docker exporter takes no list "
    "of platforms, unless the images are in containerd's store",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images that are loaded", _loaded),
    targets=("repository",),
    reads="load of docker/build-push-action, and --load of docker buildx, beside their platforms.",
)
