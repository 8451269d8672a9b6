"""Jobs of GitLab run in images that have a shell, and that start it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import Fields, Path, dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.image_names import plain
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.gitlab import GLOBAL, GitlabPipeline, gitlab_pipelines
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_SCRIPTS = ("script", "before_script", "after_script")


class JobImage(NamedTuple):
    """The image in which a job runs its script."""

    job: str
    name: str
    #: Whether the job has an ENTRYPOINT of its own, or none.
    is_cleared: bool
    #: Whether a runner is chosen, which may start images in another way.
    is_chosen: bool
    where: str


def check(files: Files) -> Iterator[Finding]:
    """Yield images without a shell, and those whose program takes it for an argument."""
    for image in _images(files):
        known = _known(image.name)
        if known is None:
            continue
        if re.search(known["lacks"], image.name):
            what = f"job {image.job} runs a script in {image.name}, which has no shell, so it fails"
            yield Finding(image.where, f"{what} at once; {known['instead']}")
        elif known["program"] and not image.is_cleared:
            what = f"job {image.job} runs a script in {untagged(image.name)}, whose ENTRYPOINT is"
            said = f"{what} {known['program']}: GitLab starts `sh`, and that takes it for an"
            advice = 'argument; write `entrypoint: [""]` below the name of the image'
            yield Finding(image.where, f"{said} {advice}", warning=image.is_chosen)


def _known(name: str) -> Mapping[str, Any] | None:
    own = untagged(name).removeprefix("docker.io/")
    found = published("job_images")["images"]
    return next((one for one in found if re.fullmatch(one["image"], own)), None)


@once
def _images(files: Files) -> Iterator[JobImage]:
    """Yield the image of each job that has a script, where it is known."""
    for pipeline in gitlab_pipelines(files):
        for name, job in (*pipeline.jobs.items(), *_misnamed(pipeline)):
            if {"extends", "<<"} & job.keys() or not {*_SCRIPTS} & job.keys():
                continue
            path, image = _image(pipeline, name, job)
            named = dig(image, "name") if isinstance(image, Mapping) else image
            written = plain(str(named or ""))
            is_cleared = isinstance(image, Mapping) and "entrypoint" in image
            is_chosen = bool({"tags", "inherit"} & job.keys()) or _has_tags(pipeline)
            if written and "$" not in written:
                where = pipeline.artifact.at(*path)
                yield JobImage(name, written, is_cleared, is_chosen, where)


def _misnamed(pipeline: GitlabPipeline) -> Iterator[tuple[str, Fields]]:
    """Yield jobs that are called as a key of the file is, which another check is to refuse."""
    for name in GLOBAL & pipeline.artifact.data.keys() - {"default"}:
        if "script" in (job := fields(pipeline.artifact.data, name)):
            yield name, job


def _image(pipeline: GitlabPipeline, name: str, job: Fields) -> tuple[Path, Any]:
    """Find what says the image of a job: the job with its templates, the defaults."""
    if "image" in job:
        is_named = isinstance(job["image"], Mapping)
        return (name, "image", "name") if is_named else (name, "image"), job["image"]
    data, default = pipeline.artifact.data, fields(pipeline.artifact.data, "default")
    is_default = "image" in default
    return ("default", "image") if is_default else ("image",), (
        default if is_default else data
    ).get("image")


def _has_tags(pipeline: GitlabPipeline) -> bool:
    return "tags" in fields(pipeline.artifact.data, "default")


GATE = Gate(
    id="PIP032",
    title="Jobs of GitLab run in images that have a shell, and that start it",
    phase="delivery",
    source="https://docs.gitlab.com/ci/docker/using_docker_images/#override-the-entrypoint-of-an-"
    "image: a job's script is run by a shell of its image, which the entrypoint must start",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs with an image", _images),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="the image and `entrypoint` of jobs, their templates and defaults, beside what "
    "assets/published.yaml says of images. Where `tags` choose a runner, it may start images in "
    "another way, so that is a warning.",
)
