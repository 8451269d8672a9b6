"""The target of a Canary is selected by a label that Flagger knows."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import released_charts
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_KNOWN = ("app", "name", "app.kubernetes.io/name")
_OPTION = "-selector-labels"


def check(files: Files) -> Iterator[Finding]:
    """Yield targets whose selector Flagger does not take, so that it copies none."""
    words = [str(w) for own in pods(files) for one in own.main_containers for w in one.words]
    releases = released_charts(files, frozenset({"flagger"}))
    is_told = any("selectorLabels" in one.values or one.is_open for one in releases)
    if is_told or any(_OPTION in word for word in words):
        return
    for canary, target in _aimed(files):
        labels = labels_of(fields(target.data, "spec", "selector"))
        if labels and not labels.keys() & set(_KNOWN):
            told = ", ".join(f"{key}={value}" for key, value in labels.items())
            what = f"{title(target)} selects its pods by {told}, and Flagger wants one of"
            why = f"{', '.join(_KNOWN)}: {title(canary)} is never initialised; add one of them"
            yield Finding(target.at("spec", "selector"), f"{what} {why}")


@once
def _aimed(files: Files) -> Iterator[tuple[Artifact, Artifact]]:
    """Yield Canaries with their target, where that is here."""
    there = {
        (kind_of(one), name_of(one), place_of(one)): one
        for one in files.objects("Deployment", "DaemonSet")
    }
    for canary in files.objects("Canary"):
        target = target_of(canary)
        found = there.get((target.kind or "", target.name or "", place_of(canary)))
        if found is not None:
            yield canary, found


GATE = Gate(
    id="CAN011",
    title="The target of a Canary is selected by a label that Flagger knows",
    phase="mesh",
    source="https://docs.flagger.app/usage/how-it-works#canary-target: the selector has to have "
    "app, name or app.kubernetes.io/name, or a label of -selector-labels",
    check=check,
    of_files=check,
    scope=counted_in_files("Canaries with their target", _aimed),
    targets=("cluster",),
    reads="spec.selector of Deployments and DaemonSets that Canaries of their namespace aim at, in "
    "these files.",
)
