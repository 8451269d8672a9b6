"""Dashboards in ConfigMaps are where the sidecar of Grafana's chart looks for them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import GivenValues, given_values
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_CHART = frozenset({"grafana"})
_LABEL = "grafana_dashboard"


def check(files: Files) -> Iterator[Finding]:
    """Yield dashboards in namespaces that no sidecar here looks into."""
    given = list(_judged(files))
    wide = [one for one in given if dig(_sidecar(one), "searchNamespace")]
    spaces = {_space(one) for one in given}
    # One that looks everywhere, or whose own namespace is not known, may find each.
    if not given or wide or "" in spaces:
        return
    labels = {string(_sidecar(one), "label") or _LABEL for one in given}
    for artifact in files.objects("ConfigMap"):
        own = space_of(artifact)
        if own and own not in spaces and labels & {*map(str, metadata(artifact).labels)}:
            what = (
                f"{title(artifact)} is a dashboard in {own}, and the sidecar of Grafana looks into"
            )
            said = f"{what} {', '.join(sorted(spaces))} alone, so it is not shown; write"
            advice = "sidecar.dashboards.searchNamespace: ALL"
            yield Finding(artifact.at("metadata", "namespace"), f"{said} {advice}", warning=True)


def _sidecar(given: GivenValues) -> object:
    return dig(given.artifact.data, *given.path, "sidecar", "dashboards")


def _space(given: GivenValues) -> str:
    """Name the namespace of a release; empty where that is not known."""
    own: Artifact = given.artifact
    values = fields(own.data, *given.path)
    if found := string(values, "namespaceOverride"):
        return found
    if kind_of(own) == "HelmRelease":
        return string(own.data, "spec", "targetNamespace") or space_of(own)
    return string(own.data, "spec", "destination", "namespace")


@once
def _judged(files: Files) -> Iterator[GivenValues]:
    for one in given_values(files, _CHART):
        if dig(_sidecar(one), "enabled") is True:
            yield one


GATE = Gate(
    id="OBS044",
    title="Dashboards in ConfigMaps are where Grafana's sidecar looks for them",
    phase="observability",
    source="https://github.com/grafana/helm-charts/blob/main/charts/grafana/values.yaml: without "
    "searchNamespace the sidecar looks into its own namespace",
    check=check,
    of_files=check,
    scope=counted_in_files("sidecars for dashboards", _judged),
    targets=(),
    reads="values of the chart grafana beside ConfigMaps with its label, where each namespace is "
    "known. Judges files without a plan only.",
)
