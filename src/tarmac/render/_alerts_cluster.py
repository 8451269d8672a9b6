"""Alerts on what the cluster does: pods at their most, jobs, certificates, canaries, the sync.

Also that what other alerts ask for is measured at all: one without its metric would never fire.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from tarmac import signals
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _argocd
from tarmac.render._alert import Alert, Book, Line, Trial, either
from tarmac.render._hosts import hosts

#: cert-manager renews at two thirds of a certificate's life, of 90 days 30 before its end
#: (cert-manager.io/docs/usage/certificate: renewBefore): nine later it has failed many times.
RENEW_D, EXPIRES_D = 21, 7
DAY_S = 86400
#: flagger_canary_status: 0 runs, 1 succeeded, 2 failed (docs.flagger.app/usage/monitoring).
FAILED = 2
#: Of what is measured outside the system, and brought by what is rendered, the metric that is there
#: as soon as its exporter is. What nothing brings is OBS014's: an alert that fires from a cluster's
#: first day teaches people to look away.
ALWAYS = {
    "kube-state-metrics": "kube_pod_container_status_restarts_total",
    "kubelet": "kubelet_volume_stats_capacity_bytes",
    "postgres-exporter": "pg_up",
    "redis-exporter": "redis_up",
    "mongodb-exporter": "mongodb_up",
    "rabbitmq": "rabbitmq_queue_messages_ready",
    "kafka-exporter": "kafka_brokers",
    "nats-exporter": "gnatsd_healthz_status_value",
    "cert-manager": "certmanager_certificate_expiration_timestamp_seconds",
    "flagger": "flagger_canary_status",
    "argo-rollouts": "rollout_info",
    "argo-cd": "argocd_app_info",
}
METRIC = re.compile(r"[a-z_:][a-z0-9_:]*")


def _kubectl(plan: ClusterPlan, what: str) -> str:
    return f"kubectl -n {plan.namespace} {what}"


def scaled(plan: ClusterPlan) -> Iterator[Alert]:
    """Autoscalers that can add no more."""
    names = [each.name for each in plan.services if each.scale.automatic]
    if not names:
        return
    own = f'namespace="{plan.namespace}",horizontalpodautoscaler=~"{either(tuple(names))}"'
    now = f"kube_horizontalpodautoscaler_status_current_replicas{{{own}}}"
    most = f"kube_horizontalpodautoscaler_spec_max_replicas{{{own}}}"
    name = names[0]
    one = f'namespace="{plan.namespace}",horizontalpodautoscaler="{name}"'
    limit = plan.workload(name).scale.most
    yield Alert(
        name="ScaledToMost",
        severity="warning",
        expr=f'label_replace(max by (horizontalpodautoscaler) ({now} >= {most}), "service", "$1", '
        '"horizontalpodautoscaler", "(.+)")',
        for_m=15,  # kubernetes-mixin: KubeHpaMaxedOut
        summary="{{ $labels.service }} has as many pods as it may",
        description="{{ $labels.service }} has had its {{ $value | humanize }} pods for a quarter "
        "of an hour; there will be no more, whatever comes.",
        trial=Trial(
            (
                Line(
                    f"kube_horizontalpodautoscaler_status_current_replicas{{{one}}}",
                    1,
                    limit,
                    limit - 1,
                ),
                Line(f"kube_horizontalpodautoscaler_spec_max_replicas{{{one}}}", limit),
            ),
            {"service": name, "horizontalpodautoscaler": name},
            shown=str(limit),
        ),
        book=Book(
            "The autoscaler is at `maxReplicas` and would add more.",
            "Nobody yet; with more traffic answers get slow.",
            (
                ("What it measures", _kubectl(plan, "describe hpa $SERVICE")),
                (
                    "The traffic: ask Prometheus",
                    (
                        f'sum(rate(http_requests_total{{namespace="{plan.namespace}",'
                        'service="$SERVICE"}[5m]))'
                    ),
                ),
            ),
            (
                "More traffic than was planned for.",
                "A version that needs more CPU for each request.",
            ),
            (
                (
                    "Raise `replicas.max` in the model, render, and see that the quota holds it "
                    "(`tarmac verify` does: SCL gates)."
                ),
                "A version that came today: take it back.",
            ),
            "An objective's alert fires as well.",
        ),
    )


def jobs(plan: ClusterPlan) -> Iterator[Alert]:
    """Jobs of the cluster that failed: migrations, set-ups, tasks."""
    own = f'namespace="{plan.namespace}"'
    yield Alert(
        name="JobFailed",
        severity="warning",
        expr=f"max by (job_name) (kube_job_status_failed{{{own}}}) > 0",
        for_m=1,
        service=plan.system,
        summary="The job {{ $labels.job_name }} failed",
        description="Pods of the job {{ $labels.job_name }} failed {{ $value | humanize }} times.",
        trial=Trial(
            (
                Line(
                    f'kube_job_status_failed{{{own},job_name="migrate",reason="BackoffLimitExceeded"}}',
                    0,
                    1,
                    0,
                ),
            ),
            {"job_name": "migrate"},
            shown="1",
        ),
        book=Book(
            "A job that runs once (a migration, a store's set-up) or on a schedule failed.",
            "A rollout that waits for its migration stands still; what runs goes on.",
            (
                ("The jobs and what they say", _kubectl(plan, "get jobs")),
                ("Its log", _kubectl(plan, "logs job/JOB --all-containers --tail=100")),
            ),
            (
                "The store was not there: it is tried again with the next rollout.",
                "A migration does not fit the data: the log has the statement.",
            ),
            (
                f"Run it again: `{_kubectl(plan, 'delete job JOB')}`, then sync or apply it.",
                "Never mend tables by hand for a migration: write one more.",
            ),
            "A migration failed halfway on production's data.",
        ),
    )


def certificates(plan: ClusterPlan) -> Iterator[Alert]:
    """Certificates that were not renewed."""
    way = plan.settings.ingress
    # One that is made by hand is no cert-manager's: nothing would ever say when it ends.
    if not (way.tls and way.issuer and hosts(plan)):
        return
    ends = "certmanager_certificate_expiration_timestamp_seconds"
    names = ", ".join(hosts(plan))
    issued = f"{plan.namespace}|{way.namespace}"
    own = f'exported_namespace=~"{issued}"'
    series = f'{ends}{{exported_namespace="{plan.namespace}",name="{way.tls}"}}'
    book = Book(
        f"The certificate of {names} was not renewed in time.",
        "Nobody until it ends; from then on everybody: browsers refuse the page.",
        (
            ("The certificates", "kubectl get certificates -A"),
            ("Why it is not issued", "kubectl describe certificaterequests,orders,challenges -A"),
            (
                "What is really served",
                (
                    f"echo | openssl s_client -connect {next(iter(hosts(plan)))}:443 "
                    "2>/dev/null | openssl x509 -noout -enddate"
                ),
            ),
        ),
        (
            "The challenge cannot be answered: DNS or the route of /.well-known changed.",
            "The issuer's account or its limits (Let's Encrypt: five the same in a week).",
            "cert-manager does not run.",
        ),
        (
            "Mend the challenge, then `cmctl renew NAME` (or delete the CertificateRequest).",
            (f"Hours left: put a certificate from elsewhere into the Secret `{way.tls}`."),
        ),
        "Less than three days are left.",
    )
    # A trial begins at the epoch, in the year 1970: what is left is what the series says.
    for name, severity, days in (
        ("CertificateExpires", "critical", EXPIRES_D),
        ("CertificateNotRenewed", "warning", RENEW_D),
    ):
        yield Alert(
            name=name,
            severity=severity,  # type: ignore[arg-type]
            expr=f"min by (name) ({ends}{{{own}}}) - time() < {days * DAY_S}",
            for_m=60,
            service=plan.system,
            summary="The certificate {{ $labels.name }} was not renewed",
            description="{{ $labels.name }} ends in {{ $value | humanizeDuration }}.",
            trial=Trial(
                (Line(series, 80 * DAY_S, days * DAY_S - 3000, days * DAY_S + 3 * DAY_S),),
                {"name": way.tls},
                shown=f"{days - 1}d 22h 0m 0s",
            ),
            book=book,
        )


def canaries(plan: ClusterPlan) -> Iterator[Alert]:
    """New versions that were tried and taken back."""
    rollout = plan.settings.rollout
    if rollout is None:
        return
    services = rollout.services or tuple(dict.fromkeys(o.service for o in plan.objectives))
    name = services[0]
    by = {
        "flagger": (
            f'max by (name) (flagger_canary_status{{name=~"{either(services)}"}}) == {FAILED}',
            Line(f'flagger_canary_status{{name="{name}",namespace="{plan.namespace}"}}', 1, 2, 0),
            ("How it went", _kubectl(plan, "describe canary $SERVICE")),
        ),
        "argo": (
            f'max by (name) (rollout_info{{name=~"{either(services)}",phase="Degraded"}}) == 1',
            Line(
                f'rollout_info{{name="{name}",namespace="{plan.namespace}",phase="Degraded"}}',
                0,
                1,
                0,
            ),
            ("How it went", _kubectl(plan, "argo rollouts get rollout $SERVICE")),
        ),
    }
    expr, line, look = by[rollout.by]
    yield Alert(
        name="CanaryAborted",
        severity="warning",
        expr=f'label_replace({expr}, "service", "$1", "name", "(.+)")',
        for_m=1,
        summary="The new version of {{ $labels.service }} was taken back",
        description="The canary of {{ $labels.service }} was worse than it may be; all traffic "
        "goes to the version before it.",
        trial=Trial((line,), {"service": name, "name": name}),
        book=Book(
            f"A new version of {', '.join(services)} was tried on a part of the traffic, and less "
            f"than {rollout.success:g} % of its answers were good or it was slower than "
            f"{rollout.p99:g} s (p99).",
            "The part of the users that met it, until it was taken back. Now nobody.",
            (
                look,
                (
                    "What the new version said",
                    _kubectl(
                        plan, "logs -l app.kubernetes.io/name=$SERVICE --since=1h | grep -i error"
                    ),
                ),
            ),
            (
                "The version is worse.",
                "There was too little traffic to judge: the analysis says `no values`.",
                "A store or another service was ill meanwhile: look which alerts fired.",
            ),
            (
                (
                    "Nothing is urgent: the old version serves. Revert the commit, so that the "
                    "next sync does not try it again."
                ),
                "It was not the version: try once more"
                + (
                    " (`kubectl argo rollouts retry rollout $SERVICE`)."
                    if rollout.by == "argo"
                    else "."
                ),
            ),
            "The old version is ill too.",
        ),
    )


def synced(plan: ClusterPlan) -> Iterator[Alert]:
    """Applications that Argo CD does not get equal to the repository."""
    if plan.settings.gitops is None or not _argocd.repository(plan):
        return
    own = f'project="{_argocd.project(plan)}",dest_namespace="{plan.namespace}"'
    yield Alert(
        name="NotSynced",
        severity="warning",
        expr=f'max by (name) (argocd_app_info{{{own},sync_status!="Synced"}}) == 1',
        for_m=15,
        service=plan.system,
        summary="{{ $labels.name }} is not what the repository says",
        description="Argo CD does not get {{ $labels.name }} equal to its repository.",
        trial=Trial(
            (
                Line(f'argocd_app_info{{{own},name="app",sync_status="OutOfSync"}}', 0, 1, 0),
                Line(f'argocd_app_info{{{own},name="other",sync_status="Synced"}}', 1),
            ),
            {"name": "app"},
        ),
        book=Book(
            "What runs is not what was committed, for a quarter of an hour.",
            "Nobody by itself; the change that somebody waits for is not there.",
            (
                ("What differs, and why it fails", "argocd app get NAME"),
                ("The difference", "argocd app diff NAME"),
            ),
            (
                "An object is refused: by its schema, a policy, or the quota.",
                "Somebody changed it by hand, and something else changes it back each time.",
                "A job of its sync failed: JobFailed.",
            ),
            (
                "Mend it in the repository: `tarmac render` and a commit, not `kubectl edit`.",
                "Take back the commit that it cannot apply.",
            ),
            "A fix for something that is on fire cannot get through.",
        ),
    )


def sources(alerts: Iterable[Alert]) -> Iterator[Alert]:
    """Say of each exporter that is to be there when it is not: which alerts are blind."""
    known, needing = signals.read(), dict[str, set[str]]()
    for alert in alerts:
        for word in set(METRIC.findall(alert.expr)) & known.keys():
            if known[word].exporter in ALWAYS:
                needing.setdefault(known[word].exporter, set()).add(alert.name)
    for exporter, names in sorted(needing.items()):
        listed = ", ".join(sorted(names))
        yield Alert(
            name="SourceMissing",
            severity="warning",
            expr=f"absent({ALWAYS[exporter]})",
            for_m=30,
            service=exporter,
            summary=f"Nothing is measured by {exporter}",
            description=f"There is no metric of {exporter}. These alerts cannot fire: {listed}.",
            trial=Trial(
                tuple(
                    Line(
                        f'{ALWAYS[each]}{{instance="10.0.0.2:8080"}}',
                        1,
                        math.nan if each == exporter else None,
                    )
                    for each in sorted(needing)
                ),
                late_m=5,
            ),
            book=Book(
                "Prometheus has nothing of an exporter (the label `service` names it) that other "
                "alerts ask for: they would stay silent whatever happens.",
                "Nobody now; you, in the next incident.",
                (
                    (
                        "Its targets: ask Prometheus, and look at Status, Targets",
                        "up == 0",
                    ),
                    ("Its monitors", "kubectl get servicemonitors,podmonitors -A"),
                ),
                (
                    "It is not installed, or its metrics are off in its values.",
                    "Its ServiceMonitor is not selected, or a NetworkPolicy shuts Prometheus out.",
                ),
                (
                    "Install it or turn its ServiceMonitor on.",
                    (
                        "It is not wanted here: take its alerts away with `tarmac render --patch`, "
                        "so that nobody relies on them."
                    ),
                ),
                "It was there before and went away together with others.",
            ),
        )


ALERTS = (scaled, jobs, certificates, canaries, synced)
