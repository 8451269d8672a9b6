"""Builds all that is applied of a folder: its kustomizations and its charts, once each.

`verify --files` and `verify SYSTEM` both call this; what they judge beside it is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput
from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Folder
from tarmac.check.gates.views.objects.metadata import CLUSTER_WIDE, group_of, kind_of
from tarmac.check.verify.built import charts, kustomizations, layers, releases
from tarmac.check.verify.built.applications import Installation, installations, remarks
from tarmac.check.verify.built.chart_inputs import inputs
from tarmac.check.verify.built.kustomizations import Overlay
from tarmac.check.verify.built.layers import Layer
from tarmac.check.verify.built.releases import Release
from tarmac.check.verify.built.sources import Sources, is_inside
from tarmac.check.verify.built.unit import Build, Unit

#: Groups all of whose other kinds are in a namespace; of others' kinds that is not known.
_NAMESPACED = (
    "", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
    "argoproj.io", "cert-manager.io", "external-secrets.io", "flagger.app", "monitoring.coreos.com",
    "gateway.networking.k8s.io", "keda.sh",
)  # fmt: skip


def build(
    artifacts: tuple[Artifact, ...],
    sources: Sources,
    gate: str,
    namespace: str | None = None,
) -> Build:
    """Build a folder's kustomizations and charts.

    Args:
        artifacts: those that were read as they are; Applications among them say what is installed.
        gate: what findings about what cannot be built are of.
        namespace: where all is installed of which no Application says it.
    """
    known = layers.find(sources.paths, sources)
    places = releases.charts(sources.paths, sources)
    if not known and not places:
        return Build()
    read = Folder(artifacts, date.min)
    installed = list(installations(read, [*known, *places], sources))
    of_folder = {one.folder: one for one in installed}
    roots = layers.roots(known, [one.folder for one in installed])
    wanted = list(_releases(places, installed, sources, namespace))
    with ThreadPoolExecutor(2) as pool:  # each of the two starts as many programs as is well
        helm = pool.submit(charts.template, wanted, sources, gate)
        overlays = kustomizations.build(roots, known, sources, gate)
        templated = helm.result()
    units: list[Unit] = []
    results = [found for _, found, _ in overlays] + [found for _, found in templated]
    # Without the program each release of a chart says so.
    unbuilt = dict.fromkeys(found for found in results if isinstance(found, Finding))
    unbuilt |= dict.fromkeys(remarks(installed, sources, gate))
    built: list[Layer] = []
    completed: list[Layer] = []
    is_followed = any(layer.folder in of_folder for layer, _, _ in overlays)
    for layer, made, above in overlays:
        by = of_folder.get(layer.folder)
        # Where others are followed, one that nothing follows may be what a deletion left.
        is_left = is_followed and not (above or by)
        if isinstance(made, Finding) and (is_left or (by and by.adds)):
            unbuilt[replace(made, warning=True)] = unbuilt.pop(made, None)
        if not isinstance(made, Finding):
            title = sources.shown(layer.folder)
            unit = _unit(title, made, by, namespace)
            units.append(replace(unit, destination=unit.destination or above))
            built += layers.closure(layer, known)
            # In place of what cannot be built, its bases are, without what it adds to them.
            completed += [] if above else layers.closure(layer, known)
    for release, given in templated:
        if given and not isinstance(given, Finding):
            own = tuple(_in(release.namespace, artifact) for artifact in given)
            units.append(Unit(release.title, "chart", own, release.destination))
    templates = {
        path
        for path in sources.paths
        if any(is_inside(path, place / "templates") for place in places)
    }
    parts = {path for layer in built for path in layer.files} | templates
    parts.update(inputs(places, sources))
    parts |= {path for layer in known.values() for path in layer.patches}
    manifests = frozenset(layer.folder for layer in built)
    failed = [layer for layer, made, _ in overlays if isinstance(made, Finding)]
    left = {path for one in failed for part in layers.closure(one, known) for path in part.files}
    left -= templates.union(*(layer.files for layer in completed))
    left.update(path for one in wanted for path in _left_out(one, sources))
    return Build(tuple(units), frozenset(parts), manifests, frozenset(left), tuple(unbuilt))


def _left_out(release: Release, sources: Sources) -> Iterator[Path]:
    """Yield templates of a release whose values are in no file here."""
    if release.values or release.inline or (release.chart / "values.yaml").exists():
        return
    for path in sources.paths:
        if is_inside(path, release.chart / "templates"):
            with suppress(BadInput):  # no text
                if ".Values" in sources.text(path):
                    yield path


def _unit(title: str, made: Overlay, by: Installation | None, namespace: str | None) -> Unit:
    given = by.namespace if by and by.namespace and "{{" not in by.namespace else namespace
    own = tuple(_in(given, artifact) for artifact in made.artifacts)
    return Unit(title, "kustomization", own, by.destination if by else "", made.deleted)


def _releases(
    places: list[Path],
    installed: Iterable[Installation],
    sources: Sources,
    namespace: str | None,
) -> Iterator[releases.Release]:
    """Yield the releases of all charts: as Applications say, or by each file of values."""
    named: dict[Path, list[releases.Release]] = {}
    for one in installed:
        if one.folder in places and one.app and one.source:
            release = releases.named(one.app, one.source, one.folder, sources)
            named.setdefault(one.folder, []).append(release)
    for place in places:
        alone = not any(other != place and other.parent == place.parent for other in places)
        yield from named.get(place) or releases.releases(place, alone, namespace)


def _in(namespace: str | None, artifact: Artifact) -> Artifact:
    """Put an object that names no namespace into the one that it is installed in."""
    kind, group = kind_of(artifact), group_of(artifact)
    named = dig(artifact.data, "metadata", "namespace")
    if not namespace or named or kind in CLUSTER_WIDE or group not in _NAMESPACED:
        return artifact
    metadata: Mapping[str, Any] = {**fields(artifact.data, "metadata"), "namespace": namespace}
    return replace(artifact, content={**artifact.data, "metadata": metadata})
