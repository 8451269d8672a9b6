"""Labels of objects that a rule asks kube-state-metrics for are among those that it gives."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import released_charts
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, placed_groups
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_FAMILY = re.compile(r"\bkube_([a-z]+)_(label|annotation)s\b")
_IMAGE = re.compile(r"(.*/)?kube-state-metrics:v?(\d+)\.")
_ENTRY = re.compile(r"([\w*]+)=\[([^\]]*)\]")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLURALS = {"ingress": "ingresses", "networkpolicy": "networkpolicies"}
#: Charts with one, and where its values are.
_CHARTS = {"kube-prometheus-stack": ("kube-state-metrics",), "kube-state-metrics": ()}
#: Since this version no label is given that is not named.
_FIRST = 2


class AskedLabels(NamedTuple):
    """The labels that a rule asks of a family of metrics, by their names in these."""

    rule: PlacedRule
    family: str
    resource: str
    #: `label` or `annotation`.
    what: str
    names: frozenset[str]


class StateMetrics(NamedTuple):
    """A kube-state-metrics, the option by which labels are allowed, and what it is told."""

    title: str
    option: str
    told: list[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield rules on labels that kube-state-metrics does not give."""
    asked = list(_asked(files))
    servers = [*_servers(files), *_released(files)] if asked else []
    if len(servers) != 1:
        return
    server = servers[0]
    for one in asked:
        allowed = _allowed(server, one.what)
        given = allowed.get(one.resource, allowed.get("*", frozenset()))
        lost = sorted(name for name in one.names if name not in given)
        if lost and "*" not in given:
            what = f"{one.rule.name} asks for {lost[0]} of {one.family}, and {server.title}"
            option = server.option.format(what=one.what, Title=one.what.title())
            said = f"{what} gives only what {option}={one.resource}=[...] names: it finds nothing;"
            yield Finding(one.rule.artifact.at(*one.rule.path, "expr"), f"{said} name it there")


def _servers(files: Files) -> Iterator[StateMetrics]:
    for own in pods(files):
        for container in own.main_containers:
            found = _IMAGE.match(container.image)
            if found and int(found[2]) >= _FIRST and "$" not in " ".join(container.words):
                words = [str(word) for word in container.words]
                told = [*words, *map("=".join, itertools.pairwise(words))]
                yield StateMetrics(title(own.artifact), "--metric-{what}s-allowlist", told)


def _released(files: Files) -> Iterator[StateMetrics]:
    """Yield what a chart installs, unless more of its values come from elsewhere."""
    for one in released_charts(files, frozenset(_CHARTS)):
        values = fields(one.values, *_CHARTS[one.chart])
        if not one.is_open and one.artifact.is_object:
            option = ".".join((*_CHARTS[one.chart], "metric{Title}sAllowlist"))
            told = [
                f"{option.format(Title=what)}={entry}"
                for what in ("Label", "Annotation")
                for entry in items(values, f"metric{what}sAllowlist")
            ]
            told += [str(word) for word in items(values, "extraArgs")]
            yield StateMetrics(title(one.artifact), option, told)


def _allowed(server: StateMetrics, what: str) -> Mapping[str, frozenset[str]]:
    """Read what an option allows: by the resource, the labels as metrics have them."""
    options = (server.option.format(what=what, Title=what.title()), f"--metric-{what}s-allowlist")
    return {
        resource: frozenset(_as_label(one.strip(), what) for one in listed.split(","))
        for word in server.told
        if word.partition("=")[0] in options
        for resource, listed in _ENTRY.findall(word.partition("=")[2])
    }


def _as_label(key: str, what: str) -> str:
    """Write a label's key as kube-state-metrics does: `a.b/cD` -> `label_a_b_c_d`."""
    if key == "*":
        return key
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    return f"{what}_{_HUMPS.sub('_', plain).lower()}"


@once
def _asked(files: Files) -> Iterator[AskedLabels]:
    for group in placed_groups(files):
        for rule in group:
            families = set(_FAMILY.findall(rule.expr))
            if len(families) != 1:
                continue
            kind, what = families.pop()
            # Behind `unless` it leaves out what has a label: where nothing has it, nothing is lost.
            expr = re.split(r"\bunless\b", rule.expr)[0]
            names = frozenset(re.findall(rf"\b{what}_\w+", expr))
            if names:
                resource = _PLURALS.get(kind, f"{kind}s")
                yield AskedLabels(rule, f"kube_{kind}_{what}s", resource, what, names)


GATE = Gate(
    id="OBS065",
    title="kube-state-metrics gives the labels that rules ask it for",
    phase="observability",
    source="https://github.com/kubernetes/kube-state-metrics/blob/main/docs/developer/"
    "cli-arguments.md: --metric-labels-allowlist; by default a metric has no label of its object",
    check=check,
    of_files=check,
    scope=counted_in_files("rules on labels of objects", _asked),
    targets=(),
    reads="label_ and annotation_ in rules on kube_*_labels and kube_*_annotations, beside the "
    "arguments or the chart's values of the one kube-state-metrics of these files. Judges files "
    "without a plan only.",
)
