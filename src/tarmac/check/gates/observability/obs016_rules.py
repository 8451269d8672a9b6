"""Prometheus rules have their required parts: expressions, durations, severities, annotations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.monitoring.promql import is_of_logs, parses
from tarmac.check.gates.views.monitoring.queries import queries, recorded
from tarmac.check.gates.views.monitoring.recorded_names import unrecorded
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, placed_groups, rule_files
from tarmac.check.gates.views.monitoring.severities import almost, severity_of, usual
from tarmac.check.gates.views.objects.text_forms import is_replaced
from tarmac.check.gates.views.scope import counted_in_files

#: So many rules are alike, before one that is not is an exception.
_FEW, _MANY, _ALIKE = 3, 5, 0.8
#: What a whole repository has one of, mostly.
_OF_ALL = ("cluster", "environment", "namespace", "owner", "team")
_KINDS = ("alert", "record")
Fault = tuple[Artifact, Path, str]
#: An alert is told by its name: these make it an expression, where it is one.
_SIGNS = re.compile(r"[{}\[\]=<>]|\w\(")
#: What is said of an expression that the parser does not take, and of a severity.
_FOREIGN, _SEVERITY = "is not PromQL", "has the severity"


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that Prometheus refuses, and alerts that say too little."""
    of_victoria = bool(files.objects("VMAlert", "VMRule"))
    for artifact, path in rule_files(files):
        found = list(faults(artifact, path))
        # One may be a typo; several are of another language, LogQL or MetricsQL.
        foreign = of_victoria or sum(_FOREIGN in what for _, what in found) > 1
        on_purpose = {f"{_SEVERITY} {one!r};" for one in usual(items(artifact.data, *path))}
        for part, what in found:
            may_be = (foreign and _FOREIGN in what) or any(said in what for said in on_purpose)
            yield Finding(artifact.at(*part), what, warning=may_be)
    yield from {Finding(artifact.at(*part), what) for artifact, part, what in label_faults(files)}
    names = set(recorded(files))
    for query in queries(files) if names else ():
        for what in unrecorded(query.expr, names) if query.rule else ():
            yield Finding(query.path, f"{query.title} {what}")


def label_faults(files: Files) -> Iterator[Fault]:
    """Yield labels that a rule lacks or that contradict, and where."""
    groups = [list(group) for group in placed_groups(files)]
    rules = [rule for group in groups for rule in group]
    alerts = [rule for rule in rules if "alert" in rule.data]
    parts = ([one for one in group if kind in one.data] for group in groups for kind in _KINDS)
    for alike in (*parts, alerts):
        yield from _lacking(alike)
        yield from _values(alike, lambda _, a, b: bool(get_close_matches(b, [a], 1, _ALIKE)))
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


def faults(artifact: Artifact, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where groups of rules are wrong, and how."""
    names = [str(fields(group).get("name")) for group in items(artifact.data, *path)]
    for number, group in enumerate(items(artifact.data, *path)):
        here = (*path, number)
        if names[number] in names[:number]:
            yield here, f"the group {names[number]} is defined twice; give it another name"
        interval = fields(group).get("interval")
        if interval is not None and duration_s(interval) is None and not _is_filled(interval):
            yield here, f"the group has the interval {interval}, which is not a duration; write 30s"
        if not fields(group).get("name"):
            yield here, "the group has no name; write one"
        if not items(group, "rules"):
            yield here, "the group has no rules; add some, or remove it"
        for place, rule in enumerate(items(group, "rules")):
            for what in _rule(fields(rule)):
                yield (*here, "rules", place), what


def _rule(rule: Fields) -> Iterator[str]:
    name = rule.get("alert") or rule.get("record")
    expr = str(rule.get("expr") or "")
    if not name:
        yield "the rule has neither `alert` nor `record`; write one"
    if not expr:
        yield f"{name} has no expression; write `expr`"
    elif not is_of_logs(expr) and not parses(expr) and not _is_filled(expr):
        yield f"{name} has an expression that is not PromQL ({expr.strip()[:60]}); correct it"
    if rule.get("record") and ":" not in str(name):
        yield f"{name} is not the name of a recording rule; write level:metric:operation"
    if "alert" in rule:
        yield from _alert(rule, str(name), expr)


def _is_filled(span: object) -> bool:
    """Tell whether a program writes a time there before it is read: `$WAIT`, `{{ wait }}`."""
    return str(span).startswith("$") or is_replaced(span)


def _alert(rule: Fields, name: str, expr: str) -> Iterator[str]:
    if "for" in rule:
        if duration_s(rule["for"]) is None and not _is_filled(rule["for"]):
            yield f"{name} has `for: {rule['for']}`, which is not a duration; write e.g. 5m"
    elif not any(sign in expr for sign in ("[", ":", "absent")):
        yield f"{name} fires at the first sample; write `for`"
    if _SIGNS.search(name) and "$" not in name and parses(name):
        yield f"{name[:60]} is an expression, not the name of an alert; swap `alert` and `expr`"
    link = str(fields(rule, "annotations").get("runbook_url") or "/")
    if " " in link and not link.startswith(("http", "/", "{{", "<")):
        yield f"{name} has the runbook_url {link[:40]!r}, which is not a URL; write one"
    severity = severity_of(rule)
    if not severity:
        yield f"{name} has no label `severity`, so no route can match it; add it"
    elif near := almost(severity):
        yield f"{name} {_SEVERITY} {severity!r}; write {near}"
    told = fields(rule, "annotations")
    for key in ("summary", "runbook_url") if not {"description", "message"} & told.keys() else ():
        if not told.get(key):
            yield f"{name} has no annotation `{key}`, which the on-call engineer reads; add it"


GATE = Gate(
    id="OBS016",
    title="Prometheus rules have their required parts and consistent labels",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/recording_rules: a server "
    "refuses the whole file for one rule, and keeps the old one and says so in its log alone",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("files of rules", rule_files),
    #: OBS010 holds alerts of a plan to more.
    targets=(),
    reads="groups of PrometheusRule objects and of plain files; labels beside those of the other "
    "rules. Judges files without a plan only: OBS001, "
    "OBS010 and VAL010 check more of a plan.",
)
