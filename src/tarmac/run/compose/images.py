"""Brings the images of a release to a daemon, and gives each a name that no later build takes.

A service of the kit is built from its sources where the environment has no registry; all others are
there already, or are pulled. What is there is not pulled again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.compose.parts.modes import build_arguments
from tarmac.run.compose.docker import Docker

#: A build installs what the service needs; a pull brings some hundred megabytes.
BROUGHT_WITHIN_S = 1800
DOCKERFILE = "Dockerfile"
#: Of an image's id, in the names that it is given.
ID_DIGITS = 12

Say = Callable[[str], None]


def built_here(plan: ClusterPlan) -> tuple[Workload, ...]:
    """List the services whose images are built here, and not taken from a registry."""
    if plan.settings.registry is not None:
        return ()
    return tuple(one for one in plan.services if one.parts and one.name not in plan.settings.images)


def build(
    docker: Docker, workloads: Iterable[Workload], dockerfile: Path, sources: Path, say: Say
) -> None:
    """Build images from the sources, one after the other. Raises TarmacError.

    Args:
        dockerfile: the one of all services.
        sources: the folder of the repository.
    """
    done: dict[tuple[object, ...], str] = {}
    for one in workloads:
        content = (one.parts, one.extras, one.metrics)
        if content in done:
            docker.run("tag", done[content], one.image)
            continue
        say(f"builds {one.image}")
        told = {name: value for name, value in build_arguments(one).items() if value is not None}
        # Without a value Docker takes it from the environment, where another base is wanted.
        free = [name for name, value in build_arguments(one).items() if value is None]
        named = [f"{name}={value}" for name, value in told.items()] + free
        arguments = [part for name in named for part in ("--build-arg", name)]
        argv = ("build", "--file", str(dockerfile), *arguments, "--tag", one.image, str(sources))
        answer = docker.ask(*argv, within_s=BROUGHT_WITHIN_S, env={"DOCKER_BUILDKIT": "1"})
        if answer.returncode != 0:
            last = "\n".join(f"  {line}" for line in answer.stderr.splitlines()[-8:])
            raise TarmacError(f"{one.name}: its image cannot be built:\n{last}")
        done[content] = one.image


def pull(docker: Docker, images: Iterable[str], say: Say) -> None:
    """Pull those images that are not there. Raises TarmacError for one that cannot be had."""
    wanted = tuple(dict.fromkeys(images))
    there = ids(docker, wanted)
    for image in wanted:
        if image in there:
            continue
        say(f"pulls {image}")
        answer = docker.ask("pull", "--quiet", image, within_s=BROUGHT_WITHIN_S)
        if answer.returncode != 0:
            said = " ".join(answer.stderr.split())
            raise TarmacError(f"image {image} cannot be had: {said}")


def ids(docker: Docker, images: Iterable[str]) -> dict[str, str]:
    """Return the ids of those images that the daemon has, by the names that are asked for."""
    found = {}
    for name in dict.fromkeys(images):
        done = docker.ask("image", "inspect", "--format", "{{json .Id}}", name)
        if done.returncode == 0:
            found[name] = json.loads(done.stdout)
    return found


def pinned(docker: Docker, images: Iterable[str], project: str) -> dict[str, str]:
    """Return the name of what each image is now; of one that is not there, nothing."""
    return {
        image: stable_name(image, found, project) for image, found in ids(docker, images).items()
    }


def pin(docker: Docker, names: Mapping[str, str]) -> None:
    """Give images the names that stay theirs, so that nothing removes them meanwhile."""
    for image, name in names.items():
        docker.run("tag", image, name)


def forget(docker: Docker, project: str, kept: Iterable[str]) -> None:
    """Remove the names of this project that no release needs any more."""
    known = docker.lines("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    for name in unneeded(known, project, kept):
        docker.ask("image", "rm", name)  # a container that still has it keeps it


def unneeded(names: Iterable[str], project: str, kept: Iterable[str]) -> list[str]:
    """List the names that a project has given to images, and that are not among the kept."""
    own = re.compile(rf":{re.escape(_tag(project))}[0-9a-f]{{{ID_DIGITS}}}$")
    needed = set(kept)
    return [name for name in names if own.search(name) and name not in needed]


def stable_name(image: str, found: str, project: str) -> str:
    """Name what an image is now: its repository, with a tag of the project and its content."""
    repository, _, tag = image.partition("@")[0].rpartition(":")
    if not repository or "/" in tag:  # there was no tag
        repository = image.partition("@")[0]
    return f"{repository}:{_tag(project)}{found.removeprefix('sha256:')[:ID_DIGITS]}"


def _tag(project: str) -> str:
    return f"tarmac-{project}-"
