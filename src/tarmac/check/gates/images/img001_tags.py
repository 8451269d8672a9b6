"""Images: each service has one image, by one name and tag, wherever it is named."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files


def check(subject: Subject) -> Iterator[Finding]:
    """Yield images with movable tags, unknown ones, and ones that differ between two files."""
    wanted = {service.name: service.image for service in subject.plan.services}
    for artifact, which, image in (*_pods(subject), *_compose(subject)):
        repository, tag, digest = _split(image)
        if not tag and not digest:
            yield Finding(artifact.path, f"{which} runs {image} without a tag; pin one")
        elif tag == "latest":
            yield Finding(
                artifact.path, f"{which} runs {image}: `latest` is not a fixed version; pin it"
            )
        name = repository.rsplit("/", 1)[-1]
        if name in wanted and image != wanted[name]:
            own = f"environments.{subject.plan.environment}"
            yield Finding(
                artifact.path,
                f"{which} runs {image}; {name} is {wanted[name]} there (registry, version and "
                f"images of {own}, {subject.at()})",
            )


def of_files(files: Files) -> Iterator[Finding]:
    """Yield images without a fixed version."""
    for own in pods(files):
        for container in own.containers:
            which = f"{container.title} of {own.kind} {own.name}"
            yield from _movable(container.at("image"), which, container.written_image)
    for service in compose_services(files):
        if (image := service.written_image) is not None and "$" not in image:
            yield from _movable(service.at("image"), f"service {service.name}", image)


def _movable(where: str, which: str, image: str) -> Iterator[Finding]:
    _, tag, digest = _split(image)
    if image and not tag and not digest:
        yield Finding(where, f"{which} runs {image} without a tag; pin one", warning=True)
    elif tag == "latest":
        what = f"{which} runs {image}: `latest` is not a fixed version; pin it"
        yield Finding(where, what, warning=True)


def _split(image: str) -> tuple[str, str, str]:
    """Split an image's name: repository, tag, digest."""
    rest, _, digest = image.partition("@")
    head, _, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}/{name}" if head else name, tag, digest


def _pods(subject: Files) -> Iterator[tuple[Artifact, str, str]]:
    for own in pods(subject):
        for container in own.containers:
            which = f"{container.title} of {own.kind} {own.name}"
            yield own.artifact, which, container.written_image


def _compose(subject: Files) -> Iterator[tuple[Artifact, str, str]]:
    """Yield what Compose files run, apart from what they build here themselves."""
    for service in compose_services(subject):
        image = service.written_image
        if image is not None and "$" not in image:  # a variable of its environment
            yield service.artifact, f"service {service.name}", image


def _references(subject: Files) -> Iterator[object]:
    yield from _pods(subject)
    yield from _compose(subject)


GATE = Gate(
    id="IMG001",
    title="Each service has one image, by the same registry and pinned tag everywhere",
    phase="containers",
    source="two files with two tags run two versions; `latest` runs the last image pushed",
    check=check,
    of_files=of_files,
    scope=counted_in_files("references to images", _references),
    reads="images of all containers and of Compose services that are not built in place, beside "
    "registry, version and images of the environment. Of files without a plan: missing tags and "
    "`latest`, as warnings.",
)
