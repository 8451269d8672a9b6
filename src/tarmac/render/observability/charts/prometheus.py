"""Values for kube-prometheus-stack: Prometheus with its operator, Alertmanager and Grafana."""

from __future__ import annotations

from typing import Any

from tarmac.model.value import duration
from tarmac.plan.cluster import ClusterPlan
from tarmac.slo.measured import MeasuredObjective

DAY_S = 86400
#: What is kept by default.
LEAST_S = 15 * DAY_S
#: Beyond the longest window: on a Monday the one that ended on Friday is still there as a whole.
BEYOND_S = 3 * DAY_S
DISK = {"metrics": "50Gi", "alerts": "5Gi", "grafana": "10Gi"}
#: Of that disk: the write-ahead log and a compaction under way need the rest.
FULL_AT = "45GB"
#: A cloud that runs the control plane does not expose these.
HIDDEN = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")

NOTES = (
    "It takes every monitor and rule of every namespace, of any owner: the chart's own choice",
    "would be those with its release's label, and none of a system's.",
    "Grafana's first user is in the Secret that `admin` names: make it before you install.",
)


def kept_s(plan: ClusterPlan) -> float:
    """Return how long metrics are kept: an error budget is wrong over a window that is cut off."""
    observability = plan.settings.observability
    if observability and observability.retention is not None:
        return observability.retention
    objectives = (MeasuredObjective(wanted, plan.namespace) for wanted in plan.objectives)
    longest_s = max((objective.longest_s for objective in objectives), default=0)
    return max(LEAST_S, longest_s + BEYOND_S)


def stack(plan: ClusterPlan, alertmanager: dict[str, Any] | None = None) -> dict[str, Any]:
    """Watch the cluster, and keep what it says.

    Args:
        alertmanager: receivers and routes, as the values of this chart.
    """
    hidden = HIDDEN if plan.settings.cloud else ()
    return {
        "prometheus": {
            "prometheusSpec": {
                "retention": duration(kept_s(plan)),
                "retentionSize": FULL_AT,
                "scrapeInterval": "30s",
                "evaluationInterval": "30s",
                "externalLabels": {"system": plan.system, "environment": plan.environment},
                **_everything("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"),
                "storageSpec": _disk(DISK["metrics"]),
                "resources": {
                    "requests": {"cpu": "250m", "memory": "1Gi"},
                    "limits": {"memory": "3Gi"},
                },
            }
        },
        "alertmanager": _alertmanager(alertmanager or {}),
        "grafana": {
            "enabled": True,
            "admin": {
                "existingSecret": f"{plan.system}-grafana",
                "userKey": "admin-user",
                "passwordKey": "admin-password",
            },
            "persistence": {"enabled": True, "size": DISK["grafana"]},
            # With a disk that one pod has, the new one waits for the old one to go.
            "deploymentStrategy": {"type": "Recreate"},
            "defaultDashboardsTimezone": "utc",
            "grafana.ini": {
                "server": {"root_url": f"https://grafana.{plan.domain}"},
                "analytics": {"reporting_enabled": False, "check_for_updates": False},
            },
            "sidecar": {
                "dashboards": {
                    "enabled": True,
                    "label": "grafana_dashboard",
                    "labelValue": "1",
                    "folderAnnotation": "grafana_folder",
                    "searchNamespace": "ALL",
                    "provider": {"foldersFromFilesStructure": True},
                }
            },
            "additionalDataSources": _sources(plan),
        },
        **{name: {"enabled": False} for name in hidden},
    }


def _alertmanager(more: dict[str, Any]) -> dict[str, Any]:
    spec = {"storage": _disk(DISK["alerts"]), **more.get("alertmanagerSpec", {})}
    return {"enabled": True, **more, "alertmanagerSpec": spec}


def _everything(*kinds: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds:
        found[f"{kind}SelectorNilUsesHelmValues"] = False
        found[f"{kind}Selector"] = found[f"{kind}NamespaceSelector"] = {}
    return found


def _disk(size: str) -> dict[str, Any]:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"volumeClaimTemplate": {"spec": claim}}


def _sources(plan: ClusterPlan) -> list[dict[str, Any]]:
    """List what Grafana asks besides Prometheus; a log line leads to its trace."""
    observability, space = plan.settings.observability, plan.settings.monitoring
    found: list[dict[str, Any]] = []
    traces = observability.traces if observability else None
    if observability and observability.logs:
        field = {
            "name": "trace_id",
            "matcherType": "label",
            "matcherRegex": "trace_id",
            "datasourceUid": traces,
            "url": "$${__value.raw}",
        }
        found.append(
            {
                "name": "Loki",
                "uid": "loki",
                "type": "loki",
                "access": "proxy",
                "url": f"http://loki-gateway.{space}.svc",
                **({"jsonData": {"derivedFields": [field]}} if traces else {}),
            }
        )
    if traces:
        port = {"tempo": 3200, "jaeger": 16686}[traces]
        found.append(
            {
                "name": traces.capitalize(),
                "uid": traces,
                "type": traces,
                "access": "proxy",
                "url": f"http://{traces}.{space}.svc:{port}",
            }
        )
    return found
