"""What uses the kinds of a chart is applied when Flux has installed the chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.overlays.flux_parts import flux_parts
from tarmac.check.gates.views.scope import counted_in_files

#: Words of groups that many have.
_WIDE = ("apps", "core", "operator", "networking", "config", "security", "monitoring")


class ChartUse(NamedTuple):
    """A Kustomization that depends on another one, which sends a chart."""

    artifact: Artifact
    path: Path
    first: Artifact
    chart: str
    kinds: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield Kustomizations that wait for one which is ready before its chart is installed."""
    for one in _dependent(files):
        spec = fields(one.first.data, "spec")
        if spec.get("wait") is True or items(spec, "healthChecks"):
            continue
        what = f"{title(one.artifact)} waits for {name_of(one.first)}, which is ready as soon as"
        said = f"{what} it has sent HelmRelease {one.chart}, and not when the chart is installed:"
        advice = f"{one.kinds[0]} is not known yet, and the first tries fail; write wait: true in"
        where = one.artifact.at(*one.path)
        yield Finding(where, f"{said} {advice} {name_of(one.first)}", warning=True)


def _dependent(files: Files) -> Iterator[ChartUse]:
    by_name: dict[tuple[str, str], Artifact] = {}
    charts: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for artifact, _, data in flux_parts(files):
        by_name[space_of(artifact), name_of(artifact)] = artifact
        own = artifact.at()
        if data.get("kind") == "HelmRelease":
            charts[own].add(string(data, "spec", "chart", "spec", "chart") or "")
        group = str(data.get("apiVersion", "")).rpartition("/")[0]
        if "." in group and not group.endswith((".k8s.io", "fluxcd.io")):
            kinds[own][str(data.get("kind"))] = group
    for artifact in by_name.values():
        for number, asked in numbered(artifact.data, "spec", "dependsOn"):
            space = string(asked, "namespace") or space_of(artifact)
            first = by_name.get((space, string(asked, "name")))
            for chart in sorted(charts[first.at()]) if first is not None else ():
                used = kinds[artifact.at()].items()
                made = tuple(kind for kind, group in used if _brings(chart, group))
                if first is not None and made:
                    yield ChartUse(artifact, ("spec", "dependsOn", number), first, chart, made)


def _brings(chart: str, group: str) -> bool:
    """Tell whether a chart is called by a word of a group: cert-manager for cert-manager.io."""
    words = (word for word in group.split(".")[:-1] if len(word) > 2 and word not in _WIDE)
    return any(f"-{word}-" in f"-{chart}-" for word in words)


GATE = Gate(
    id="GIT020",
    title="What uses the kinds of a chart waits until Flux has installed it",
    phase="gitops",
    source="https://fluxcd.io/flux/components/kustomize/kustomizations/#dependencies: with wait or "
    "healthChecks a Kustomization is ready when what it sent is, without as soon as it is sent",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations that wait for a chart", _dependent),
    targets=("cluster",),
    reads="dependsOn of Kustomizations of Flux, the HelmReleases in the path of the one that is "
    "waited for, and the kinds in that of the other, by the name of the chart.",
)
