"""What uses the kinds of a chart is applied when Flux has installed the chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.overlays.flux_parts import applying, flux_parts
from tarmac.check.gates.views.scope import counted_in_files

#: What an object of any kind may need beside it.
_BESIDE = ("Namespace", "Secret", "ConfigMap")
#: What runs before Flux can, and is only handed on to it.
_FIRST = ("cilium", "calico", "tigera-operator", "kube-ovn", "antrea")
_DEFINITION = "CustomResourceDefinition"
#: Words of groups that many have.
_WIDE = ("apps", "core", "operator", "networking", "config", "security", "monitoring")


class SentParts(NamedTuple):
    """A Kustomization, the charts that it installs, and the kinds that it sends, by their group."""

    artifact: Artifact
    charts: set[str]
    kinds: dict[str, str]
    #: The first object of each kind: its file.
    files: dict[str, str]

    def asked(self) -> Iterator[tuple[Path, tuple[str, str]]]:
        """Yield what it waits for: namespaces and names."""
        for number, one in numbered(self.artifact.data, "spec", "dependsOn"):
            space = string(one, "namespace") or space_of(self.artifact)
            yield ("spec", "dependsOn", number), (space, string(one, "name"))


class ChartUse(NamedTuple):
    """A Kustomization with kinds that the chart of another one brings."""

    artifact: Artifact
    #: Where it names the other one; of one that does not, what it is there for is these kinds.
    path: Path
    waits: bool
    first: Artifact
    chart: str
    kinds: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield Kustomizations that are applied before the chart of another one is installed."""
    for one in _uses(files):
        spec = fields(one.first.data, "spec")
        if not one.waits:
            what = f"{title(one.artifact)} does not wait for {name_of(one.first)}, whose chart"
            said = f"{what} {one.chart} brings the kind {one.kinds[0]}: in a new cluster it fails"
            advice = f"until it is tried again; write dependsOn: [{{name: {name_of(one.first)}}}]"
            yield Finding(one.artifact.at(*one.path), f"{said} {advice}", warning=True)
            continue
        if spec.get("wait") is True or items(spec, "healthChecks"):
            continue
        what = f"{title(one.artifact)} waits for {name_of(one.first)}, which is ready as soon as"
        said = f"{what} it has sent HelmRelease {one.chart}, and not when the chart is installed:"
        advice = f"{one.kinds[0]} is not known yet, and the first tries fail; write wait: true in"
        where = one.artifact.at(*one.path)
        yield Finding(where, f"{said} {advice} {name_of(one.first)}", warning=True)
    for artifact, chart, kind, file in _cycles(files):
        what = f"{title(artifact)} has HelmRelease {chart} and {kind}, a kind that this brings"
        said = (
            f"{what} ({file}): Flux asks whether it may apply all of it first, so in a new cluster"
        )
        advice = f"nothing is applied, ever; give {kind} a Kustomization of its own that waits"
        yield Finding(artifact.at("spec", "path"), f"{said} {advice}", warning=True)


def _cycles(files: Files) -> Iterator[tuple[Artifact, str, str, str]]:
    """Yield Kustomizations with a chart and a kind that nothing but this chart brings."""
    parts = _parts(files)
    sent = [*(data for _, _, data in flux_parts(files)), *(one.data for one in applying(files))]
    sent += [one.data for one in files.objects("CustomResourceDefinition")]
    defined = {string(one, "spec", "group") for one in sent if one.get("kind") == _DEFINITION}
    # What is called so brings definitions, of which kinds is not known here.
    named = (f"{string(one, 'metadata', 'name')} {string(one, 'spec', 'path')}" for one in sent)
    if any("crd" in name.lower() for name in named):
        return
    for one in parts.values():
        others = {chart for own in parts.values() if own is not one for chart in own.charts}
        is_open = any(name not in parts for _, name in one.asked())
        for chart in sorted(one.charts - others - {*_FIRST}) if not is_open else ():
            made = [kind for kind, group in one.kinds.items() if _brings(chart, group)]
            if made and one.kinds[made[0]] not in defined:
                yield one.artifact, chart, made[0], one.files[made[0]]


