"""Alerts on what exporters tell of stores: that they tell nothing, and memory that is used up."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render._alert import Alert, Book, Line, Trial, either

#: Of each exporter that is a program of its own: 1 while its server answers it.
ANSWERED = {
    "postgres-exporter": "pg_up",
    "redis-exporter": "redis_up",
    "mongodb-exporter": "mongodb_up",
    "nats-exporter": "gnatsd_healthz_status_value",
}
#: Of what a server may keep (stores/redis: maxmemory, 60 % of its container).
FULL = 0.95
MIB = 2**20


def _kubectl(plan: ClusterPlan, what: str) -> str:
    return f"kubectl -n {plan.namespace} {what}"


def _told(plan: ClusterPlan, *exporters: str) -> tuple[Workload, ...]:
    """List the servers of which something tells; of some exporters only."""
    return tuple(
        each
        for each in plan.stores
        if each.exporter and (not exporters or each.exporter.id in exporters)
    )


def _series(plan: ClusterPlan, store: Workload) -> str:
    """Write the labels of a series that the scrape of one server gives."""
    return (
        f'namespace="{plan.namespace}",job="{store.name}",service="{store.name}",'
        f'pod="{store.name}-0"'
    )


def _own(plan: ClusterPlan, stores: tuple[Workload, ...]) -> str:
    return f'namespace="{plan.namespace}",service=~"{either(tuple(e.name for e in stores))}"'


def unmeasured(plan: ClusterPlan) -> Iterator[Alert]:
    """Servers of which nothing is known: their exporter is away, or is not let in."""
    stores = _told(plan)
    if not stores:
        return
    asked = {"up": stores}
    for exporter, metric in ANSWERED.items():
        if own := _told(plan, exporter):
            asked[metric] = own
    exprs = [
        f"max by (service) ({metric}{{{_own(plan, own)}}}) == 0" for metric, own in asked.items()
    ]
    # Tried where a server does not let it in, if there is such an exporter: it answers meanwhile.
    metric, (first, *_) = list(asked.items())[-1]
    yield Alert(
        name="StoreUnmeasured",
        severity="warning",
        expr=" or ".join(f"({each})" for each in exprs) if len(exprs) > 1 else exprs[0],
        for_m=10,
        overview=True,
        summary="Nothing is known of {{ $labels.service }}",
        description="What tells how {{ $labels.service }} is does not answer, or does not reach "
        "its server: alerts on what it measures cannot fire.",
        trial=Trial(
            (
                Line(f"{metric}{{{_series(plan, first)}}}", 1, 0),
                *(
                    Line(f"up{{{_series(plan, each)}}}", 1)
                    for each in stores
                    if (metric, each.name) != ("up", first.name)
                ),
            ),
            {"service": first.name},
        ),
        book=Book(
            "The exporter in the server's pod does not answer Prometheus, or the server does not "
            "let it in. The server itself may be well: StoreDown says when it is not.",
            "Nobody now; you, in the next incident: QueueLag, full memory and a kept log are not "
            "seen meanwhile.",
            (
                ("Its pod", _kubectl(plan, "get pod $SERVICE-0 -o wide")),
                (
                    "What the exporter says; RabbitMQ is its own",
                    _kubectl(plan, "logs $SERVICE-0 -c exporter --tail=50"),
                ),
                ("What the server says", _kubectl(plan, "logs $SERVICE-0 -c $SERVICE --tail=50")),
            ),
            (
                "The server is down: StoreDown fires too.",
                "Its password was changed and the exporter still has the old one.",
                "The set-up that makes its user did not run: JobFailed.",
                "Prometheus is shut out: a NetworkPolicy or the mesh changed.",
            ),
            (
                (
                    "No user, or an old password: run the set-up again "
                    f"(`{_kubectl(plan, 'delete job JOB')}`, then sync or apply), then restart the "
                    "pod when its store can be away for some seconds."
                ),
                "Shut out: compare the NetworkPolicy with the rendered one.",
            ),
            "It is the broker's, and an incident is under way.",
        ),
    )


def memory(plan: ClusterPlan) -> Iterator[Alert]:
    """Caches that are full: that throw away what is still good, or that take no more."""
    stores = _told(plan, "redis-exporter")
    if not stores:
        return
    own, first = _own(plan, stores), stores[0]
    gone = f"max by (service) (rate(redis_evicted_keys_total{{{own}}}[5m])) > 0"
    used = f"redis_memory_used_bytes{{{own}}} / (redis_memory_max_bytes{{{own}}} > 0)"
    series = _series(plan, first)
    look = (
        (
            "How its memory went: ask Prometheus",
            f'redis_memory_used_bytes{{namespace="{plan.namespace}",service="$SERVICE"}}',
        ),
        (
            "What is thrown away: ask Prometheus",
            (
                f'rate(redis_evicted_keys_total{{namespace="{plan.namespace}",'
                'service="$SERVICE"}[5m])'
            ),
        ),
        ("What it says", _kubectl(plan, "logs statefulset/$SERVICE --tail=100")),
    )
    larger = (
        "More memory: raise `resources` of the store in the model's environment and render; it "
        "keeps 60 % of its limit."
    )
    yield Alert(
        name="CacheEvicts",
        severity="warning",
        expr=gone,
        for_m=30,
        overview=True,
        summary="{{ $labels.service }} throws away keys before their time",
        description="{{ $labels.service }} is full and has thrown away {{ $value | humanize }} "
        "keys a second for half an hour.",
        trial=Trial(
            (Line(f"redis_evicted_keys_total{{{series}}}", 0, 60, counter=True),),
            {"service": first.name},
            shown="1",
            late_m=1,
            lasts_m=5,
        ),
        book=Book(
            "The server has as much in it as it may keep, and makes room: the keys go that were "
            "not used for longest, of those that would end anyway.",
            "Users wait longer: what was thrown away is asked of a database again.",
            look,
            (
                "More is cached than before: a new version, or more users.",
                "Keys without an end fill it; only those with one can go.",
            ),
            (larger, "Shorter times for what is cached."),
            "It takes no more at all: CacheFull.",
        ),
    )
    yield Alert(
        name="CacheFull",
        severity="warning",
        expr=f"max by (service) ({used}) > {FULL} unless on (service) ({gone})",
        for_m=10,
        overview=True,
        summary="{{ $labels.service }} is full and nothing in it can go",
        description="{{ $labels.service }} uses {{ $value | humanizePercentage }} of its memory "
        "and throws nothing away: what is written next is refused.",
        trial=Trial(
            (
                Line(f"redis_memory_used_bytes{{{series}}}", 100 * MIB, 196 * MIB, 188 * MIB),
                Line(f"redis_memory_max_bytes{{{series}}}", 200 * MIB),
                Line(f"redis_evicted_keys_total{{{series}}}", 0, counter=True),
            ),
            {"service": first.name},
            shown="98%",
        ),
        book=Book(
            "Nearly all memory is used, by keys without an end: they are never thrown away.",
            "Whoever writes: it is refused (`OOM command not allowed`). Reading goes on.",
            look,
            (
                "Something writes keys without a time to live.",
                "A queue in it is not read.",
            ),
            (larger, "Find the keys (`SCAN` with `TTL`, as their service) and give them an end."),
            "Services fail because of it.",
        ),
    )


ALERTS = (unmeasured, memory)
