"""Alerts as gates read them: rules, their tests, and Alertmanager's routes, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Subject
from tarmac.gates.views.objects import dig
from tarmac.gates.views.shapes import mappings

RULES, TESTS = "observability/rules/", "observability/tests/"
ALERTMANAGER = "observability/alertmanager.yaml"
MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*')


@dataclass(frozen=True)
class Alert:
    """One rule that alerts."""

    path: str
    rule: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.rule["alert"])

    @property
    def severity(self) -> str:
        """How bad it is; empty where it does not say."""
        return str(dig(self.rule, "labels", "severity") or "")


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


def cases(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield what each unit test of rules expects at a time."""
    for artifact in subject.artifacts:
        if artifact.path.startswith(TESTS):
            for test in mappings(artifact.data.get("tests")):
                yield from mappings(test.get("alert_rule_test"))


def alertmanager(subject: Subject) -> Artifact | None:
    """Find Alertmanager's configuration."""
    return next((artifact for artifact in subject.artifacts if artifact.path == ALERTMANAGER), None)


def matchers(written: Any) -> list[tuple[str, str, str]]:
    """Read matchers: the label, how it is compared, and with what."""
    items = written if isinstance(written, list | tuple) else ()
    found = (MATCHER.fullmatch(str(item)) for item in items)
    return [(match[1], match[2], match[3]) for match in found if match]


def matches(written: Any, labels: Mapping[str, str]) -> bool:
    """Tell whether all matchers take these labels; a label that is not there is empty."""
    for label, how, value in matchers(written):
        given = labels.get(label, "")
        same = given == value if "~" not in how else re.fullmatch(value, given) is not None
        if same == how.startswith("!"):
            return False
    return True


def receiver(route: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Find the receiver of an alert with these labels: the first route that matches, and so on."""
    for below in mappings(route.get("routes")):
        if matches(below.get("matchers"), labels):
            return receiver({"receiver": route.get("receiver"), **below}, labels)
    return str(route.get("receiver") or "")
