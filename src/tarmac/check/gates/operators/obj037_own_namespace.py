"""Routes in an AlertmanagerConfig get alerts: the operator adds its namespace to each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import flag, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.kept_labels import labels
from tarmac.check.gates.views.monitoring.known_alerts import KnownAlert
from tarmac.check.gates.views.monitoring.matchers import AlertMatcher
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.scope import counted_in_files

_STRATEGY = ("spec", "alertmanagerConfigMatcherStrategy", "type")
_ASKED = re.compile(r"\bnamespace\s*=\s*\"([^\"{}$]+)\"")


class Alert(NamedTuple):
    """An alert, and the label namespace that it has: "" for none; None: not known."""

    known: KnownAlert
    namespace: str | None


def check(files: Files) -> Iterator[Finding]:
    """Yield AlertmanagerConfigs whose alerts are all of other namespaces."""
    configs = list(_limited(files))
    alerts = [alert for group in placed_groups(files) for rule in group for alert in _alert(rule)]
    for config in configs:
        space = space_of(config)
        asked = tuple(_matchers(config))
        taken = [one for one in alerts if one.known.may_be_taken(asked)]
        names = {one.namespace for one in taken}
        if taken and None not in names and space not in names:
            spaces = sorted(one for one in names if one)
            told = f"the namespace {', '.join(spaces)}" if spaces else "none"
            what = f"{title(config)} gets alerts of the namespace {space} only, which the operator"
            why = f"adds to its routes, and those here that they match have {told}; set"
            advice = "alertmanagerConfigMatcherStrategy of the Alertmanager to the type None"
            yield Finding(config.at("spec", "route"), f"{what} {why} {advice}", warning=True)


@once
def _limited(files: Files) -> Iterator[Artifact]:
    """Yield the AlertmanagerConfigs whose routes are limited to their namespace."""
    senders = [one for one in files.objects("Alertmanager") if not is_part(one)]
    for config in files.objects("AlertmanagerConfig") if senders else ():
        if space_of(config) and all(_limits(sender, config) for sender in senders):
            yield config


def _limits(sender: Artifact, config: Artifact) -> bool:
    how = string(sender.data, *_STRATEGY)
    is_beside = space_of(sender) == space_of(config)
    is_whole = string(sender.data, "spec", "alertmanagerConfiguration", "name") == name_of(config)
    excepted = how == "OnNamespaceExceptForAlertmanagerNamespace" and is_beside
    return how != "None" and not excepted and not (is_whole and is_beside)


def _matchers(config: Artifact) -> Iterator[AlertMatcher]:
    for _, one in numbered(config.data, "spec", "route", "matchers"):
        usual = "=~" if flag(one, "regex") else "="
        sign = string(one, "matchType") or usual
        yield AlertMatcher(string(one, "name"), sign, string(one, "value"))


def _alert(rule: PlacedRule) -> Iterator[Alert]:
    if not rule.data.get("alert") or not rule.expr:
        return
    own = {str(key): str(value) for key, value in rule.labels.items()}
    known = KnownAlert(rule.name, {**own, "alertname": rule.name}, False, "")
    if "namespace" in own:
        yield Alert(known, None if "{{" in own["namespace"] else own["namespace"])
        return
    node = parsed(rule)
    kept = labels(node) if node is not None else None
    if kept is not None and "namespace" not in kept:
        yield Alert(known, "")
        return
    asked = set(_ASKED.findall(rule.expr))
    yield Alert(known, asked.pop() if len(asked) == 1 else None)


GATE = Gate(
    id="OBJ037",
    title="Routes in an AlertmanagerConfig get alerts",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1."
    "AlertmanagerConfigMatcherStrategy: OnNamespace, the default, adds a matcher for the namespace "
    "of the object to its routes",
    check=check,
    of_files=check,
    scope=counted_in_files("AlertmanagerConfigs of one namespace", _limited),
    targets=(),
    reads="matchers of an AlertmanagerConfig's first route beside the alerts of all rules here, "
    "where each alert that they match tells its namespace. Judges files without a plan only.",
)
