"""The shapes of what makes pods, and of what sets their number."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.pods import TEMPLATE
from tarmac.check.gates.views.shapes.references import METADATA, REFERENCE, SELECTOR
from tarmac.check.gates.views.shapes.shape import FLAG, INTEGER, PORT, TEXT, ListOf, MapOf, Record

_ANALYSIS = Record({"templates": ListOf(Record({"templateName": TEXT, "clusterScope": FLAG}))})
_TRAFFIC = Record(
    {
        "managedRoutes": ListOf(Record({"name": TEXT})),
        "plugins": MapOf(Record({"httpRoutes": ListOf(Record({"name": TEXT}))})),
    }
)
WORKLOAD = Record(
    {
        "replicas": INTEGER,
        "parallelism": INTEGER,
        "selector": SELECTOR,
        "template": TEMPLATE,
        "volumeClaimTemplates": ListOf(Record({"metadata": METADATA})),
        "workloadRef": REFERENCE,
        "strategy": Record(
            {
                "rollingUpdate": Record({"maxSurge": PORT, "maxUnavailable": PORT}),
                "canary": Record(
                    {
                        "steps": ListOf(Record({"setWeight": INTEGER, "analysis": _ANALYSIS})),
                        "analysis": _ANALYSIS,
                        "canaryService": TEXT,
                        "stableService": TEXT,
                        "trafficRouting": _TRAFFIC,
                    }
                ),
            }
        ),
        "jobTemplate": Record({"spec": Record({"template": TEMPLATE})}),
    }
)
SCALER = Record(
    {
        "scaleTargetRef": REFERENCE, "minReplicas": INTEGER, "maxReplicas": INTEGER,
    }
)  # fmt: skip
