"""Nothing is rendered that is past its end of life, or that the catalogue does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from tarmac import versions
from tarmac.errors import did_you_mean
from tarmac.gates._gate import Gate, Subject
from tarmac.report import Finding, Level
from tarmac.versions import Catalogue, Version

#: Days before an end of life from which it is said.
NOTICE = 90


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each image, action and apiVersion that is unknown, removed or near its end; once."""
    catalogue = versions.read()
    seen = dict[tuple[str, str], str]()
    for artifact in subject.artifacts:
        for named in versions.named(artifact.content):
            seen.setdefault(named, artifact.path)
    own = {each.image for each in subject.plan.services}
    for (what, text), path in sorted(seen.items()):
        if text not in own:
            known = catalogue.images if what == "image" else catalogue.actions
            yield from _version(what, text, known, path, subject.today)
    yield from _apis(catalogue, subject)
    yield from _ends(catalogue.default(), subject.plan.model, subject.today)


def _apis(catalogue: Catalogue, subject: Subject) -> Iterator[Finding]:
    found = {
        each.data["apiVersion"]: each.path for each in subject.objects() if "kind" in each.data
    }
    charts = dict[str, str]()
    for name, path in sorted(found.items()):
        api = catalogue.apis.get(name)
        if api is None:
            hint = did_you_mean(name, catalogue.apis)
            yield Finding(path, f"apiVersion {name} is not in versions.yaml; {hint}", GATE.id)
        elif api.removed:
            what = f"apiVersion {name} is gone since {api.removed}; write {api.successor}"
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


GATE = Gate(
    id="VER001",
    title="Every version that is rendered is known and kept for 90 days at least",
    phase="kubernetes",
    source="What has reached its end of life gets no security fix; see assets/versions.yaml.",
    check=check,
    looks_at="images of pods, of Compose's services and of Dockerfiles, where a build argument's "
    "default counts as what it stands for; actions of workflows; apiVersions of objects and the "
    "charts that bring them; the Kubernetes that all are checked for. What an image holds besides "
    "is for a scanner to say.",
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
