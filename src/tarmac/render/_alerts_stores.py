"""Alerts on stores: those that are gone, disks that fill, logs that are kept too long, backups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _disks
from tarmac.render._alert import (
    Alert,
    Book,
    Line,
    Trial,
    either,
    exporting,
    services_of,
    watched,
)

#: kubernetes-mixin, KubePersistentVolumeFillingUp: less than 3 % left; or less than 15 %, and none
#: in four days if it goes on as in the last six hours.
LITTLE, LESS, AHEAD_S = 0.03, 0.15, 4 * 86400
GIB = 2**30
MIB = 2**20
#: A server that captures keeps 1 GiB of log for it (stores/postgres: max_slot_wal_keep_size) and
#: then lets go of its place, so that everything is read anew.
SLOT_GROWS, SLOT_NEARLY_LOST = 256 * MIB, 768 * MIB
#: A schedule of once a day that was late by two hours (the systems' roadmaps ask for every 6 h or
#: once a day; this holds for both).
BACKUP_S = 26 * 3600


def _kubectl(plan: ClusterPlan, what: str) -> str:
    return f"kubectl -n {plan.namespace} {what}"


def _at_stores(plan: ClusterPlan) -> Iterator[tuple[str, str]]:
    """Say where stores are looked at: in the cluster, or at the cloud that keeps them."""
    if plan.stores:
        here = ", ".join(each.name for each in plan.stores)
        yield (
            f"In the cluster ({here}): its pod and disk",
            _kubectl(plan, "get pod,pvc -l app.kubernetes.io/name=$SERVICE"),
        )
        yield "Why it ended", _kubectl(plan, "describe pod $SERVICE-0 | tail -40")
        yield "What it says", _kubectl(plan, "logs statefulset/$SERVICE --tail=100")
    servers = dict[str, list[str]]()
    for each in plan.managed:
        servers.setdefault(each.server, []).append(each.name)
    for server, stores in servers.items():
        yield (
            f"On the managed server `{server}` ({', '.join(stores)})",
            f"the cloud's console: state and events of {server} in {plan.settings.region}",
        )


def gone(plan: ClusterPlan) -> Iterator[Alert]:
    """Stores that nobody reaches: as their users' readiness and the cluster tell."""
    kit = {each.name for each in watched(plan) if each.parts}
    here = {each.name for each in plan.stores}
    for store, asked in plan.asked.items():
        users = tuple(name for name in services_of(plan, store) if name in kit)
        own = (
            f'namespace="{plan.namespace}",service=~"{either(users)}",check="{asked.check}"'
            if users and asked.check
            else ""
        )
        pods = f'namespace="{plan.namespace}",statefulset="{store}"'
        ready = f"kube_statefulset_status_replicas_ready{{{pods}}}"
        exprs = [
            *([f"max(health_check_passing{{{own}}}) == 0"] if own else []),
            *([f"max({ready}) == 0"] if store in here else []),
        ]
        if not exprs:
            continue
        who = ", ".join(services_of(plan, store)) or "nobody"
        lines = tuple(
            Line(
                f'health_check_passing{{namespace="{plan.namespace}",service="{name}",'
                f'pod="{name}-0",check="{asked.check}"}}',
                1,
                0,
            )
            for name in users
        )
        yield Alert(
            name="StoreDown",
            severity="critical" if asked.needed else "warning",
            expr=" or ".join(f"({each})" for each in exprs) if len(exprs) > 1 else exprs[0],
            for_m=2,
            service=store,
            summary=f"{store} cannot be reached",
            description=f"None of the services that use {store} reaches it ({who}).",
            trial=Trial((*lines, *([Line(ready, 1)] if store in here else [])))
            if own
            else Trial((Line(ready, 1, 0),)),
            book=_gone_book(plan),
        )
    checked = f'health_check_passing{{namespace="{plan.namespace}",check!="started"}}'
    using = [n for n in services_of_all(plan) if n in kit]
    if not using:
        return
    name = using[0]
    check = next(a.check for s, a in plan.asked.items() if name in services_of(plan, s))
    yield Alert(
        name="StoreDisconnected",
        severity="warning",
        expr=f"min by (service, check) ({checked}) == 0",
        for_m=3,
        summary="Pods of {{ $labels.service }} do not reach their {{ $labels.check }}",
        description="At least one pod of {{ $labels.service }} fails the check of its "
        "{{ $labels.check }}: `/health/ready` says why.",
        trial=Trial(
            (
                Line(
                    f'health_check_passing{{namespace="{plan.namespace}",service="{name}",'
                    f'pod="{name}-0",check="{check}"}}',
                    1,
                    0,
                ),
                Line(
                    f'health_check_passing{{namespace="{plan.namespace}",service="{name}",'
                    f'pod="{name}-1",check="{check}"}}',
                    1,
                ),
            ),
            {"service": name, "check": check},
        ),
        book=Book(
            "A pod cannot reach something that its readiness asks for, while others may.",
            "Nobody while other pods are ready; the pod takes no requests until then.",
            (
                ("What the pod itself says", _ready(plan)),
                ("Its pods", _kubectl(plan, "get pods -l app.kubernetes.io/name=$SERVICE -o wide")),
                (
                    "Which checks fail where: ask Prometheus",
                    f'health_check_passing{{namespace="{plan.namespace}",service="$SERVICE"}} == 0',
                ),
            ),
            (
                "The store is down or restarts: StoreDown fires as well when nobody reaches it.",
                "It takes no more connections: too many pods times `DATABASE_POOL_MAX`.",
                "Its password was changed and this pod still has the old one.",
            ),
            (
                (
                    "A password: restart the pods, which read the Secret anew "
                    f"(`{_kubectl(plan, 'rollout restart deployment/$SERVICE')}`)."
                ),
                "Connections: lower `replicas.max`, or raise the server's `max_connections`.",
            ),
            "It spreads to more pods: treat it as StoreDown.",
        ),
    )


