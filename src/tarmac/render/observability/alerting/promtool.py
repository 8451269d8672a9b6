"""Unit tests of Prometheus' rules, in promtool's format, made of what is expected.

    Line('up{job="a"}', (Part(1, 10), Part(0, 5)))           a gauge: its value, for so many steps
    Line("errors_total", (Part(0, 10), Part(3, 5)), True)    a counter: what each step adds
    alerts = (expect_none(600, "Down"), expect_firing(660, "Down", labels, annotations))
    rule_test("It fires", 60, lines, alerts)
    rule_test("It is 1", 60, lines, samples=(sample(600, "up", "up{...}", 1),))
    file(("../rules/slo-api.yaml",), 60, tests)              the whole file's content

`promtool_lines` has Line and Part. The first value of a line is that of second 0. promtool
evaluates every rule at each step of the file's, whatever the interval of its group, and compares
values exactly: round() them. prometheus.io: Unit Testing for Rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.written import duration
from tarmac.render.observability.alerting.promtool_lines import Line, values


def expect_none(at_s: float, alert: str) -> dict[str, Any]:
    """Expect that no alert of a name fires at a time."""
    return {"eval_time": duration(at_s), "alertname": alert, "exp_alerts": []}


def expect_firing(
    at_s: float, alert: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Expect that one fires at a time, and no other of its name; texts as they are shown."""
    expected = {"exp_labels": dict(labels), "exp_annotations": dict(annotations)}
    return {**expect_none(at_s, alert), "exp_alerts": [expected]}


def sample(at_s: float, query: str, labels: str, value: float) -> dict[str, Any]:
    """Expect what a query gives at a time: one series, or with no labels none at all."""
    given = [{"labels": labels, "value": value}] if labels else []
    return {"expr": query, "eval_time": duration(at_s), "exp_samples": given}


def rule_test(
    name: str,
    step_s: float,
    lines: Iterable[Line],
    alerts: Iterable[Mapping[str, Any]] = (),
    samples: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Make one test: series with a value at each step, and what is expected of them."""
    made = {
        "name": name,
        "interval": duration(step_s),
        "input_series": [{"series": line.series, "values": values(line)} for line in lines],
        "alert_rule_test": list(alerts),
        "promql_expr_test": list(samples),
    }
    return {key: value for key, value in made.items() if value or key == "input_series"}


def file(
    rules: Iterable[str],
    step_s: float,
    tests: Iterable[Mapping[str, Any]],
    order: Iterable[str] = (),
) -> dict[str, Any]:
    """Make a file of tests.

    Args:
        rules: the files of rules, relative to this one.
        step_s: how often rules are evaluated.
        order: the groups that read what others record come after these.
    """
    ordered = {"group_eval_order": list(order)}
    return {
        "rule_files": list(rules),
        **(ordered if ordered["group_eval_order"] else {}),
        "evaluation_interval": duration(step_s),
        "tests": list(tests),
    }
