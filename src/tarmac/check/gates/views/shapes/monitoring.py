"""The shapes of what Prometheus and Alertmanager read."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.references import SELECTOR
from tarmac.check.gates.views.shapes.shape import (
    ANY,
    FLAG,
    LABELS,
    PORT,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    MapOf,
    Record,
)

GROUPS = ListOf(
    Record(
        {
            "name": TEXT,
            "rules": ListOf(
                Record(
                    {
                        "record": TEXT, "alert": TEXT, "expr": SCALAR, "labels": LABELS,
                        "annotations": LABELS,
                    }
                )
            ),
        }
    )
)  # fmt: skip
#: A file of rules for Prometheus.
RULES = Record({"groups": GROUPS})
#: A file of unit tests for rules.
TESTS = Record(
    {
        "tests": ListOf(
            Record(
                {"alert_rule_test": ListOf(Record({"alertname": TEXT, "exp_alerts": ListOf(ANY)}))}
            )
        )
    }
)
_MONITOR_END = ListOf(Record({"port": TEXT, "targetPort": PORT, "portNumber": PORT}))
MONITOR = Record(
    {
        "selector": SELECTOR,
        "namespaceSelector": Record({"matchNames": TEXTS, "any": FLAG}),
        "endpoints": _MONITOR_END,
        "podMetricsEndpoints": _MONITOR_END,
    }
)
_MATCHERS = ListOf(SCALAR)
_RECEIVER = MapOf(ANY)
#: Alertmanager's configuration; a route has routes, as deep as ours go.
_LAST_ROUTE = Record({"receiver": TEXT, "matchers": _MATCHERS})
_ROUTES = ListOf(Record({"receiver": TEXT, "matchers": _MATCHERS, "routes": ListOf(_LAST_ROUTE)}))
ALERTMANAGER = Record(
    {
        "receivers": ListOf(_RECEIVER),
        "route": Record({"receiver": TEXT, "matchers": _MATCHERS, "routes": _ROUTES}),
        "inhibit_rules": ListOf(
            Record({"source_matchers": _MATCHERS, "target_matchers": _MATCHERS, "equal": TEXTS})
        ),
    }
)
#: The values of the chart kube-prometheus-stack.
STACK = Record(
    {
        "prometheus": Record(
            {
                "prometheusSpec": Record(
                    {
                        "retention": SCALAR,
                        "serviceMonitorSelector": SELECTOR,
                        "serviceMonitorNamespaceSelector": SELECTOR,
                    }
                )
            }
        )
    }
)
