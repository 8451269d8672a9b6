"""Values for the published charts that keep logs: Loki, and Alloy, which reads them.

Each is what differs from the chart's own values, and why. Sizes are for a system of this size;
larger systems raise them here, by a patch.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset

#: How long logs are kept: a fortnight to look back on.
LOGS_KEPT = "336h"
DISK = "50Gi"
#: Where a chart's release of that name listens.
LOKI = "http://loki-gateway.{space}.svc"
ALLOY_NOTES = (
    "Alloy is the successor of Promtail, which had its last release in March 2026",
    "(grafana.com/docs/loki/latest/send-data/promtail).",
)
#: Every container's log of this node: labels by which it is found, and of a JSON line the level as
#: a label and the trace's id beside the line. Other values would make a stream each.
ALLOY = "observability/logs.alloy"


def loki(plan: ClusterPlan) -> dict[str, Any]:
    """Keep logs in one server with a disk: they outlive it, and its pod."""
    del plan
    away = {name: {"replicas": 0} for name in ("read", "write", "backend")}
    return {
        "deploymentMode": "Monolithic",
        "loki": {
            "auth_enabled": False,  # it is reachable from the cluster's own network only
            "commonConfig": {"replication_factor": 1},
            "storage": {"type": "filesystem"},
            "schemaConfig": {
                "configs": [
                    {
                        "from": "2024-04-01",
                        "store": "tsdb",
                        "object_store": "filesystem",
                        "schema": "v13",
                        "index": {"prefix": "loki_index_", "period": "24h"},
                    }
                ]
            },
            "limits_config": {"retention_period": LOGS_KEPT, "allow_structured_metadata": True},
            # Without the compactor's own word nothing is ever deleted.
            "compactor": {"retention_enabled": True, "delete_request_store": "filesystem"},
            "analytics": {"reporting_enabled": False},
        },
        "singleBinary": {
            "replicas": 1,
            "persistence": {"enabled": True, "size": DISK},
            "resources": {
                "requests": {"cpu": "250m", "memory": "512Mi"},
                "limits": {"memory": "2Gi"},
            },
        },
        **away,
        # Two caches of gigabytes are for many times these logs.
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
        "monitoring": {"serviceMonitor": {"enabled": True}},
    }


def alloy(plan: ClusterPlan) -> dict[str, Any]:
    """Read every container's log where it is written, on each node."""
    url = LOKI.format(space=plan.settings.monitoring)
    return {
        "alloy": {
            "configMap": {"content": asset(ALLOY).replace("@LOKI@", url)},
            "mounts": {"varlog": True},
            "enableReporting": False,
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"memory": "512Mi"},
            },
        },
        # One for each node, those for other work among them.
        "controller": {"type": "daemonset", "tolerations": [{"operator": "Exists"}]},
        "serviceMonitor": {"enabled": True},
    }
