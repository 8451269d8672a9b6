"""Thresholds of a canary are of a number that is measured, on the side of a bad version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: What Flagger measures by itself, and the side on which it has a limit.
_SIDES = {"request-success-rate": "min", "request-duration": "max"}
_OTHER = {"min": "max", "max": "min"}
#: By these a Canary says what else it measures.
_ASKED = ("templateRef", "query")
_TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
#: The whole result of a query beside a sign that is for one number.
_WHOLE = re.compile(r"\bresult\s*(?:[<>]=?|[!=]=)|(?:[<>]=?|[!=]=)\s*result\b(?!\s*[\[.])")
#: What minds that there is no result.
_MINDED = re.compile(r"\blen\(|isNaN|default\(|asFloat|\?")
#: Series of answers with an error alone.
_ERRORS = re.compile(r"""(?:code|status)\w*\s*(?:=~?)\s*["'`]\^?\(?5[\d.]""")


def check(files: Files) -> Iterator[Finding]:
    """Yield limits by which a good version fails and a bad one passes."""
    for artifact in files.objects("Canary"):
        for number, metric in numbered(artifact.data, "spec", "analysis", "metrics"):
            side = _SIDES.get(str(metric.get("name")))
            limits = fields(metric, "thresholdRange")
            if side and side not in limits and _OTHER[side] in limits:
                value = limits[_OTHER[side]]
                what = (
                    f"{title(artifact)} lets {metric['name']} be {value} at {_word(_OTHER[side])}"
                )
                where = artifact.at("spec", "analysis", "metrics", number, "thresholdRange")
                yield Finding(where, f"{what}, so a good version fails; write {side}: {value}")
            elif side and (said := _without_effect(str(metric["name"]), limits.get(side))):
                where = artifact.at("spec", "analysis", "metrics", number, "thresholdRange", side)
                yield Finding(where, f"{title(artifact)} {said}")
            elif not side and metric.get("name") and not any(metric.get(key) for key in _ASKED):
                what = f"{title(artifact)} measures {metric['name']}, which Flagger does not have,"
                where = artifact.at("spec", "analysis", "metrics", number)
                advice = f"write templateRef, or one of {', '.join(_SIDES)}"
                yield Finding(where, f"{what} and no template: it is never asked; {advice}")
        yield from _weights(artifact)
    for artifact in files.objects(*_TEMPLATES):
        yield from (*_whole(artifact), *_empty(artifact))


def _without_effect(name: str, limit: Any) -> str:
    """Say what a limit of 0 does; "" of another one."""
    if isinstance(limit, bool) or not isinstance(limit, int | float) or limit > 0:
        return ""
    if _SIDES[name] == "min":
        return f"lets {name} be {limit} %, so every version passes; write e.g. 99"
    return f"lets {name} be {limit} ms, so no version passes; write e.g. 500"


def _weights(artifact: Artifact) -> Iterator[Finding]:
    """Yield a first step that is beyond the last one."""
    analysis = fields(artifact.data, "spec", "analysis")
    step, most = analysis.get("stepWeight"), analysis.get("maxWeight")
    if isinstance(step, int) and isinstance(most, int) and 0 < most < step:
        what = f"{title(artifact)} has a stepWeight of {step} and a maxWeight of {most}, so its"
        where = artifact.at("spec", "analysis", "maxWeight")
        yield Finding(where, f"{what} first step is its last; write several steps below maxWeight")


def _whole(artifact: Artifact) -> Iterator[Finding]:
    """Yield conditions that compare all series of a result with a number."""
    for number, metric in numbered(artifact.data, "spec", "metrics"):
        query = string(metric, "provider", "prometheus", "query").strip()
        for key in ("successCondition", "failureCondition"):
            condition = string(metric, key)
            if query and not query.startswith("scalar(") and _WHOLE.search(condition):
                what = f"{title(artifact)} compares `{condition}`, and Prometheus answers with a"
                where = artifact.at("spec", "metrics", number, key)
                advice = "list: each measurement is an error; write result[0]"
                yield Finding(where, f"{what} {advice}")


def _empty(artifact: Artifact) -> Iterator[Finding]:
    """Yield conditions on the share of errors that is not there while nothing fails."""
    for number, metric in numbered(artifact.data, "spec", "metrics"):
        query = string(metric, "provider", "prometheus", "query")
        for key in ("successCondition", "failureCondition"):
            condition = string(metric, key)
            is_first = "result[0]" in condition and not _MINDED.search(condition)
            if is_first and _ERRORS.search(query.partition("/")[0]) and " or " not in query:
                what = f"{title(artifact)} asks for result[0] of {metric.get('name')}, and while no"
                why = "request fails there is no series: each measurement is an error; write"
                where = artifact.at("spec", "metrics", number, key)
                yield Finding(where, f"{what} {why} len(result) == 0 || {condition}", warning=True)


def _word(side: str) -> str:
    return "most" if side == "max" else "least"


GATE = Gate(
    id="CAN007",
    title="Thresholds of a canary are of a number that is measured, on the side of a bad version",
    phase="mesh",
    source="https://docs.flagger.app/usage/metrics: the share of good answers has a least, the "
    "time of an answer a most; https://argo-rollouts.readthedocs.io/en/stable/analysis/prometheus: "
    "a result is a list",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("Canaries and templates of analyses", "Canary", *_TEMPLATES),
    reads="thresholdRange and names of metrics in Flagger's Canaries, and conditions beside "
    "queries of Prometheus in AnalysisTemplates.",
)
