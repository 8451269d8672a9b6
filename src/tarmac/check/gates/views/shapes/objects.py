"""The shape of each kind of Kubernetes object, as far as gates read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.check.gates.views.shapes.argo import APPLICATION, PROJECT, SETS
from tarmac.check.gates.views.shapes.canaries import CANARY, METRIC
from tarmac.check.gates.views.shapes.kinds import own_kind
from tarmac.check.gates.views.shapes.monitoring import GROUPS, MONITOR
from tarmac.check.gates.views.shapes.networking import (
    GATEWAY,
    INGRESS,
    MESH_ROUTE,
    POLICY,
    ROUTE,
    SERVICE,
)
from tarmac.check.gates.views.shapes.references import METADATA, REFERENCE, SELECTOR
from tarmac.check.gates.views.shapes.shape import (
    ANY,
    COUNT,
    QUANTITY,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    MapOf,
    Record,
    Shape,
)
from tarmac.check.gates.views.shapes.templates import shape_of_pods
from tarmac.check.gates.views.shapes.workloads import SCALER, WORKLOAD

_EXTERNAL_SECRET = Record(
    {
        "target": Record({"name": TEXT, "template": Record({"data": MapOf(ANY)})}),
        "data": ListOf(
            Record({"secretKey": TEXT, "remoteRef": Record({"key": TEXT, "property": TEXT})})
        ),
    }
)
_CHAOS = Record(
    {
        "experiments": ListOf(
            Record(
                {
                    "spec": Record(
                        {"probe": ListOf(Record({"name": TEXT, "runProperties": MapOf(SCALAR)}))}
                    )
                }
            )
        )
    }
)
_CODE = ListOf(Record({"engine": TEXT, "source": Record({"rego": TEXT})}))
#: The `spec` of each kind that gates read.
SPECS: dict[str, Shape] = {
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "Job", "CronJob"), WORKLOAD
    ),
    "Service": SERVICE,
    "NetworkPolicy": POLICY,
    "Ingress": INGRESS,
    "HTTPRoute": ROUTE,
    "VirtualService": MESH_ROUTE,
    "DestinationRule": MESH_ROUTE,
    "Canary": CANARY,
    "AnalysisTemplate": Record(
        {
            "metrics": ListOf(METRIC),
            "dryRun": ListOf(Record({"metricName": TEXT})),
            "args": ListOf(Record({"name": TEXT})),
        }
    ),
    "MetricTemplate": Record({"query": TEXT}),
    "Application": APPLICATION,
    "ApplicationSet": SETS,
    "AppProject": PROJECT,
    "PrometheusRule": Record({"groups": GROUPS}),
    "HorizontalPodAutoscaler": SCALER,
    "ScaledObject": SCALER,
    "PodDisruptionBudget": Record(
        {"selector": SELECTOR, "minAvailable": COUNT, "maxUnavailable": COUNT}
    ),
    "ServiceMonitor": MONITOR,
    "PodMonitor": MONITOR,
    "ExternalSecret": _EXTERNAL_SECRET,
    "Certificate": Record({"secretName": TEXT, "dnsNames": TEXTS}),
    "Gateway": GATEWAY,
    "ResourceQuota": Record({"hard": MapOf(QUANTITY)}),
    "ChaosEngine": _CHAOS,
    "IstioOperator": Record({"profile": TEXT}),
    "Schedule": Record({"schedule": TEXT}),
    "Composition": Record({"compositeTypeRef": REFERENCE}),
    "CompositeResourceDefinition": Record(
        {"group": TEXT, "names": Record({"kind": TEXT}), "claimNames": Record({"kind": TEXT})}
    ),
    "ConstraintTemplate": Record({"targets": ListOf(Record({"rego": TEXT, "code": _CODE}))}),
    "Provisioner": Record({}),
}
#: What other kinds have besides `spec`.
_OTHERS: dict[str, Mapping[str, Shape]] = {
    "ConfigMap": {"data": MapOf(ANY), "binaryData": MapOf(ANY)},
    "Secret": {"data": MapOf(ANY), "stringData": MapOf(ANY)},
    "RoleBinding": {"subjects": ListOf(REFERENCE), "roleRef": REFERENCE},
    "ClusterRoleBinding": {"subjects": ListOf(REFERENCE), "roleRef": REFERENCE},
    "Kustomization": {
        "namespace": TEXT,
        "resources": TEXTS,
        "patches": ListOf(Record({"patch": TEXT, "target": REFERENCE})),
    },
    "ClusterConfig": {"metadata": Record({"version": SCALAR})},
}


def shape_of(data: Mapping[str, Any]) -> Shape:
    """Give the shape of an object, of an unknown kind too."""
    kind = own_kind(data)
    fields: dict[str, Shape] = {"spec": SPECS[kind]} if kind in SPECS else {"spec": ANY}
    if kind not in SPECS:
        fields |= shape_of_pods(data)
    fields |= {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA}
    return Record({**fields, **_OTHERS.get(kind, {})})