def _uses(files: Files) -> Iterator[ChartUse]:
    """Yield uses by what waits for the chart, and by what is there for nothing else."""
    parts = _parts(files)
    kinds = files.objects("CustomResourceDefinition")
    defined = {string(one.data, "spec", "group") for one in kinds}
    installing = [one for one in parts.values() if one.charts]
    for one in parts.values():
        waited = set[str]()
        for path, name in one.asked():
            for chart, made in _made(one, parts[name]) if name in parts else ():
                waited |= {*made}
                yield ChartUse(one.artifact, path, True, parts[name].artifact, chart, made)
        groups = {*one.kinds.values()}
        if len(groups) != 1 or groups & defined or one.charts or waited:
            continue
        bringing = [(own, *found) for own in installing for found in _made(one, own)]
        if len(bringing) == 1 and not _reaches(one, bringing[0][0], parts):
            first, chart, made = bringing[0]
            yield ChartUse(one.artifact, ("metadata", "name"), False, first.artifact, chart, made)


def _parts(files: Files) -> dict[tuple[str, str], SentParts]:
    found: dict[tuple[str, str], SentParts] = {}
    for artifact, path, data in flux_parts(files):
        name = space_of(artifact), name_of(artifact)
        own = found.setdefault(name, SentParts(artifact, set(), {}, {}))
        if data.get("kind") == "HelmRelease":
            own.charts.add(string(data, "spec", "chart", "spec", "chart") or "")
        group = str(data.get("apiVersion", "")).rpartition("/")[0]
        if "." in group and not group.endswith((".k8s.io", "fluxcd.io")):
            own.kinds[str(data.get("kind"))] = group
            own.files.setdefault(str(data.get("kind")), path)
        elif data.get("kind") not in _BESIDE:
            own.kinds[str(data.get("kind"))] = ""
    return found


def _made(one: SentParts, first: SentParts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the charts of another Kustomization that bring kinds of one."""
    for chart in sorted(first.charts) if first is not one else ():
        made = tuple(kind for kind, group in one.kinds.items() if _brings(chart, group))
        if made:
            yield chart, made


def _reaches(one: SentParts, last: SentParts, parts: dict[tuple[str, str], SentParts]) -> bool:
    """Tell whether what one waits for waits for another in turn, or is not here to say so."""
    seen, left = set[tuple[str, str]](), [name for _, name in one.asked()]
    while left:
        name = left.pop()
        if name not in parts or parts[name] is last:
            return True
        if name not in seen:
            seen.add(name)
            left += [other for _, other in parts[name].asked()]
    return False


def _brings(chart: str, group: str) -> bool:
    """Tell whether a chart is called by a word of a group: cert-manager for cert-manager.io."""
    words = (word for word in group.split(".")[:-1] if len(word) > 2 and word not in _WIDE)
    return any(f"-{word}-" in f"-{chart}-" for word in words)


def _judged(files: Files) -> Iterator[object]:
    yield from _uses(files)
    yield from (one for one in _parts(files).values() if one.charts and one.files)


GATE = Gate(
    id="GIT020",
    title="What uses the kinds of a chart waits until Flux has installed it",
    phase="gitops",
    source="https://fluxcd.io/flux/components/kustomize/kustomizations/#dependencies: with wait or "
    "healthChecks a Kustomization is ready when what it sent is, without as soon as it is sent",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations with kinds of a chart", _judged),
    targets=("cluster",),
    reads="Kustomizations of Flux, what they wait for, the HelmReleases in the path of one and the "
    "kinds in that of another, or in its own, by the name of the chart. One that does not wait is "
    "judged where it has kinds of one group only.",
)
