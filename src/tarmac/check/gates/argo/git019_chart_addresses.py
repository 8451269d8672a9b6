"""A HelmRelease finds its chart in the repository that it names."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_GROUP = "source.toolkit.fluxcd.io/"
_OCI = "oci://"


class TakenChart(NamedTuple):
    """A chart that a HelmRelease takes of a HelmRepository."""

    release: Artifact
    repository: Artifact
    chart: str


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses that have the chart's name already, or are of another form."""
    for one in _repositories(files):
        url, kind = string(one.data, "spec", "url") or "", string(one.data, "spec", "type")
        if url.startswith(_OCI) and kind != "oci" and "$" not in url:
            what = f"{title(one)} has the address {url}, and is of no type: Flux takes it for one"
            yield Finding(one.at("spec", "url"), f"{what} of HTTP and refuses it; add type: oci")
        if kind == "oci" and url.startswith("http"):
            what = f"{title(one)} is of the type oci, and has the address {url}, which is refused"
            yield Finding(one.at("spec", "url"), f"{what}; write {_OCI}")
    for taken in _taken(files):
        url = (string(taken.repository.data, "spec", "url") or "").rstrip("/")
        is_oci = url.startswith(_OCI)
        if is_oci and posixpath.basename(url) == taken.chart and "$" not in url:
            what = f"{title(taken.repository)} has the address {url}, and {title(taken.release)}"
            said = f"{what} adds its chart {taken.chart} to it: {url}/{taken.chart} is not there"
            where = taken.repository.at("spec", "url")
            yield Finding(where, f"{said}; write {posixpath.dirname(url)}")


@once
def _repositories(files: Files) -> Iterator[Artifact]:
    for one in files.objects("HelmRepository"):
        if str(one.data.get("apiVersion")).startswith(_GROUP):
            yield one


def _taken(files: Files) -> Iterator[TakenChart]:
    known: dict[tuple[str, str], list[Artifact]] = {}
    for one in _repositories(files):
        known.setdefault((space_of(one), name_of(one)), []).append(one)
    for release in files.objects("HelmRelease"):
        spec = fields(release.data, "spec", "chart", "spec")
        source = fields(spec, "sourceRef")
        space = string(source, "namespace") or space_of(release)
        found = known.get((space, str(source.get("name"))), [])
        if source.get("kind") == "HelmRepository" and len(found) == 1:
            yield TakenChart(release, found[0], str(spec.get("chart")))


GATE = Gate(
    id="GIT019",
    title="A HelmRelease finds its chart in the repository that it names",
    phase="gitops",
    source="https://fluxcd.io/flux/components/source/helmrepositories/#url: of an OCI registry the "
    "address is without the chart's name, and the type is oci",
    check=check,
    of_files=check,
    scope=counted_in_files("HelmRepositories", _repositories),
    targets=("cluster",),
    reads="url and type of HelmRepositories, beside the charts that HelmReleases take of them.",
)
