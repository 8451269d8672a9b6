"""A canary can be stopped: an analysis can fail, and something waits between the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, named, space_of, title
from tarmac.check.gates.views.scope import kinds
from tarmac.check.gates.views.trials.analyses import endless
from tarmac.check.gates.views.trials.rollouts import Rollout

_TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
_CANARY = ("spec", "strategy", "canary")
#: What makes load and ends with 0, whatever the answers are.
_LOADS = re.compile(r"(hey|wrk2?|ab|ghz|bombardier|vegeta)\s")
#: Providers whose answer is a value, and no verdict of their own.
_JUDGED = ("prometheus", "datadog", "newRelic", "wavefront", "cloudWatch", "graphite", "influxdb")
#: Steps that a Rollout may stay at.
_STOPS = ("pause", "analysis", "experiment", "plugin")


def check(files: Files) -> Iterator[Finding]:
    """Yield analyses that no result fails, and canaries that nothing stops."""
    for artifact in files.objects(*_TEMPLATES, "Rollout", "Canary"):
        judge = {"Rollout": _steps, "Canary": _measures}.get(kind_of(artifact), _limits)
        for path, what in judge(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
    yield from _endless(files)
    yield from _practiced(files)


def _practiced(files: Files) -> Iterator[Finding]:
    """Yield Rollouts all of whose analyses count for nothing: each metric is in `dryRun`."""
    templates = {
        (
            kind_of(one),
            "" if kind_of(one).startswith("Cluster") else space_of(one),
            name_of(one),
        ): one
        for one in files.objects(*_TEMPLATES)
    }
    for artifact in files.objects("Rollout") if templates else ():
        counting, told = False, dict[str, Finding]()
        for path, analysis in _analyses(artifact):
            own = [_pattern(one) for _, one in numbered(analysis, "dryRun")]
            for _, named_one in numbered(analysis, "templates"):
                kind = _TEMPLATES[named_one.get("clusterScope") is True]
                space = "" if kind.startswith("Cluster") else space_of(artifact)
                found = templates.get((kind, space, string(named_one, "templateName")))
                metrics = numbered(found.data, "spec", "metrics") if found else []
                dry = (
                    [_pattern(one) for _, one in numbered(found.data, "spec", "dryRun")]
                    if found
                    else []
                )
                names = [string(metric, "name") for _, metric in metrics]
                if found is None or not all(_is_dry(name, (*own, *dry)) for name in names):
                    counting = True
                elif names:
                    where = found.at("spec", "dryRun") if dry else artifact.at(*path, "dryRun")
                    what = f"{title(found)} has all of its metrics in dryRun, whose results count"
                    why = f"for nothing, and {title(artifact)} has no other analysis: no version"
                    told[where] = Finding(
                        where, f"{what} {why} is ever stopped; leave one out of it"
                    )
        yield from () if counting else told.values()


def _analyses(artifact: Artifact) -> Iterator[tuple[Path, Fields]]:
    """Yield the analyses of a Rollout, in each strategy."""
    blue: Path = ("spec", "strategy", "blueGreen")
    steps = (
        (*_CANARY, "steps", number, key)
        for number, _ in numbered(artifact.data, *_CANARY, "steps")
        for key in ("analysis", "experiment")
    )
    for path in (
        (*_CANARY, "analysis"), *steps, (*blue, "prePromotionAnalysis"),
        (*blue, "postPromotionAnalysis"),
    ):  # fmt: skip
        if analysis := fields(artifact.data, *path):
            yield path, analysis


def _pattern(dry: Fields) -> str:
    return string(dry, "metricName")


def _is_dry(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a metric is one of those whose results count for nothing."""
    for pattern in patterns:
        with suppress(re.error):
            if pattern and re.search(pattern, name):
                return True
    return False


def _endless(files: Files) -> Iterator[Finding]:
    """Yield analyses that a Rollout waits for, and that measure for ever."""
    templates = named(files, "AnalysisTemplate")
    for artifact in files.objects("Rollout") if templates else ():
        for asked in endless(templates, Rollout(artifact)):
            what = f"{title(artifact)} waits for {name_of(asked.artifact)}, whose {asked.name} has"
            advice = "an interval and no count: it never ends; write `count`"
            yield Finding(artifact.at(*_CANARY, "steps"), f"{what} {advice}")


