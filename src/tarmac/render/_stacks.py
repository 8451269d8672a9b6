"""Values for the published charts that keep logs and traces; metrics' are in _prometheus.

Each is what differs from the chart's own values, and why. Sizes are for a system of this size;
whoever has more raises them here, by a patch.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan import spans
from tarmac.plan.cluster import ClusterPlan

#: How long logs and traces are kept: a fortnight to look back on, a weekend for single requests.
LOGS_KEPT, TRACES_KEPT = "336h", "72h"
DISK = {"logs": "50Gi", "traces": "20Gi"}
#: Where a chart's release of that name listens.
LOKI = "http://loki-gateway.{space}.svc"
TRACES = {"tempo": "tempo", "jaeger": "jaeger"}

ALLOY_NOTES = (
    "Alloy is the successor of Promtail, which had its last release in March 2026",
    "(grafana.com/docs/loki/latest/send-data/promtail).",
)
OTEL_NOTES = (
    "Traces come in by OTLP, metrics stay with Prometheus and logs with Alloy.",
    "Services are given its address, OTEL_EXPORTER_OTLP_ENDPOINT: those of the kit send their",
    "spans there, of every trace unless OTEL_TRACES_SAMPLER says less.",
)

#: Every container's log of this node: labels by which it is found, and of a JSON line the level as
#: a label and the trace's id beside the line. Other values would make a stream each.
ALLOY = """\
discovery.kubernetes "pods" {
  role = "pod"
  selectors {
    role  = "pod"
    field = "spec.nodeName=" + coalesce(sys.env("HOSTNAME"), constants.hostname)
  }
}

discovery.relabel "pods" {
  targets = discovery.kubernetes.pods.targets
  rule {
    source_labels = ["__meta_kubernetes_namespace"]
    target_label  = "namespace"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_name"]
    target_label  = "pod"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_container_name"]
    target_label  = "container"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    target_label  = "service"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_uid", "__meta_kubernetes_pod_container_name"]
    separator     = "/"
    replacement   = "/var/log/pods/*$1/*.log"
    target_label  = "__path__"
  }
}

local.file_match "pods" {
  path_targets = discovery.relabel.pods.output
}

loki.source.file "pods" {
  targets    = local.file_match.pods.targets
  forward_to = [loki.process.pods.receiver]
}

loki.process "pods" {
  forward_to = [loki.write.loki.receiver]
  stage.cri { }
  stage.json {
    expressions = { level = "level", ts = "ts", trace_id = "trace_id" }
  }
  stage.labels {
    values = { level = "" }
  }
  stage.structured_metadata {
    values = { trace_id = "" }
  }
  stage.timestamp {
    source = "ts"
    format = "RFC3339Nano"
  }
}

loki.write "loki" {
  endpoint {
    url = "@LOKI@/loki/api/v1/push"
  }
}
"""


def loki(plan: ClusterPlan) -> dict[str, Any]:
    """Keep logs in one server with a disk: they outlive it, and its pod."""
    del plan
    away = {name: {"replicas": 0} for name in ("read", "write", "backend")}
    return {
        "deploymentMode": "Monolithic",
        "loki": {
            "auth_enabled": False,  # its only way in is the cluster's own network
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
            "persistence": {"enabled": True, "size": DISK["logs"]},
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
            "configMap": {"content": ALLOY.replace("@LOKI@", url)},
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


def tempo(plan: ClusterPlan) -> dict[str, Any]:
    """Keep traces in one server with a disk."""
    del plan
    return {
        "tempo": {
            "retention": TRACES_KEPT,
            "reportingEnabled": False,
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{spans.GRPC}"}}}},
            "resources": {
                "requests": {"cpu": "100m", "memory": "512Mi"},
                "limits": {"memory": "2Gi"},
            },
        },
        "persistence": {"enabled": True, "size": DISK["traces"]},
        "serviceMonitor": {"enabled": True},
    }


def jaeger(plan: ClusterPlan) -> dict[str, Any]:
    """Keep traces in Jaeger's memory: the last ones, and none over a restart."""
    del plan
    return {
        "userconfig": {
            "service": {
                "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["batch"],
                        "exporters": ["jaeger_storage_exporter"],
                    }
                },
            },
            "extensions": {
                "healthcheckv2": {"use_v2": True, "http": {"endpoint": "0.0.0.0:13133"}},
                "jaeger_storage": {"backends": {"last": {"memory": {"max_traces": 100000}}}},
                "jaeger_query": {"storage": {"traces": "last"}},
            },
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{spans.GRPC}"}}}},
            "processors": {"batch": {}},
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "last"}},
        },
        "storage": {"type": "memory"},
        "jaeger": {
            "resources": {
                "requests": {"cpu": "100m", "memory": "512Mi"},
                "limits": {"memory": "2Gi"},
            }
        },
    }


def _port(number: int) -> dict[str, Any]:
    return {"enabled": True, "containerPort": number, "servicePort": number}


def collector(plan: ClusterPlan) -> dict[str, Any]:
    """Take spans from services, and hand them on in batches."""
    observability = plan.settings.observability
    kept = TRACES[(observability and observability.traces) or "tempo"]
    space = plan.settings.monitoring
    return {
        "mode": "deployment",
        # What services are told to send to.
        "fullnameOverride": spans.COLLECTOR,
        "replicaCount": 2,
        "image": {"repository": "otel/opentelemetry-collector-k8s"},
        "presets": {"kubernetesAttributes": {"enabled": True}},
        "config": {
            "receivers": {
                "otlp": {
                    "protocols": {
                        "grpc": {"endpoint": f"${{env:MY_POD_IP}}:{spans.GRPC}"},
                        "http": {"endpoint": f"${{env:MY_POD_IP}}:{spans.HTTP}"},
                    }
                },
                "jaeger": None,
                "zipkin": None,
                "prometheus": None,
            },
            "processors": {
                # First of all: refuse what there is no room for before it is taken in.
                "memory_limiter": {
                    "check_interval": "1s",
                    "limit_percentage": 80,
                    "spike_limit_percentage": 25,
                },
                "batch": {"timeout": "5s", "send_batch_size": 1024},
            },
            "exporters": {
                "debug": None,
                f"otlp/{kept}": {
                    "endpoint": f"{kept}.{space}.svc:{spans.GRPC}",
                    "tls": {"insecure": True},  # inside the namespace
                },
            },
            "service": {
                "pipelines": {
                    "logs": None,
                    "metrics": None,
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["memory_limiter", "k8s_attributes", "batch"],
                        "exporters": [f"otlp/{kept}"],
                    },
                }
            },
        },
        "ports": {
            **{f"jaeger-{each}": {"enabled": False} for each in ("compact", "thrift", "grpc")},
            "zipkin": {"enabled": False},
            "metrics": {"enabled": True},
            **{
                name: _port(port)
                for name, port in (("otlp", spans.GRPC), ("otlp-http", spans.HTTP))
            },
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "512Mi"},
        },
        "serviceMonitor": {"enabled": True},
    }