def services_of_all(plan: ClusterPlan) -> list[str]:
    """List the services that use any store that a check asks."""
    asked = [name for name, each in plan.asked.items() if each.check]
    return list(dict.fromkeys(s for name in asked for s in services_of(plan, name)))


def _ready(plan: ClusterPlan) -> str:
    page = "http://127.0.0.1:$PORT/health/ready"
    ask = f"import urllib.request as u; print(u.urlopen('{page}').read().decode())"
    return _kubectl(plan, f'exec deploy/$SERVICE -- python -c "{ask}"')


def _gone_book(plan: ClusterPlan) -> Book:
    used = "; ".join(
        f"`{store}` by {', '.join(services_of(plan, store)) or 'nobody'}" for store in plan.asked
    )
    return Book(
        "No service that uses the store reaches it. The alert's label `service` names the store; "
        "alerts of the services that use it are held back while this one fires.",
        f"Those services and whoever calls them: {used}. Services that need it are not ready and "
        "answer nothing; events wait in outboxes and at the broker, nothing that was accepted is "
        "lost.",
        (
            *_at_stores(plan),
            (
                "Who fails to reach it, and who does not: ask Prometheus",
                f'health_check_passing{{namespace="{plan.namespace}",check!="started"}} == 0',
            ),
        ),
        (
            "The server restarts or fails over: a minute or two, and it clears by itself.",
            "Its disk is full (DiskFull), or it was killed for its memory.",
            "A network change: a NetworkPolicy, a security group, the mesh's mTLS.",
            "Credentials were rotated on one side only: the log says `password`.",
        ),
        (
            "Give a failover two minutes. Services come back by themselves: do not restart them.",
            "In the cluster: delete its pod once; it finds its disk again. Never delete its claim.",
            "Full disk: make the claim larger (`kubectl edit pvc`), then delete the pod.",
            (
                "What is lost is restored, not repaired: from the last backup, to another server, "
                "and switched over."
            ),
        ),
        "It lasts longer than 5 minutes, or you think of restoring: two people decide that.",
    )


