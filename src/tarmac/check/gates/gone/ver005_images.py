"""The images that files name are in their registries."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.gone import gone_image
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: Where it stands, what names it, and the image.
_Named = tuple[str, str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield images that cannot be pulled."""
    for where, which, image in _named(files):
        if one := gone_image(image, files.today):
            what = f"{which} takes {image}, which cannot be pulled since {one['since']}"
            yield Finding(where, f"{what}: {one['what']}; {one['instead']}")


@once
def _named(files: Files) -> Iterator[_Named]:
    for own in pods(files):
        for container in own.containers:
            which = f"{title(own.artifact)}: {container.title}"
            yield container.at("image"), which, container.written_image
    for service in compose_services(files):
        if service.written_image is not None:
            yield service.at("image"), f"service {service.name}", service.written_image
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            begins = stage.instructions[0]
            words = begins.operands
            if words:
                yield f"{dockerfile.path}:{begins.line}", "FROM", words[0]
    yield from _of_workflows(files)


def _of_workflows(files: Files) -> Iterator[_Named]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            container = job.data.get("container")
            path = ("jobs", name, "container")
            if isinstance(container, str):
                yield workflow.at(*path), f"job {name}", container
            elif image := string(container, "image"):
                yield workflow.at(*path, "image"), f"job {name}", image
            for service in fields(job.data, "services"):
                image = string(dig(job.data, "services", service), "image")
                where = workflow.at("jobs", name, "services", service, "image")
                yield where, f"service {service} of job {name}", image


GATE = Gate(
    id="VER005",
    title="The images that files name are in their registries",
    phase="containers",
    source="https://github.com/bitnami/containers/issues/83267 and the others of assets/gone.yaml",
    check=check,
    of_files=check,
    scope=counted_in_files("images", _named),
    targets=("repository",),
    reads="images of pods, Compose services and jobs of workflows, and FROM of Dockerfiles, as they"
    " are written: what a mirror brings, or a digest pins, may still be there.",
)
