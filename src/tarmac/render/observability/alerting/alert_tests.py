"""The unit tests of an alert's rule: it fires at its minute and clears, and is silent below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.alert import Alert, InputSeries
from tarmac.render.observability.alerting.alert_rules import annotated, labels, minutes
from tarmac.render.observability.alerting.promtool_lines import Line, Part, values

#: Minutes of each test before anything is wrong.
BEFORE_M = 10
#: Minutes of trouble beyond the moment when an alert fires, and of what follows it.
BEYOND_M, AFTER_M = 3, 1
#: What Prometheus puts in: a label of the series, or the value in some form.
LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
VALUE = re.compile(r"\{\{ \$value \| \w+ \}\}")


def tests(plan: ClusterPlan, alert: Alert) -> Iterator[dict[str, Any]]:
    """Write the unit tests of a rule: it fires at its minute and clears, and else is silent."""
    test = alert.test
    before_m = BEFORE_M if test.before_m is None else test.before_m
    fires_m = before_m + test.late_m + alert.for_m
    bad_m = test.late_m + alert.for_m + BEYOND_M
    clear_m = before_m + bad_m + test.lasts_m
    given = {**test.labels, **labels(plan, alert)}
    texts = {
        name: _expanded(text, given, test.shown) for name, text in annotated(plan, alert).items()
    }
    fired = {"exp_labels": given, "exp_annotations": texts}

    def at(minute: int, *expected: dict[str, Any]) -> dict[str, Any]:
        return {"eval_time": minutes(minute), "alertname": alert.name, "exp_alerts": list(expected)}

    name = f"{alert.name} of {given.get('service', plan.system)}"
    yield {
        "name": f"{name} fires after {alert.for_m} minutes and clears",
        "interval": "1m",
        "input_series": [
            _series(
                series,
                (series.fine, before_m),
                (series.fine if series.bad is None else series.bad, bad_m),
                (series.fine, test.lasts_m + AFTER_M),
            )
            for series in test.series
        ],
        "alert_rule_test": [
            at(fires_m - 1),
            at(fires_m, fired),
            at(clear_m),
        ],
    }
    yield {
        "name": f"{name} is silent below its threshold",
        "interval": "1m",
        "input_series": [
            _series(
                series,
                *([] if test.before_m is None else [(series.fine, before_m)]),
                (series.fine if series.edge is None else series.edge, fires_m + BEYOND_M),
            )
            for series in test.series
        ],
        "alert_rule_test": [at(fires_m), at(fires_m + BEYOND_M - 1)],
    }


def _expanded(text: str, given: Mapping[str, str], shown: str) -> str:
    """Put in what Prometheus would, so that a test knows the texts of a firing alert."""
    return VALUE.sub(lambda _: shown, LABEL.sub(lambda found: given.get(found[1], ""), text))


def _series(series: InputSeries, *stretches: tuple[float, int]) -> dict[str, str]:
    """Write the values of a series, one for each minute."""
    parts = tuple(Part(*stretch) for stretch in stretches)
    line = Line(series.series, parts, counter=series.counter, late=True)
    return {"series": series.series, "values": values(line)}
