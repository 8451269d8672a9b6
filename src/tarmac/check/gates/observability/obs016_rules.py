"""Prometheus rules have their required parts: expressions, durations, severities, annotations."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.durations import duration_s
from tarmac.check.gates.views.leniency import lenient
from tarmac.check.gates.views.queries import queries, recorded
from tarmac.check.gates.views.recorded_names import unrecorded
from tarmac.check.gates.views.rule_groups import faults, rule_files
from tarmac.check.gates.views.scope import counted_in_files

#: So many rules are alike, before one that is not is an exception.
_FEW, _MANY = 3, 5
#: What a whole repository has one of, mostly.
_OF_ALL = ("cluster", "environment", "namespace", "owner", "team")
_ALIKE = 0.8
Fault = tuple[Artifact, Path, str]

#: What is unlike the other rules, and may be meant.
UNUSUAL = (
    "which all others",
    "where the others",
    "of other alerts",
    "and asks",
    "no rule here",
    "_window=",
    "is not the name of a recording rule",
)


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that Prometheus refuses, and alerts that say too little."""
    for artifact, path in rule_files(files):
        for part, what in faults(artifact, path):
            yield Finding(artifact.at(*part), what)
    yield from {Finding(artifact.at(*part), what) for artifact, part, what in label_faults(files)}
    names = set(recorded(files))
    for query in queries(files) if names else ():
        for what in unrecorded(query.expr, names) if query.rule else ():
            yield Finding(query.path, f"{query.title} {what}")


def label_faults(files: Files) -> Iterator[Fault]:
    """Yield labels that a rule lacks or that contradict, and where."""
    groups = [list(group) for group in placed_groups(files)]
    rules = [rule for group in groups for rule in group]
    alerts = alerts_of(rules)
    for alike in (*map(alerts_of, groups), *map(records_of, groups), alerts):
        yield from _lacking(alike)
        yield from _values(alike, lambda key, value, usual: _is_near(value, usual))
    yield from _values(rules, lambda key, value, usual: key in _OF_ALL)
    for rule in rules:
        yield from _own(rule)
    yield from _exchanged(alerts)


def _lacking(alike: list[PlacedRule]) -> Iterator[Fault]:
    """Yield a rule that lacks one label which all others have, and that its series cannot bring."""
    number = Counter(key for rule in alike for key in rule.labels)
    usual = [key for key, count in number.items() if count >= len(alike) - 1 >= _FEW]
    for rule in alike:
        lacks = [str(key) for key in usual if key not in rule.labels]
        if len(lacks) == 1 and lacks[0] not in rule.expr:
            what = f"{rule.name} has no label `{lacks[0]}`, which all others like"
            yield rule.artifact, rule.path, f"{what} it have, and routes or panels may read; add it"


def _values(alike: list[PlacedRule], is_wrong: Callable[[str, str, str], bool]) -> Iterator[Fault]:
    """Yield the one rule that has another value of a label than all others."""
    for key in {key for rule in alike for key in rule.labels}:
        having = [rule for rule in alike if key in rule.labels]
        values = Counter(str(rule.labels[key]) for rule in having)
        if len(values) == 2 and len(having) > _MANY and 1 in values.values():
            (usual, _), (value, _) = values.most_common(2)
            rule = next(rule for rule in having if str(rule.labels[key]) == value)
            if is_wrong(str(key), value, usual):
                what = f"{rule.name} has the label {key}={value}, where the others have {usual}"
                yield rule.artifact, rule.path, f"{what}; write that"


def _exchanged(alerts: list[PlacedRule]) -> Iterator[Fault]:
    """Yield severities that are the value of another label of other alerts."""
    others = {
        str(value): str(key)
        for rule in alerts
        for key, value in rule.labels.items()
        if key != "severity"
    }
    severities = Counter(str(rule.labels.get("severity")) for rule in alerts)
    for rule in alerts:
        severity = str(rule.labels.get("severity"))
        if severity in others and severities[severity] == 1 < len(alerts):
            what = f"{rule.name} has the severity {severity!r}, which is a {others[severity]} of"
            yield rule.artifact, rule.path, f"{what} other alerts; swap the labels"


def _own(rule: PlacedRule) -> Iterator[Fault]:
    """Yield labels of a rule that its own expression contradicts."""
    for key, value in rule.labels.items():
        asked = set(re.findall(rf'\b{re.escape(str(key))}="([^"]*)"', rule.expr))
        if len(asked) == 1 and str(value) not in asked and "{{" not in str(value):
            what = f'{rule.name} has the label {key}={value}, and asks {key}="{min(asked)}"'
            yield rule.artifact, rule.path, f"{what}; write one value"
        if str(key).endswith("_window") and duration_s(value) is None:
            what = f"{rule.name} has the label {key}={value}, which is not a duration"
            yield rule.artifact, rule.path, f"{what}; write e.g. 1h"
        elif str(key).endswith("_window") and str(value) not in rule.expr:
            what = f"{rule.name} has the label {key}={value}, but its expression has no such range"
            yield rule.artifact, rule.path, f"{what}; write its range"


def _is_near(value: str, usual: str) -> bool:
    return difflib.SequenceMatcher(None, value, usual).ratio() >= _ALIKE


class PlacedRule(NamedTuple):
    """A rule, and where it is."""

    artifact: Artifact
    path: Path
    data: Fields

    @property
    def name(self) -> str:
        """What it fires or records."""
        return str(self.data.get("alert") or self.data.get("record") or "")

    @property
    def expr(self) -> str:
        """What it asks."""
        return str(self.data.get("expr") or "")

    @property
    def labels(self) -> Fields:
        """What it adds to its result."""
        return fields(self.data, "labels")


def placed_groups(files: Files) -> Iterator[Iterator[PlacedRule]]:
    """Yield the rules of each group."""
    for artifact, path in rule_files(files):
        for number, group in enumerate(items(artifact.data, *path)):
            here = (*path, number, "rules")
            yield (
                PlacedRule(artifact, (*here, place), fields(rule))
                for place, rule in enumerate(items(group, "rules"))
            )


def alerts_of(rules: list[PlacedRule]) -> list[PlacedRule]:
    """List the rules that fire."""
    return [rule for rule in rules if "alert" in rule.data]


def records_of(rules: list[PlacedRule]) -> list[PlacedRule]:
    """List the rules that record."""
    return [rule for rule in rules if "record" in rule.data]


GATE = Gate(
    id="OBS016",
    title="Prometheus rules have their required parts and consistent labels",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/recording_rules: a server "
    "refuses the whole file for one rule, and keeps the old one and says so in its log alone",
    check=check,
    of_files=lenient(check, "fires at the first sample", *UNUSUAL),
    scope=counted_in_files("files of rules", rule_files),
    #: OBS010 holds alerts of a plan to more.
    targets=(),
    reads="groups of PrometheusRule objects and of plain files; labels beside those of the other "
    "rules. Judges files without a plan only: OBS001, "
    "OBS010 and VAL010 check more of a plan.",
)
