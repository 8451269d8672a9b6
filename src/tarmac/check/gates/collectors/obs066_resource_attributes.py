"""Attributes of a resource are labels where rules select by them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, items, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_EXPORTERS = ("prometheus", "prometheusremotewrite")
#: Processors that may give samples what a resource has.
_MOVING = frozenset({"transform", "attributes", "groupbyattrs", "metricstransform"})
#: The series that has the attributes of each resource, to be joined with others.
_JOINED = "target_info"


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that select by an attribute which no sample has."""
    found = list(_exporting(files))
    if not found or any(map(_moves, found)):
        return
    kept = {_as_label(name): name for one in found for name in _attributes(one)}
    for rule in _rules(files, frozenset(kept)):
        asked = sorted({name for one in selected(rule.expr) for name in one.labels} & kept.keys())
        what = f"{rule.name} selects by {asked[0]}, and the collector leaves {kept[asked[0]]}, an"
        why = "attribute of the resource, out of the labels of its samples: it finds nothing; write"
        where = rule.artifact.at(*rule.path, "expr")
        advice = "resource_to_telemetry_conversion: {enabled: true}, or join with target_info"
        yield Finding(where, f"{what} {why} {advice}")


@once
def _exporting(files: Files) -> Iterator[Collector]:
    for one in collectors(files):
        pipelines = fields(one.data, "service", "pipelines")
        used = [
            str(name).partition("/")[0]
            for key, pipeline in pipelines.items()
            if str(key).partition("/")[0] == "metrics"
            for name in items(pipeline, "exporters")
        ]
        if set(_EXPORTERS) & set(used):
            yield one


def _moves(one: Collector) -> bool:
    """Tell whether samples may have such attributes after all."""
    processors = {str(name).partition("/")[0] for name in fields(one.data, "processors")}
    converts = any(
        "resource_to_telemetry_conversion" in fields(exporter)
        for name, exporter in fields(one.data, "exporters").items()
        if str(name).partition("/")[0] in _EXPORTERS
    )
    return converts or bool(processors & _MOVING)


def _attributes(one: Collector) -> Iterator[str]:
    """Yield the attributes that its processors give a resource."""
    for name, processor in fields(one.data, "processors").items():
        kind = str(name).partition("/")[0]
        if kind == "k8sattributes":
            yield from texts(fields(processor, "extract").get("metadata"))
            for key in ("labels", "annotations"):
                yield from (string(tag, "tag_name") for tag in items(processor, "extract", key))
        elif kind == "resource":
            yield from (string(attribute, "key") for attribute in items(processor, "attributes"))


def _as_label(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _rules(files: Files, names: frozenset[str]) -> Iterator[PlacedRule]:
    """Yield rules that select by one of some labels."""
    for group in placed_groups(files) if names else ():
        for rule in group:
            is_near = any(name and name in rule.expr for name in names)
            is_near = is_near and _JOINED not in rule.expr and parsed(rule) is not None
            if is_near and any(one.labels & names for one in selected(rule.expr)):
                yield rule


GATE = Gate(
    id="OBS066",
    title="Attributes of a resource are labels where rules select by them",
    phase="observability",
    source="https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/"
    "prometheusexporter: resource_to_telemetry_conversion is off by default",
    check=check,
    of_files=check,
    scope=counted_in_files("collectors that export metrics to Prometheus", _exporting),
    targets=(),
    reads="attributes that the processors k8sattributes and resource give, beside labels in rules, "
    "where no collector here converts them. Judges files without a plan only.",
)