def _limits(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    dry = {str(one.get("metricName")) for _, one in numbered(artifact.data, "spec", "dryRun")}
    for number, metric in numbered(artifact.data, "spec", "metrics"):
        if str(metric.get("name")) in dry:
            continue
        yield from _measurements(number, metric)
        count = _number(metric.get("count", None if metric.get("interval") else 1))
        failures = _number(metric.get("failureLimit"))
        if count and failures is not None and failures >= count:
            what = f"measures {metric.get('name')} {count} times and lets {failures} of them fail"
            at = ("spec", "metrics", number, "failureLimit")
            yield at, f"{what}, so a bad version passes; allow {max(count - 1, 0) // 2}"


def _measurements(number: int, metric: Fields) -> Iterator[tuple[Path, str]]:
    """Yield a metric that is refused, and one of which every answer is a good one."""
    name, at = metric.get("name"), ("spec", "metrics", number)
    count = _number(metric.get("count"))
    if count and count > 1 and not metric.get("interval"):
        what = f"measures {name} {count} times and has no interval, so the controller refuses it"
        yield (*at, "count"), f"{what}; write `interval`"
    asked = next((key for key in _JUDGED if key in fields(metric, "provider")), "")
    if asked and not any(metric.get(key) for key in ("successCondition", "failureCondition")):
        what = f"measures {name} by {asked} and has no condition, so every answer is a good one"
        yield at, f"{what}; write `successCondition`"


def _number(value: Any) -> int | None:
    """Read a number that is written as one, or as a text; None of an argument."""
    return int(value) if str(value).isdecimal() else None


def _steps(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    steps = numbered(artifact.data, *_CANARY, "steps")
    weights = [one["setWeight"] for _, one in steps if "setWeight" in one]
    if weights and not any(key in one for _, one in steps for key in _STOPS):
        said = ", ".join(f"{one}%" for one in weights)
        what = f"goes through {said} without a step that waits or measures"
        yield (*_CANARY, "steps"), f"{what}, so all get the new version at once; add a pause"


def _measures(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield Canaries of Flagger that ask nothing."""
    analysis = fields(artifact.data, "spec", "analysis")
    told = any(analysis.get(key) for key in ("metrics", "webhooks", "alerts"))
    if analysis and not told and "skipAnalysis" not in fields(artifact.data, "spec"):
        what = "has no metrics and no webhooks in its analysis, so every version passes"
        yield ("spec", "analysis"), f"{what}; write what tells a bad one"
    if fields(artifact.data, "spec").get("skipAnalysis") is True and analysis.get("metrics"):
        what = "has skipAnalysis, so each version goes to all at once, and its metrics are never"
        yield ("spec", "skipAnalysis"), f"{what} looked at; remove it"
    asked = [string(one, "metadata", "cmd") for _, one in numbered(analysis, "webhooks")]
    if asked and not analysis.get("metrics") and all(map(_LOADS.match, asked)):
        what = "has no metrics, and its webhooks only make load, which succeeds whatever is"
        advice = "answered, so a bad version passes; write a metric, or a command that fails"
        yield ("spec", "analysis", "webhooks"), f"{what} {advice}"


GATE = Gate(
    id="CAN006",
    title="A canary can be stopped",
    phase="mesh",
    source="https://argo-rollouts.readthedocs.io/en/stable/features/analysis/#failure-conditions-"
    "and-failure-limit: an analysis fails by more failures than its limit, which must be fewer "
    "than its measurements",
    check=check,
    of_files=check,
    scope=kinds("analyses and canaries", *_TEMPLATES, "Rollout", "Canary"),
    targets=("cluster",),
    reads="counts, limits and dry runs of AnalysisTemplates, steps of Rollouts, analyses of "
    "Flagger's Canaries. What an argument stands for is not known.",
)
