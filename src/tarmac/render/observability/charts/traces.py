"""Values for the published charts that keep traces: the collector, Tempo, Jaeger.

Each is what differs from the chart's own values, and why. Sizes are for a system of this size;
larger systems raise them here, by a patch.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan import spans
from tarmac.plan.cluster import ClusterPlan

#: How long traces are kept: a weekend for single requests.
TRACES_KEPT = "72h"
DISK = "20Gi"
#: Where a chart's release of that name listens.
TRACES = {"tempo": "tempo", "jaeger": "jaeger"}
OTEL_NOTES = (
    "Traces come in by OTLP, metrics stay with Prometheus and logs with Alloy.",
    "Services are given its address, OTEL_EXPORTER_OTLP_ENDPOINT: those of the kit send their",
    "spans there, of every trace unless OTEL_TRACES_SAMPLER says less.",
)


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
        "persistence": {"enabled": True, "size": DISK},
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
        # Where services send to.
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
            **{
                f"jaeger-{protocol}": {"enabled": False}
                for protocol in ("compact", "thrift", "grpc")
            },
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
