"""What an inhibition compares is a label of both alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, numbered_texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.alert_files import configurations
from tarmac.check.gates.views.monitoring.kept_labels import labels
from tarmac.check.gates.views.monitoring.matchers import AlertMatcher, matchers
from tarmac.check.gates.views.monitoring.outer_labels import OUTER, may_be_added
from tarmac.check.gates.views.monitoring.promql import is_of_logs
from tarmac.check.gates.views.monitoring.rule_groups import parsed, placed_groups
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: How people call the label that has an alert's name.
_NAMES = ("alert", "alert_name", "alertName", "name_of_alert")


class KnownLabels(NamedTuple):
    """An alert with the labels that it can have."""

    name: str
    given: Mapping[str, str]
    #: None: those of its series, which are not known.
    labels: frozenset[str] | None


def check(files: Files) -> Iterator[Finding]:
    """Yield labels of inhibitions that no source or no target has."""
    for artifact in configurations(files):
        for number, rule in enumerate(items(artifact.data, "inhibit_rules")):
            for key, said in _misnamed(fields(rule)):
                what = (
                    f"inhibit_rules.{number} asks for the label {said}, and an alert's name is in"
                )
                where = artifact.at("inhibit_rules", number, key)
                yield Finding(where, f"{what} alertname, so it mutes nothing; write that")
            for place, what in _unknown(files, fields(rule)):
                where = artifact.at("inhibit_rules", number, "equal", place)
                yield Finding(where, f"inhibit_rules.{number} {what}", warning=True)


def _misnamed(rule: Fields) -> Iterator[tuple[str, str]]:
    """Yield where a rule asks for the name of an alert by another label."""
    for side in ("source_", "target_"):
        for one in matchers(rule, side):
            if one.label in _NAMES:
                yield next(key for key in rule if str(key).startswith(side)), one.label


def _unknown(files: Files, rule: Fields) -> Iterator[tuple[int, str]]:
    source, target = (_labels(files, rule, side) for side in ("source_", "target_"))
    if source is None or target is None:
        return
    both = source & target
    for place, label in numbered_texts(rule.get("equal")):
        if label in both or (label in OUTER and may_be_added(files, list(_rules_of(files)), label)):
            continue
        usual = sorted(both - {"alertname", "severity"})
        has = f"; compare {', '.join(usual)}" if usual else ""
        if label in source or label in target:
            side, other = ("source", "target") if label in source else ("target", "source")
            what = f"compares {label}, which the {side} has and no {other}: they are never equal"
            yield place, f"{what}, so it mutes nothing{has}"
        else:
            what = f"compares {label}, which no alert of both sides has: what is absent is equal,"
            yield place, f"{what} so one alert mutes all targets{has}"


def _labels(files: Files, rule: Fields, side: str) -> frozenset[str] | None:
    """List the labels of all alerts that one side takes; None where that is not known."""
    asked = matchers(rule, side)
    taken = [one for one in _fired(files) if not any(_refuses(m, one) for m in asked)]
    if not asked or not taken or any(one.labels is None for one in taken):
        return None
    return frozenset(label for one in taken for label in one.labels or ())


def _refuses(asked: AlertMatcher, one: KnownLabels) -> bool:
    """Tell whether a matcher does not take an alert, by what its rule gives it."""
    own = one.given.get(asked.label, "{{")
    return "{{" not in own and asked.values is not None and own not in asked.values


@once
def _rules_of(files: Files) -> Iterator[Artifact]:
    """Yield the files with rules that alert."""
    found = (rule for group in placed_groups(files) for rule in group if rule.data.get("alert"))
    yield from {id(rule.artifact): rule.artifact for rule in found}.values()


@once
def _fired(files: Files) -> Iterator[KnownLabels]:
    """Yield the alerts of all rules."""
    for group in placed_groups(files):
        for rule in group:
            if not rule.data.get("alert") or not rule.expr:
                continue
            tree = None if is_of_logs(rule.expr) else parsed(rule)
            own = labels(tree) if tree is not None else None
            given = {str(key): str(value) for key, value in rule.labels.items()}
            known = None if own is None else own | {*given, "alertname"}
            yield KnownLabels(rule.name, {**given, "alertname": rule.name}, known)


GATE = Gate(
    id="OBS032",
    title="What an inhibition compares is a label of both alerts",
    phase="observability",
    source="https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings: "
    "a label that is absent on both sides has the same, empty value",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of Alertmanager", configurations),
    #: OBS013 compares the inhibitions of a plan with its edges.
    targets=(),
    reads="`equal` of inhibitions beside the labels that the alerts of these files have, where "
    "their expressions tell them. Labels that a Prometheus usually adds to all alerts are judged "
    "only where the one that loads the rules is here and adds none. Judges files without a "
    "plan only.",
)
