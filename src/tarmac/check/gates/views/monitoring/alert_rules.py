"""Alerts as gates read them: their rules and the unit tests of those, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import Fields, dig, fields, mappings
from tarmac.check.gates.subject import Subject

RULES, TESTS = "observability/rules/", "observability/tests/"


class Alert:
    """One rule that alerts."""

    def __init__(self, path: str, rule: Fields) -> None:
        self.path = path
        self.rule = rule

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.rule["alert"])

    @property
    def severity(self) -> str:
        """How bad it is; empty where it does not say."""
        return str(self.labels.get("severity") or "")

    @property
    def labels(self) -> Mapping[str, str]:
        """By which it is routed."""
        return fields(self.rule, "labels")

    @property
    def annotations(self) -> Mapping[str, str]:
        """What the on-call engineer reads."""
        return fields(self.rule, "annotations")


class AlertCase:
    """What a unit test expects of one alert at a time."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def alert(self) -> str:
        """The alert."""
        return str(self.data.get("alertname"))

    @property
    def fires(self) -> bool:
        """Whether it is expected to fire."""
        return bool(self.data.get("exp_alerts"))


def alerts(subject: Subject) -> Iterator[Alert]:
    """Yield every alert of the tree; one that stands twice, as an object and plain, comes twice."""
    for artifact in subject.artifacts:
        found = dig(artifact.data, "spec", "groups")
        if artifact.path.startswith(RULES):
            found = artifact.data.get("groups")
        elif artifact.data.get("kind") != "PrometheusRule":
            continue
        for group in mappings(found):
            for rule in mappings(group.get("rules")):
                if "alert" in rule:
                    yield Alert(artifact.path, rule)


def once(subject: Subject) -> dict[str, Alert]:
    """Find one of each alert, by its name."""
    found: dict[str, Alert] = {}
    for alert in alerts(subject):
        found.setdefault(alert.name, alert)
    return found


def cases(subject: Subject) -> Iterator[AlertCase]:
    """Yield what each unit test of rules expects at a time."""
    for artifact in subject.artifacts:
        if artifact.path.startswith(TESTS):
            for test in mappings(artifact.data.get("tests")):
                yield from map(AlertCase, mappings(test.get("alert_rule_test")))
