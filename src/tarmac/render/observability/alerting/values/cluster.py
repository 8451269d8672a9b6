"""Values of alerts on what the cluster does, and on exporters that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tarmac.base import signals
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import environment
from tarmac.render.kubernetes.parts import configs
from tarmac.render.kubernetes.parts.external_secrets import EVERY
from tarmac.render.kubernetes.parts.hosts import hosts
from tarmac.render.observability.alerting.alert import Alert
from tarmac.render.observability.alerting.subjects import either
from tarmac.render.texts import Values

METRIC = re.compile(r"[a-z_:][a-z0-9_:]*")


def system(plan: ClusterPlan) -> Iterator[Values]:
    """Give the system as a whole: what is common to all alerts is enough."""
    del plan
    yield {}


def autoscalers(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services with an autoscaler."""
    found = [service for service in plan.services if service.scale.automatic]
    if found:
        limit = found[0].scale.most
        yield {
            "services": either(service.name for service in found),
            "example": found[0].name,
            "limit": str(limit),
            "below_limit": str(limit - 1),
        }


def certificates(plan: ClusterPlan) -> Iterator[Values]:
    """Give the certificate of the ingress that cert-manager issues.

    A certificate without an issuer is not cert-manager's: nothing measures when it ends.
    """
    ingress, names = plan.settings.ingress, tuple(hosts(plan))
    if ingress.tls and ingress.issuer and names:
        yield {
            "hosts": ", ".join(names),
            "first_host": names[0],
            "secret": ingress.tls,
            "issued": f"{plan.namespace}|{ingress.namespace}",
        }


def outside_secrets(plan: ClusterPlan) -> Iterator[Values]:
    """Give the store outside of the cluster that Secrets are filled from."""
    if plan.settings.secrets == "script":
        return
    holders = [one for one in plan.workloads if configs.secrets_in(one) or configs.leased_in(one)]
    if holders:
        by_cloud = "AWS Secrets Manager" if plan.settings.cloud == "aws" else "the store of secrets"
        source = "Vault" if plan.settings.secrets == "vault" else by_cloud
        yield {"source": source, "example": configs.secret_name(holders[0].name), "every": EVERY}


def _canaries(plan: ClusterPlan, by: str) -> Iterator[Values]:
    rollout = plan.settings.rollout
    if rollout is None or rollout.by != by:
        return
    with_objective = tuple(dict.fromkeys(objective.service for objective in plan.objectives))
    services = rollout.services or with_objective
    yield {
        "names": either(services),
        "services": ", ".join(services),
        "example": services[0],
        "success": f"{rollout.success:g}",
        "p99": f"{rollout.p99:g}",
    }


def flagger_canaries(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services whose canaries Flagger manages."""
    yield from _canaries(plan, "flagger")


def argo_canaries(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services whose canaries Argo Rollouts manages."""
    yield from _canaries(plan, "argo")


def applications(plan: ClusterPlan) -> Iterator[Values]:
    """Give the project of the system's applications in Argo CD."""
    if plan.settings.gitops is not None and environment.repository(plan):
        yield {"project": environment.project(plan)}


def exporters(alerts: Iterable[Alert]) -> Iterator[Values]:
    """Give each exporter that alerts need, with the metric that is there as soon as it is."""
    known = signals.read()
    present = {signal.exporter: signal.name for signal in known.values() if signal.present}
    needing = dict[str, set[str]]()
    for alert in alerts:
        for metric in {*METRIC.findall(alert.expr)} & known.keys():
            if known[metric].exporter in present:
                needing.setdefault(known[metric].exporter, set()).add(alert.name)
    for exporter, names in sorted(needing.items()):
        yield {
            "exporter": exporter,
            "metric": present[exporter],
            "blind": ", ".join(sorted(names)),
            "others": tuple({"other": present[e]} for e in sorted(needing) if e != exporter),
        }


VALUES = {
    "system": system,
    "autoscalers": autoscalers,
    "certificates": certificates,
    "outside_secrets": outside_secrets,
    "flagger_canaries": flagger_canaries,
    "argo_canaries": argo_canaries,
    "applications": applications,
}
