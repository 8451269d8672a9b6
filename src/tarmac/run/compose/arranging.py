"""Arranges a deployment: images, names that stay, secrets, and a plan; nothing is started.

Called by `tarmac deploy` and `tarmac drift`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.plan.cluster import ClusterPlan
from tarmac.run.compose import containers as c
from tarmac.run.compose import images as bring
from tarmac.run.compose import release as releases
from tarmac.run.compose.drift import drift
from tarmac.run.compose.planning import Plan, ResolvedRelease, plan
from tarmac.run.compose.project import SECRETS, Project
from tarmac.run.compose.release import Release

Say = Callable[[str], None]


@dataclass(frozen=True)
class Arrangement:
    """A release that can be brought up, and what that would change."""

    project: Project
    plan: Plan
    #: The release that became ready last.
    before: Release | None
    #: It runs already, and as it was put there.
    is_there: bool


def check_secrets(project: Project) -> None:
    """Refuse what would give a system new secrets whose data knows the old ones. Raises BadInput.

    Files of secrets are mounted from the disk beside the daemon, so they have to be there.
    """
    release, docker = project.release, project.docker
    filtered = ("--quiet", "--filter", f"label={c.PROJECT}={release.project}")
    if not project.values.exists() and docker.lines("volume", "ls", *filtered):
        what = f"is not there, but {release.project} has data on {docker.host}"
        how = "copy it from where that was deployed, or remove the data"
        raise BadInput([Problem(str(project.values), f"{what}; {how}")])
    if not docker.is_here and release.secret_files:
        what = f"mounts secrets as files ({', '.join(release.secret_files)})"
        how = "they have to be on the daemon's machine: deploy there, without --host"
        raise BadInput([Problem(release.system, f"{what}; {how}")])


def bring_images(
    project: Project,
    plan: ClusterPlan,
    dockerfiles: Mapping[str, str],
    sources: Path,
    say: Say,
    *,
    builds: bool,
) -> None:
    """Build and pull what a release needs. Raises TarmacError.

    Args:
        dockerfiles: what images are built by, by name.
        sources: the folder of the repository.
    """
    below = "containers"
    project.lay_out({f"{below}/{name}": text for name, text in dockerfiles.items()})
    dockerfile = project.folder / below / bring.DOCKERFILE
    built = bring.built_here(plan) if builds else ()
    bring.build(project.docker, built, dockerfile, sources, say)
    bring.pull(project.docker, project.release.images.values(), say)


def arrange(project: Project, script: str, sources: Path, *, pins: bool) -> Arrangement:
    """Lay a release out with its secrets, and compare it with what is there.

    Args:
        project: with the rendered files.
        script: generates the secrets.
        sources: the folder of the repository.
        pins: give its images the names that stay.

    Raises:
        BadInput: a secret needs a value.
        Refusal: Docker or Compose refuses the files.
    """
    docker, release = project.docker, project.release
    names = bring.pinned(docker, release.images.values(), release.project)
    if pins:
        bring.pin(docker, names)
    laid = replace(project, release=releases.released(release, names))
    laid.lay_out({SECRETS: script})
    laid.make_secrets(sources)
    before = releases.read(docker, release)
    wanted = ResolvedRelease(laid.release, laid.hashes(), _ids(laid, names))
    there = c.listed(docker, release.project)
    serve = all(one.serves for one in there if not laid.release.ends(one.service))
    is_there = before == laid.release and serve and not drift(wanted, there).differs
    return Arrangement(laid, plan(wanted, there, before), before, is_there)


def compared(project: Project) -> tuple[ResolvedRelease, tuple[c.Container, ...]]:
    """Return what is rendered, and the containers that are there, to see how they differ.

    An image that the model names as it did at the last deployment is the one that was run then.

    Raises:
        BadInput: nothing was deployed there, or its secrets are elsewhere.
    """
    docker, release = project.docker, project.release
    before = releases.read(docker, release)
    if before is None:
        what = f"{release.environment} was never deployed to {docker.host}; run `tarmac deploy`"
        raise BadInput([Problem(release.system, what)])
    ran = {name: before.services[s]["image"] for s, name in before.images.items()}
    names = {image: ran[image] for image in release.images.values() if image in ran}
    laid = replace(project, release=releases.released(release, names))
    laid.lay_out_again()
    known = bring.ids(docker, names.values())
    images = {
        service: known[said["image"]]
        for service, said in laid.release.services.items()
        if said["image"] in known
    }
    return ResolvedRelease(laid.release, laid.hashes(), images), c.listed(docker, release.project)


def _ids(project: Project, names: Mapping[str, str]) -> dict[str, str]:
    """Return the id of each service's image, also of one that has no name of its own yet."""
    by_name = {name: image for image, name in names.items()}
    known = bring.ids(project.docker, names)
    return {
        service: known[by_name[said["image"]]]
        for service, said in project.release.services.items()
        if said["image"] in by_name
    }
