"""Nothing is rendered that is past its end of life, or unknown to the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from tarmac.base import registry, versions
from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding, Level
from tarmac.base.versions import Catalogue, Version
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import Image
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted

#: Days before an end of life from which it is reported.
NOTICE = 90


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each image, action and apiVersion that is unknown, removed or near its end; once."""
    catalogue = _catalogue()
    seen = dict[tuple[str, str], str]()
    for named, path in _named(subject):
        seen.setdefault(named, path)
    own = {service.image for service in subject.plan.services}
    for (what, text), path in sorted(seen.items()):
        if text not in own:
            known = catalogue.images if what == "image" else catalogue.actions
            yield from _version(what, text, known, path, subject.today)
    yield from _apis(catalogue, subject)
    yield from _ends(catalogue.default(), subject.plan.model, subject.today)


@once
def _named(files: Files) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each external image and action, and the file that names it."""
    for artifact in files.artifacts:
        for named in versions.named(artifact.content):
            yield named, artifact.path


def _catalogue() -> Catalogue:
    """Read the catalogue, with the images of those kinds of stores that bring their own."""
    images = [
        program
        for kind in registry.load(stores, "STORE").values()
        for provider in kind.providers
        for program in provider.programs.values()
        if isinstance(program, Image) and program.support is not None
    ]
    catalogue = versions.read()
    own = {image.name: image.support for image in images if image.support is not None}
    return replace(catalogue, images={**catalogue.images, **own})


def _apis(catalogue: Catalogue, subject: Subject) -> Iterator[Finding]:
    found = {
        artifact.data["apiVersion"]: artifact.path
        for artifact in subject.objects()
        if "kind" in artifact.data
    }
    charts = dict[str, str]()
    for name, path in sorted(found.items()):
        api = catalogue.apis.get(name)
        if api is None:
            hint = did_you_mean(name, catalogue.apis)
            yield Finding(path, f"apiVersion {name} is not in versions.yaml; {hint}", GATE.id)
        elif api.removed:
            what = f"apiVersion {name} was removed in {api.removed}; write {api.successor}"
            yield Finding(path, what, GATE.id)
        elif api.chart:
            charts.setdefault(api.chart, path)
    for chart, path in charts.items():
        yield from _ends(catalogue.charts[chart], path, subject.today)


def _version(
    what: str, text: str, known: Mapping[str, Version], path: str, today: date
) -> Iterator[Finding]:
    sign = ":" if what == "image" else "@"
    name, _, version = text.partition("@sha256")[0].rpartition(sign)
    entry = known.get(name.removeprefix("docker.io/").removeprefix("library/"))
    if entry is None:
        advice = f"add it, or {did_you_mean(name, known)}"
        yield Finding(path, f"{what} {text} is not in versions.yaml; {advice}", GATE.id)
    elif version not in {entry.version, entry.digest}:
        advice = f"write {name}{sign}{entry.version}"
        yield Finding(
            path, f"{what} {text} is another version than versions.yaml's; {advice}", GATE.id
        )
    else:
        yield from _ends(entry, path, today)


def _ends(known: Version, path: str, today: date) -> Iterator[Finding]:
    if known.end_of_life is None:
        return
    left = (known.end_of_life - today).days
    if left > NOTICE:
        return
    advice = f"go to {known.successor or 'a newer one'} ({known.source})"
    verb = "ended" if left < 0 else "ends"
    what = f"{known.label} {verb} on {known.end_of_life}; {advice}"
    yield Finding(path, what, GATE.id, warning=left >= 0)


def _versions(subject: Subject) -> set[object]:
    found: set[object] = {artifact.data["apiVersion"] for artifact in subject.objects()}
    found.update(named for named, _ in _named(subject))
    return found


GATE = Gate(
    id="VER001",
    title="Every rendered version is known and supported for 90 days at least",
    phase="kubernetes",
    source="A version past its end of life gets no security fixes; see assets/versions.yaml.",
    check=check,
    scope=counted("versions", _versions),
    reads="images of pods, of Compose's services and of Dockerfiles, where a build argument's "
    "default counts as what it stands for; actions of workflows; apiVersions of objects and the "
    "charts that bring them; the Kubernetes that all are checked for. An image's packages "
    "are for a scanner.",
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
