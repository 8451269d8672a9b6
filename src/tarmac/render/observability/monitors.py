"""Where metrics are read: a ServiceMonitor for each service and store that has some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model import conventions
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.metadata import COMPONENT, NAME, an_object, selector
from tarmac.render.renderer import Renderer

#: Where Prometheus has its certificate of the mesh: the mount of assets/mesh/prometheus.yaml.
CERTIFICATES = "/etc/prom-certs"
MESH_NOTES = (
    "The mesh refuses plain text, so Prometheus needs a certificate of its own: the values of",
    "kube-prometheus-stack give it one. A pod's certificate names an account and no host.",
)


def _encrypted(plan: ClusterPlan) -> dict[str, Any]:
    """Ask a pod of the mesh with a certificate."""
    if not plan.settings.mesh:
        return {}
    return {
        "scheme": "https",
        "tlsConfig": {
            "caFile": f"{CERTIFICATES}/root-cert.pem",
            "certFile": f"{CERTIFICATES}/cert-chain.pem",
            "keyFile": f"{CERTIFICATES}/key.pem",
            "insecureSkipVerify": True,
        },
    }


def monitor(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Make Prometheus scrape a service, on the port that its policy opens for metrics."""
    port = next(name for name, number in workload.ports.items() if number == workload.metrics)
    selected = selector(workload.name)
    if rollout_controller(plan, workload.name) == "argo":
        # Not by the Services of its two revisions as well: each pod would be counted twice.
        selected |= {COMPONENT: workload.role}
    spec = {
        # The label `job` is the service's name, as its dashboards and rules know it.
        "jobLabel": NAME,
        "selector": {"matchLabels": selected},
        "endpoints": [
            {
                "port": port,
                "path": conventions.METRICS_PATH,
                "interval": "30s",
                "scrapeTimeout": "10s",
                **_encrypted(plan),
            }
        ],
    }
    api, kind = "monitoring.coreos.com/v1", "ServiceMonitor"
    notes = MESH_NOTES if plan.settings.mesh else ()
    return an_object(plan, api, kind, workload.name, {"spec": spec}, of=workload, notes=notes)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a monitor for each service and store with metrics; a worker has a Service for it."""
    for workload in plan.workloads:
        if workload.metrics is not None:
            yield monitor(plan, workload)


RENDERER = Renderer(
    id="k8s-monitors",
    phase="observability",
    title="ServiceMonitor of each service and store with metrics",
    render=render,
)