def disks(plan: ClusterPlan) -> Iterator[Alert]:
    """Disks that fill, of stores and of services."""
    claims = {
        f"{name}-{each.name}-0": each.name for each in plan.stores for name in each.volumes
    } | {c: each.name for each in plan.services for c in _disks.claims(each).values()}
    for claim, owner in claims.items():
        own = f'namespace="{plan.namespace}",persistentvolumeclaim="{claim}"'
        left = f"kubelet_volume_stats_available_bytes{{{own}}}"
        share = f"max({left} / kubelet_volume_stats_capacity_bytes{{{own}}})"
        size = Line(f"kubelet_volume_stats_capacity_bytes{{{own}}}", 10 * GIB)
        book = Book(
            "The disk of the alert's `service` is nearly full, or will be soon as it goes.",
            f"Nobody yet. Once it is full {owner if len(claims) == 1 else 'the store'} stops, and "
            "with it all who use it.",
            (
                ("The claims and their sizes", _kubectl(plan, "get pvc")),
                (
                    "How it went in the last week: ask Prometheus",
                    f'kubelet_volume_stats_available_bytes{{namespace="{plan.namespace}"}}',
                ),
                (
                    "What is on it",
                    _kubectl(
                        plan,
                        "exec $SERVICE-0 -- sh -c 'df -h; du -xh / 2>/dev/null | "
                        "sort -h | tail -20'",
                    ),
                ),
            ),
            (
                "It grew as it should: more data.",
                "A log of changes that is kept for a reader who is away: ReplicationSlotGrows.",
                "Rows that are never deleted: published outbox rows, old sessions.",
            ),
            (
                (
                    "Make it larger: raise `disk` in the model for the next cluster, and the claim "
                    f"here (`{_kubectl(plan, 'edit pvc CLAIM')}`); it grows while it is used, "
                    "and never shrinks."
                ),
                "A slot that nobody reads: see its page before you drop it.",
            ),
            "Less than 3 % is left and it still grows.",
        )
        yield Alert(
            name="DiskFull",
            severity="critical",
            expr=f"{share} < {LITTLE}",
            for_m=1,
            service=owner,
            summary=f"The disk of {owner} is full",
            description=f"{{{{ $value | humanizePercentage }}}} of {claim} is left.",
            trial=Trial((Line(left, 5 * GIB, 0.02 * 10 * GIB, 0.04 * 10 * GIB), size), shown="2%"),
            book=book,
        )
        yield Alert(
            name="DiskFilling",
            severity="warning",
            expr=f"{share} < {LESS} and max(predict_linear({left}[6h], {AHEAD_S})) < 0",
            for_m=60,
            service=owner,
            summary=f"The disk of {owner} will be full within four days",
            description=f"{{{{ $value | humanizePercentage }}}} of {claim} is left.",
            trial=Trial(
                (Line(left, 5 * GIB, 0.125 * 10 * GIB, 0.175 * 10 * GIB), size), shown="12.5%"
            ),
            book=book,
        )


