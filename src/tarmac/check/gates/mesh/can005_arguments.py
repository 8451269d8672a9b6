"""An analysis of a new version is given the arguments that its templates need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Fields, Path, at_each, fields, items, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.scope import counted_in_files

_TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
#: Where objects run analyses.
_RUN = {
    "Rollout": (
        "spec.strategy.canary.analysis", "spec.strategy.canary.steps.-.analysis",
        "spec.strategy.canary.steps.-.experiment.analyses.-",
        "spec.strategy.blueGreen.prePromotionAnalysis",
        "spec.strategy.blueGreen.postPromotionAnalysis",
    ),
    "Experiment": ("spec.analyses.-",),
}  # fmt: skip
_ARGUMENT = re.compile(r"\{\{\s*args\.([\w.-]+?)\s*\}\}")


def check(files: Files) -> Iterator[Finding]:
    """Yield arguments that a template needs and is not given, or reads and does not declare."""
    known: dict[str, list[Artifact]] = {}
    for artifact in files.objects(*_TEMPLATES):
        known.setdefault(name_of(artifact), []).append(artifact)
        declared = {string(one, "name") for one in items(artifact.data, "spec", "args")}
        for number, metric in enumerate(items(artifact.data, "spec", "metrics")):
            for path, text in places(metric, ("spec", "metrics", number)):
                yield from _undeclared(artifact, path, text, declared)
    for artifact, path, holder in _runs(files):
        given = {string(one, "name") for one in items(holder, "args")}
        needed, taken = dict[str, str](), set[str]()
        for name in _named(holder):
            near = [one for one in known.get(name, ()) if _is_beside(one, artifact)]
            # Of several, or of none, its arguments are not known.
            for one in items(near[0].data, "spec", "args") if len(near) == 1 else ():
                taken.add(string(one, "name"))
                if not {"value", "valueFrom"} & fields(one).keys():
                    needed[string(one, "name")] = title(near[0])
        for name in sorted(needed.keys() - given):
            what = f"{title(artifact)} runs {needed[name]} without its argument {name}, so it fails"
            other = only_near(name, sorted(given - taken))
            advice = f"rename {other}" if other else "write it under `args`"
            yield Finding(artifact.at(*path), f"{what}; {advice}")


def _undeclared(artifact: Artifact, path: Path, text: str, declared: set[str]) -> Iterator[Finding]:
    for name in dict.fromkeys(_ARGUMENT.findall(text)):
        if name not in declared:
            what = f"{title(artifact)} reads args.{name}, which it does not declare, so it fails"
            yield Finding(artifact.at(*path), f"{what}; add it to `args`")


def _runs(files: Files) -> Iterator[tuple[Artifact, Path, Fields]]:
    for artifact in files.objects(*_RUN):
        for place in _RUN[kind_of(artifact)]:
            for path, holder in at_each(artifact.data, place.split(".")):
                if isinstance(holder, Mapping):
                    yield artifact, path, holder


def _named(holder: Fields) -> list[str]:
    listed = [string(one, "templateName") for one in items(holder, "templates")]
    return [name for name in (*listed, string(holder, "templateName")) if name]


def _is_beside(template: Artifact, artifact: Artifact) -> bool:
    is_shared = kind_of(template) == "ClusterAnalysisTemplate"
    return is_shared or place_of(template)[0] in ("", place_of(artifact)[0])


def _judged(files: Files) -> Iterator[object]:
    yield from _runs(files)
    yield from files.objects(*_TEMPLATES)


GATE = Gate(
    id="CAN005",
    title="An analysis is given the arguments that its templates need",
    phase="mesh",
    source="https://argo-rollouts.readthedocs.io/en/stable/features/analysis: an argument that is "
    "not resolved ends the run with an error, and the new version with it",
    check=check,
    of_files=check,
    scope=counted_in_files("analyses", _judged),
    targets=(),
    reads="`args` of Rollouts and Experiments beside those of their AnalysisTemplates that are in "
    "these files, and `{{args.NAME}}` in these. Judges files without a plan only.",
)
