"""The shapes of Kubernetes objects, as far as gates read them."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.gates.views.shapes import (
    ANY,
    COUNT,
    DURATION,
    FLAG,
    INTEGER,
    LABELS,
    NETWORK,
    NUMBER,
    PORT,
    QUANTITY,
    SCALAR,
    TEXT,
    TEXTS,
    ListOf,
    MapOf,
    Record,
    Shape,
)  # fmt: skip

METADATA = Record(
    {
        "name": TEXT, "namespace": TEXT, "labels": LABELS, "annotations": LABELS,
        "finalizers": TEXTS, "description": TEXT,
    }
)  # fmt: skip
SELECTOR = Record(
    {
        "matchLabels": LABELS,
        "matchExpressions": ListOf(
            Record({"key": TEXT, "operator": TEXT, "values": ListOf(SCALAR)})
        ),
    }
)
REFERENCE = Record({"kind": TEXT, "name": TEXT, "apiVersion": TEXT})
_KEY = Record({"name": TEXT, "key": TEXT, "optional": FLAG})
_SOURCE = Record(
    {
        "name": TEXT, "secretName": TEXT, "optional": FLAG,
        "items": ListOf(Record({"key": TEXT, "path": TEXT})),
    }
)  # fmt: skip
_SOURCES: Mapping[str, Shape] = {"configMap": _SOURCE, "secret": _SOURCE}
_TOKEN: Mapping[str, Shape] = {
    "serviceAccountToken": Record({"audience": TEXT, "path": TEXT, "expirationSeconds": INTEGER})
}
_PROBE = Record(
    {
        "httpGet": Record({"path": TEXT, "port": PORT}),
        "tcpSocket": Record({"port": PORT}),
        "grpc": Record({"port": PORT}),
        "exec": Record({"command": TEXTS}),
        "timeoutSeconds": NUMBER,
        "periodSeconds": NUMBER,
    }
)
_AMOUNTS = Record({"cpu": QUANTITY, "memory": QUANTITY})
_CONTEXT = Record(
    {
        "runAsUser": INTEGER, "runAsNonRoot": FLAG, "seccompProfile": Record({"type": TEXT}),
        "capabilities": Record({"add": TEXTS, "drop": TEXTS}),
    }
)  # fmt: skip
_CONTAINER = Record(
    {
        "name": TEXT, "image": TEXT, "args": ListOf(SCALAR), "command": ListOf(SCALAR),
        "ports": ListOf(
            Record({"name": TEXT, "containerPort": INTEGER, "hostPort": INTEGER})
        ),
        "env": ListOf(
            Record(
                {
                    "name": TEXT,
                    "valueFrom": Record({"configMapKeyRef": _KEY, "secretKeyRef": _KEY}),
                }
            )
        ),
        "envFrom": ListOf(
            Record({"prefix": TEXT, "configMapRef": _KEY, "secretRef": _KEY})
        ),
        "volumeMounts": ListOf(Record({"name": TEXT, "mountPath": TEXT, "subPath": TEXT})),
        "resources": Record({"requests": _AMOUNTS, "limits": _AMOUNTS}),
        "securityContext": _CONTEXT,
        "startupProbe": _PROBE, "livenessProbe": _PROBE, "readinessProbe": _PROBE,
        "lifecycle": Record(
            {
                "preStop": Record(
                    {"sleep": Record({"seconds": NUMBER}), "exec": Record({"command": TEXTS})}
                )
            }
        ),
    }
)  # fmt: skip
_AFFINITY = ListOf(Record({"topologyKey": TEXT, "podAffinityTerm": Record({"topologyKey": TEXT})}))
TEMPLATE = Record(
    {
        "metadata": METADATA,
        "spec": Record(
            {
                "containers": ListOf(_CONTAINER),
                "initContainers": ListOf(_CONTAINER),
                "volumes": ListOf(
                    Record(
                        {
                            "name": TEXT,
                            **_SOURCES,
                            "projected": Record(
                                {"sources": ListOf(Record({**_SOURCES, **_TOKEN}))}
                            ),
                            "persistentVolumeClaim": Record({"claimName": TEXT}),
                        }
                    )
                ),
                "securityContext": _CONTEXT,
                "serviceAccountName": TEXT,
                "nodeSelector": LABELS,
                "terminationGracePeriodSeconds": NUMBER,
                "topologySpreadConstraints": ListOf(
                    Record({"topologyKey": TEXT, "labelSelector": SELECTOR})
                ),
                "affinity": Record({"podAntiAffinity": MapOf(_AFFINITY)}),
            }
        ),
    }
)
_ANALYSIS = Record({"templates": ListOf(Record({"templateName": TEXT, "clusterScope": FLAG}))})
_TRAFFIC = Record(
    {
        "managedRoutes": ListOf(Record({"name": TEXT})),
        "plugins": MapOf(Record({"httpRoutes": ListOf(Record({"name": TEXT}))})),
    }
)
_WORKLOAD = Record(
    {
        "replicas": INTEGER,
        "parallelism": INTEGER,
        "selector": SELECTOR,
        "template": TEMPLATE,
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
_PEER = Record(
    {
        "podSelector": SELECTOR,
        "namespaceSelector": SELECTOR,
        "ipBlock": Record({"cidr": NETWORK, "except": ListOf(NETWORK)}),
    }
)
_OPEN = ListOf(Record({"port": PORT, "endPort": INTEGER, "protocol": TEXT}))
_POLICY = Record(
    {
        "podSelector": SELECTOR,
        "policyTypes": TEXTS,
        "ingress": ListOf(Record({"from": ListOf(_PEER), "ports": _OPEN})),
        "egress": ListOf(Record({"to": ListOf(_PEER), "ports": _OPEN})),
    }
)
_SERVICE = Record(
    {
        "selector": LABELS,
        "ports": ListOf(Record({"name": TEXT, "port": INTEGER, "targetPort": PORT})),
    }
)
_BACKEND = Record(
    {"service": Record({"name": TEXT, "port": Record({"number": INTEGER, "name": TEXT})})}
)
_INGRESS = Record(
    {
        "rules": ListOf(
            Record(
                {
                    "host": TEXT,
                    "http": Record({"paths": ListOf(Record({"path": TEXT, "backend": _BACKEND}))}),
                }
            )
        ),
        "tls": ListOf(Record({"secretName": TEXT, "hosts": TEXTS})),
    }
)
_ENDPOINTS = ListOf(Record({"name": TEXT, "port": PORT, "kind": TEXT, "namespace": TEXT}))
_ROUTE = Record(
    {
        "parentRefs": ListOf(REFERENCE),
        "hostnames": TEXTS,
        "rules": ListOf(
            Record(
                {
                    "backendRefs": _ENDPOINTS,
                    "filters": ListOf(Record({"type": TEXT})),
                    "matches": ListOf(Record({"path": Record({"value": TEXT})})),
                }
            )
        ),
    }
)
_MESH_ROUTE = Record(
    {
        "hosts": TEXTS,
        "host": TEXT,
        "gateways": TEXTS,
        "http": ListOf(
            Record({"name": TEXT, "route": ListOf(Record({"destination": Record({})}))})
        ),
    }
)
_METRIC = Record(
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
_CANARY = Record(
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
                "maxWeight": INTEGER, "stepWeights": ListOf(INTEGER), "metrics": ListOf(_METRIC),
                "webhooks": ListOf(Record({"type": TEXT, "name": TEXT, "url": TEXT})),
            }
        ),
    }
)  # fmt: skip
_SOURCE_OF_APP = Record(
    {
        "path": TEXT, "repoURL": TEXT, "targetRevision": SCALAR, "chart": TEXT,
        "helm": Record({"valueFiles": TEXTS, "releaseName": TEXT}),
        "directory": Record({"recurse": FLAG, "include": TEXT, "exclude": TEXT}),
    }
)  # fmt: skip
_APPLICATION = Record(
    {
        "project": TEXT,
        "source": _SOURCE_OF_APP,
        "sources": ListOf(_SOURCE_OF_APP),
        "destination": Record({"namespace": TEXT, "server": TEXT, "name": TEXT}),
        "syncPolicy": Record(
            {
                "automated": Record({"prune": FLAG, "selfHeal": FLAG}),
                "syncOptions": TEXTS,
            }
        ),
        "ignoreDifferences": ListOf(
            Record({"kind": TEXT, "name": TEXT, "jsonPointers": TEXTS, "jqPathExpressions": TEXTS})
        ),
    }
)
_ALLOWED = ListOf(Record({"group": TEXT, "kind": TEXT}))
_PROJECT = Record(
    {
        "sourceRepos": TEXTS,
        "destinations": ListOf(Record({"namespace": TEXT, "server": TEXT})),
        "clusterResourceWhitelist": _ALLOWED,
        "namespaceResourceWhitelist": _ALLOWED,
    }
)
_SETS = Record(
    {
        "generators": ListOf(Record({"list": Record({"elements": ListOf(MapOf(ANY))})})),
        "template": Record({"metadata": METADATA, "spec": _APPLICATION}),
        "templatePatch": TEXT,
    }
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
_SCALER = Record(
    {
        "scaleTargetRef": REFERENCE, "minReplicas": INTEGER, "maxReplicas": INTEGER,
    }
)  # fmt: skip
_MONITOR_END = ListOf(Record({"port": TEXT, "targetPort": PORT}))
_MONITOR = Record(
    {
        "selector": SELECTOR,
        "namespaceSelector": Record({"matchNames": TEXTS, "any": FLAG}),
        "endpoints": _MONITOR_END,
        "podMetricsEndpoints": _MONITOR_END,
    }
)
_EXTERNAL_SECRET = Record(
    {
        "target": Record({"name": TEXT, "template": Record({"data": MapOf(ANY)})}),
        "data": ListOf(
            Record({"secretKey": TEXT, "remoteRef": Record({"key": TEXT, "property": TEXT})})
        ),
    }
)
_GATEWAY = Record(
    {
        "listeners": ListOf(
            Record(
                {
                    "hostname": TEXT,
                    "tls": Record({"certificateRefs": ListOf(Record({"name": TEXT}))}),
                }
            )
        )
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
        ("Deployment", "StatefulSet", "DaemonSet", "Rollout", "Job", "CronJob"), _WORKLOAD
    ),
    "Service": _SERVICE,
    "NetworkPolicy": _POLICY,
    "Ingress": _INGRESS,
    "HTTPRoute": _ROUTE,
    "VirtualService": _MESH_ROUTE,
    "DestinationRule": _MESH_ROUTE,
    "Canary": _CANARY,
    "AnalysisTemplate": Record(
        {
            "metrics": ListOf(_METRIC),
            "dryRun": ListOf(Record({"metricName": TEXT})),
            "args": ListOf(Record({"name": TEXT})),
        }
    ),
    "MetricTemplate": Record({"query": TEXT}),
    "Application": _APPLICATION,
    "ApplicationSet": _SETS,
    "AppProject": _PROJECT,
    "PrometheusRule": Record({"groups": GROUPS}),
    "HorizontalPodAutoscaler": _SCALER,
    "ScaledObject": _SCALER,
    "PodDisruptionBudget": Record(
        {"selector": SELECTOR, "minAvailable": COUNT, "maxUnavailable": COUNT}
    ),
    "ServiceMonitor": _MONITOR,
    "PodMonitor": _MONITOR,
    "ExternalSecret": _EXTERNAL_SECRET,
    "Certificate": Record({"secretName": TEXT, "dnsNames": TEXTS}),
    "Gateway": _GATEWAY,
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


def shape_of(kind: str) -> Shape:
    """Give the shape of an object of a kind, of an unknown one too."""
    fields: dict[str, Shape] = {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA}
    fields["spec"] = SPECS.get(kind, ANY)
    return Record({**fields, **_OTHERS.get(kind, {})})