def slots(plan: ClusterPlan) -> Iterator[Alert]:
    """Logs of changes that a server keeps because their reader does not keep up."""
    readers = [each.name for each in exporting(plan, "capture_slot_lag_bytes")]
    if not readers:
        return
    name = readers[0]
    line = f'capture_slot_lag_bytes{{namespace="{plan.namespace}",service="{name}",pod="{name}-0"}}'
    behind = f'max by (service) (capture_slot_lag_bytes{{namespace="{plan.namespace}"}})'
    bound = {
        reader: [s for s in plan.asked if reader in services_of(plan, s) and s != "broker"]
        for reader in readers
    }
    databases = ", ".join(f"{each} reads {' '.join(stores)}" for each, stores in bound.items())
    lost = (
        "SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff("
        "pg_current_wal_lsn(), confirmed_flush_lsn)) AS behind FROM pg_replication_slots"
    )
    book = Book(
        f"The service reads a database's log of changes ({databases}) and is behind. The server "
        "keeps what it has not read, up to 1 GiB; then it lets go, and all tables are read anew.",
        "Whoever waits for events: letters and payments come late. Nothing is lost.",
        (
            (
                "The slots, at the server",
                _kubectl(plan, f'exec {bound[name][0]}-0 -- psql -U postgres -c "{lost}"'),
            ),
            (
                "What the reader says",
                _kubectl(plan, "logs deploy/$SERVICE --tail=100"),
            ),
            (
                "How fast it goes: ask Prometheus",
                f'rate(capture_published_total{{namespace="{plan.namespace}"}}[5m])',
            ),
        ),
        (
            "The broker does not take messages: StoreDown of `broker` fires.",
            "The reader hangs or does not run: ServiceDown, CrashLoop.",
            "A bulk change wrote more than it reads: then it falls by itself.",
        ),
        (
            "Mend the broker first; the reader goes on where it was.",
            f"It hangs: `{_kubectl(plan, 'rollout restart deployment/$SERVICE')}`.",
            (
                "Drop a slot only for a reader that is gone for good: "
                "`SELECT pg_drop_replication_slot('NAME')`."
            ),
        ),
        "Three quarters of what is kept are used (ReplicationSlotFull).",
    )
    for alert, severity, most, why in (
        ("ReplicationSlotGrows", "warning", SLOT_GROWS, "is behind in the log that it reads"),
        (
            "ReplicationSlotFull",
            "critical",
            SLOT_NEARLY_LOST,
            "will soon lose its place in the log",
        ),
    ):
        yield Alert(
            name=alert,
            severity=severity,  # type: ignore[arg-type]
            expr=f"{behind} > {most}",
            for_m=5,
            summary=f"{{{{ $labels.service }}}} {why}",
            description="The database keeps {{ $value | humanize1024 }}B that "
            "{{ $labels.service }} has not read; at 1 GiB it lets go.",
            trial=Trial(
                (Line(line, 0, most * 1.125, most),),
                {"service": name},
                shown=f"{most * 1.125 / MIB:g}Mi",
            ),
            book=book,
        )

    here = {each.name for each in plan.stores}
    kept = tuple(dict.fromkeys(s for stores in bound.values() for s in stores if s in here))
    if not kept:
        return
    own = f'namespace="{plan.namespace}",service=~"{either(kept)}"'
    series = f'namespace="{plan.namespace}",service="{kept[0]}",slot_name="tarmac"'
    yield Alert(
        name="ReplicationSlotLeft",
        severity="critical",
        # Told by the server itself: a reader that is gone tells nothing.
        expr=f"max by (service) (pg_replication_slots_pg_wal_lsn_diff{{{own}}}) "
        f"> {SLOT_NEARLY_LOST}",
        overview=True,
        for_m=5,
        summary="{{ $labels.service }} keeps a log that nobody reads",
        description="{{ $labels.service }} keeps {{ $value | humanize1024 }}B of its log for a "
        "reader that does not take it; at 1 GiB it lets go.",
        trial=Trial(
            (
                Line(
                    f"pg_replication_slots_pg_wal_lsn_diff{{{series}}}",
                    0,
                    SLOT_NEARLY_LOST * 1.125,
                    SLOT_NEARLY_LOST,
                ),
            ),
            {"service": kept[0]},
            shown="864Mi",
        ),
        book=replace(
            book,
            look=(
                (
                    "The slots, at the server",
                    _kubectl(plan, f'exec $SERVICE-0 -- psql -U postgres -c "{lost}"'),
                ),
                *(("What its reader says", _kubectl(plan, f"logs deploy/{r}")) for r in readers),
            ),
        ),
    )


def backups(plan: ClusterPlan) -> Iterator[Alert]:
    """Backups of the disks in the cluster that are too old."""
    kept = [each.name for each in plan.workloads if each.volumes]
    if not kept or plan.settings.cloud is None:
        return
    yield Alert(
        name="BackupOld",
        severity="warning",
        expr='time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule!=""}) '
        f"> {BACKUP_S}",
        for_m=10,
        service=plan.system,
        summary="There is no new backup of {{ $labels.schedule }}",
        description="The last backup of {{ $labels.schedule }} that succeeded is "
        "{{ $value | humanizeDuration }} old.",
        # A trial begins at the epoch: there a backup is as old as it is.
        trial=Trial(
            (
                Line(
                    'velero_backup_last_successful_timestamp{schedule="daily"}', 0, -100000, -90000
                ),
            ),
            {"schedule": "daily"},
            shown="1d 4h 6m 40s",
        ),
        book=Book(
            f"The disks of {', '.join(kept)} were not saved for more than a day.",
            "Nobody now. What is written since then would be gone with the disk.",
            (
                ("The backups and how they ended", "velero backup get"),
                ("Why the last one failed", "velero backup logs NAME | grep -i error"),
                ("Its server", "kubectl -n velero logs deploy/velero --tail=100"),
            ),
            (
                "Its bucket refuses it: the role or the bucket's policy changed.",
                "A snapshot failed: too many at once, or a volume that is gone.",
                "The schedule is paused.",
            ),
            (
                "Mend the cause, then save at once: `velero backup create --from-schedule NAME`.",
                "A snapshot of its volume by hand meanwhile, at the cloud.",
            ),
            "It is two days old, or nobody knows whether the last one can be restored.",
        ),
    )


ALERTS = (gone, disks, slots, backups)
