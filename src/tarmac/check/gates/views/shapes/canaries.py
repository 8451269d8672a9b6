"""The shapes of Flagger's Canaries and of what is asked about new versions."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.references import REFERENCE
from tarmac.check.gates.views.shapes.shape import (
    DURATION,
    INTEGER,
    LABELS,
    NUMBER,
    TEXT,
    TEXTS,
    ListOf,
    Record,
)

METRIC = Record(
    {
        "name": TEXT,
        "interval": DURATION,
        "query": TEXT,
        "templateRef": REFERENCE,
        "thresholdRange": Record({"min": NUMBER, "max": NUMBER}),
        "provider": Record({"prometheus": Record({"query": TEXT})}),
        "failureLimit": INTEGER,
    }
)
CANARY = Record(
    {
        "targetRef": REFERENCE,
        "autoscalerRef": REFERENCE,
        "provider": TEXT,
        "service": Record(
            {
                "name": TEXT, "port": INTEGER, "portName": TEXT, "hosts": TEXTS, "gateways": TEXTS,
                "match": ListOf(Record({"uri": Record({"prefix": TEXT})})),
                "primary": Record({"labels": LABELS}),
                "trafficPolicy": Record({}),
            }
        ),
        "analysis": Record(
            {
                "interval": DURATION, "threshold": INTEGER, "stepWeight": INTEGER,
                "maxWeight": INTEGER, "stepWeights": ListOf(INTEGER), "metrics": ListOf(METRIC),
                "webhooks": ListOf(Record({"type": TEXT, "name": TEXT, "url": TEXT})),
            }
        ),
    }
)  # fmt: skip
