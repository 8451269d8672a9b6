"""Groups of Prometheus rules of any origin: objects and plain files, and what is wrong in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, mappings
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.durations import duration_s
from tarmac.check.gates.views.promql import parses

#: An alert is told by its name: these make it an expression.
_SIGNS = re.compile(r"[{}\[\]=<>]|\w\(")
SEVERITIES = ("critical", "warning", "info", "error", "page", "ticket", "none")


def rule_files(files: Files) -> Iterator[tuple[Artifact, Path]]:
    """Yield what holds groups of rules, and where in it they are."""
    for artifact in files.objects("PrometheusRule"):
        yield artifact, ("spec", "groups")
    for artifact in files.artifacts:
        groups = artifact.data.get("groups")
        has_rules = any("rules" in group or "interval" in group for group in mappings(groups))
        if not artifact.is_object and has_rules:
            yield artifact, ("groups",)


def faults(artifact: Artifact, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where groups of rules are wrong, and how."""
    names = [str(fields(group).get("name")) for group in items(artifact.data, *path)]
    for number, group in enumerate(items(artifact.data, *path)):
        here = (*path, number)
        if names[number] in names[:number]:
            yield here, f"the group {names[number]} is defined twice; give it another name"
        interval = fields(group).get("interval")
        if interval is not None and duration_s(interval) is None:
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
    elif not parses(expr):
        yield f"{name} has an expression that is not PromQL ({expr.strip()[:60]}); correct it"
    if rule.get("record") and ":" not in str(name):
        yield f"{name} is not the name of a recording rule; write level:metric:operation"
    if "alert" in rule:
        yield from _alert(rule, str(name), expr)


def _alert(rule: Fields, name: str, expr: str) -> Iterator[str]:
    if "for" in rule:
        if duration_s(rule["for"]) is None:
            yield f"{name} has `for: {rule['for']}`, which is not a duration; write e.g. 5m"
    elif not any(sign in expr for sign in ("[", ":", "absent")):
        yield f"{name} fires at the first sample; write `for`"
    if _SIGNS.search(name):
        yield f"{name[:60]} is an expression, not the name of an alert; swap `alert` and `expr`"
    link = str(fields(rule, "annotations").get("runbook_url") or "/")
    if " " in link and not link.startswith(("http", "/", "{{", "<")):
        yield f"{name} has the runbook_url {link[:40]!r}, which is not a URL; write one"
    severity = str(fields(rule, "labels").get("severity") or "")
    if not severity:
        yield f"{name} has no label `severity`, so no route can match it; add it"
    elif severity not in SEVERITIES:
        near = difflib.get_close_matches(severity, SEVERITIES, 1, 0.7)
        if near:
            yield f"{name} has the severity {severity!r}; write {near[0]}"
    for key in ("summary", "runbook_url"):
        if not fields(rule, "annotations").get(key) and not _described(rule):
            yield f"{name} has no annotation `{key}`, which the on-call engineer reads; add it"


def _described(rule: Fields) -> bool:
    """Tell whether it is described by other annotations, as in rules of others."""
    return bool({"description", "message"} & fields(rule, "annotations").keys())
