"""Alerts on what moves by itself: outboxes, queues, messages and jobs that wait for a person."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac import signals
from tarmac.launch import redact
from tarmac.model import conventions
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.ports import BROKER
from tarmac.render._alert import Alert, Book, Line, Trial, exporting, watched

#: A relay publishes within a second (tarmac_kit.outbox: it is woken by the commit): a minute is no
#: hiccup, ten are an outage of whoever waits for the events.
LATE_S, STUCK_S = 60, 600
#: As many as a consumer of the kit works off in about ten seconds.
WAITING = 1000
#: The setting by which somebody else publishes a service's outbox.
RELAY = "OUTBOX_RELAY"


def _kubectl(plan: ClusterPlan, what: str) -> str:
    return f"kubectl -n {plan.namespace} {what}"


def _log(plan: ClusterPlan) -> tuple[str, str]:
    return ("What it says", _kubectl(plan, "logs deploy/$SERVICE --tail=100"))


def _sql(store: str, query: str) -> tuple[str, str]:
    return (f"In {store}, with psql", query)


def _database(plan: ClusterPlan, service: str) -> str:
    return next(
        (
            a.target
            for a in plan.allowed
            if a.source == service and a.target_role in ("store", "managed")
        ),
        "its database",
    )


def outboxes(plan: ClusterPlan) -> Iterator[Alert]:
    """Events that were committed and do not leave."""
    relaying = [
        each.name
        for each in watched(plan)
        if each.migrates
        and conventions.PUBLISHES in each.env
        and redact(each.env[conventions.PUBLISHES].value)
        and RELAY not in each.env
    ]
    if not relaying:
        return
    name = relaying[0]
    own = f'namespace="{plan.namespace}",service="{name}",pod="{name}-0"'
    book = Book(
        f"Events that a service wrote with its own data (so do {', '.join(relaying)}) "
        "are not published.",
        "Whoever waits for them: orders stay pending, letters are not sent. They are not lost, and "
        "leave in their order once the way is free.",
        (
            (
                "How many wait, and for how long: ask Prometheus",
                f'outbox_waiting{{namespace="{plan.namespace}"}} and outbox_oldest_seconds',
            ),
            _log(plan),
            _sql(
                f"the service's database (of {name}: {_database(plan, name)})",
                "SELECT type, count(*), min(created_at) FROM outbox WHERE published_at IS NULL "
                "GROUP BY type",
            ),
        ),
        (
            "The broker is down or refuses: StoreDown of `broker`, or its disk alarm.",
            "The service may not publish the topic: the log says `access refused`.",
            "A long transaction holds the table's rows.",
        ),
        (
            "Mend the broker; the relay goes on by itself, no restart is needed.",
            "Never delete rows: each is an event that somebody was promised.",
            (
                "It hangs: "
                f"`{_kubectl(plan, 'rollout restart deployment/$SERVICE')}`; doubles do no harm."
            ),
        ),
        "The oldest is ten minutes old (OutboxStuck), or the broker will not come back soon.",
    )
    oldest = f'max by (service) (outbox_oldest_seconds{{namespace="{plan.namespace}"}})'
    yield Alert(
        name="OutboxLate",
        severity="warning",
        expr=f"{oldest} > {LATE_S}",
        for_m=2,
        summary="Events of {{ $labels.service }} are late",
        description="The oldest event of {{ $labels.service }} that is not published is "
        "{{ $value | humanizeDuration }} old.",
        trial=Trial(
            (Line(f"outbox_oldest_seconds{{{own}}}", 0, 90, LATE_S),),
            {"service": name},
            shown="1m 30s",
        ),
        book=book,
    )
    yield Alert(
        name="OutboxStuck",
        severity="critical",
        expr=f"{oldest} > {STUCK_S}",
        for_m=2,
        summary="Events of {{ $labels.service }} do not leave",
        description="The oldest event of {{ $labels.service }} that is not published is "
        "{{ $value | humanizeDuration }} old.",
        trial=Trial(
            (Line(f"outbox_oldest_seconds{{{own}}}", 0, 900, STUCK_S),),
            {"service": name},
            shown="15m 0s",
        ),
        book=book,
    )
    yield Alert(
        name="OutboxGrows",
        severity="warning",
        expr=f'max by (service) (outbox_waiting{{namespace="{plan.namespace}"}}) > {WAITING}',
        for_m=5,
        summary="Events of {{ $labels.service }} pile up",
        description="{{ $value | humanize }} events of {{ $labels.service }} wait to be published.",
        trial=Trial(
            (Line(f"outbox_waiting{{{own}}}", 0, 1500, WAITING),), {"service": name}, shown="1.5k"
        ),
        book=book,
    )


def parked(plan: ClusterPlan) -> Iterator[Alert]:
    """Messages and jobs that failed so often that a person has to look."""
    consuming = [
        each.name
        for each in watched(plan)
        if each.migrates
        and conventions.CONSUMES in each.env
        and redact(each.env[conventions.CONSUMES].value)
    ]
    working = [each.name for each in exporting(plan, "jobs")]
    if consuming:
        name = consuming[0]
        aside = f'messages_set_aside{{namespace="{plan.namespace}",state="parked"}}'
        yield Alert(
            name="MessagesParked",
            severity="warning",
            expr=f"max by (service) ({aside}) > 0",
            for_m=1,
            summary="{{ $labels.service }} could not take messages",
            description="{{ $value | humanize }} messages of {{ $labels.service }} failed each "
            "time they were tried, and are set aside for a person to look at.",
            trial=Trial(
                (
                    Line(
                        f'messages_set_aside{{namespace="{plan.namespace}",service="{name}",'
                        f'pod="{name}-0",state="parked"}}',
                        0,
                        2,
                        0,
                    ),
                    Line(
                        f'messages_set_aside{{namespace="{plan.namespace}",service="{name}",'
                        f'pod="{name}-0",state="waiting"}}',
                        0,
                        5,
                        5,
                    ),
                ),
                {"service": name},
                shown="2",
            ),
            book=Book(
                "A handler failed on a message as often as it is tried. It is kept in the table "
                "`parked`, and the messages after it go on.",
                "Those whose order, payment or letter it was: it stands still until you act.",
                (
                    _sql(
                        f"the service's database (of {name}: {_database(plan, name)})",
                        "SELECT seq, consumer, topic, message_id, failures, error FROM parked "
                        "WHERE state = 'parked'",
                    ),
                    (
                        "The first failure, with its trace",
                        _kubectl(plan, "logs deploy/$SERVICE --since=24h | grep -i park"),
                    ),
                ),
                (
                    "A mistake in the handler: the column `error` says which.",
                    "A message that its schema does not allow: a publisher was changed first.",
                    "Something that it refers to was deleted.",
                ),
                (
                    (
                        "Mend the handler and roll it out, then have them tried again: "
                        "`UPDATE parked SET state = 'waiting', failures = 0, due_at = now() "
                        "WHERE state = 'parked'`."
                    ),
                    "One that can never succeed: write down why, settle it, delete its row.",
                ),
                "Money is concerned, or there are more each minute.",
            ),
        )
    if working:
        name = working[0]
        yield Alert(
            name="JobsParked",
            severity="warning",
            expr=f'max by (service) (jobs{{namespace="{plan.namespace}",state="parked"}}) > 0',
            for_m=1,
            summary="Jobs of {{ $labels.service }} were given up",
            description="{{ $value | humanize }} jobs of {{ $labels.service }} failed each time "
            "and are parked.",
            trial=Trial(
                (
                    Line(
                        f'jobs{{namespace="{plan.namespace}",service="{name}",pod="{name}-0",'
                        'state="parked"}',
                        0,
                        1,
                        0,
                    ),
                    Line(
                        f'jobs{{namespace="{plan.namespace}",service="{name}",pod="{name}-0",'
                        'state="queued"}',
                        0,
                        7,
                        7,
                    ),
                ),
                {"service": name},
                shown="1",
            ),
            book=Book(
                "A job in the background failed as often as it is tried.",
                "Whoever asked for it: it said `accepted`, and nothing came of it.",
                (
                    _sql(
                        "the service's database",
                        "SELECT id, kind, attempts, error FROM jobs WHERE state = 'parked'",
                    ),
                    _log(plan),
                ),
                (
                    "Its input is wrong.",
                    "What it calls was away for longer than its attempts last.",
                ),
                (
                    (
                        "Mend the cause, then queue it again: "
                        "`UPDATE jobs SET state = 'queued', due_at = now(), attempts = 0, "
                        "error = null WHERE id = '...' AND state = 'parked'`."
                    ),
                ),
                "More are parked each hour.",
            ),
        )


def queues(plan: ClusterPlan) -> Iterator[Alert]:
    """What waits at the broker and is not taken."""
    told = {each.exporter.id for each in plan.stores if each.name == BROKER and each.exporter}
    known = {s.name: s for s in signals.read().values() if s.exporter in told}
    for signal in known.values():
        if not signal.backlog:
            continue
        by = ", ".join(signal.backlog)
        where = {each: f"orders-{each.replace('_', '-')}" for each in signal.backlog}
        own = f'namespace="{plan.namespace}",service="{BROKER}"'
        waits = f"{signal.name}{{{own}}}"
        series = ",".join((own, *(f'{name}="{value}"' for name, value in where.items())))
        which = " ".join(f"{{{{ $labels.{each} }}}}" for each in signal.backlog)
        yield Alert(
            name="QueueLag",
            severity="warning",
            expr=f"sum by ({by}) ({waits}) > {WAITING}",
            for_m=10,
            service=BROKER,
            summary=f"Messages of {which} wait at the broker",
            description=f"{{{{ $value | humanize }}}} messages of {which} are not taken.",
            trial=Trial(
                (Line(f"{signal.name}{{{series}}}", 0, 1500, WAITING),), where, shown="1.5k"
            ),
            book=Book(
                "More messages come than are taken, or nobody takes them. The queue's name begins "
                "with the service or part that it is for.",
                "What follows from those events comes late; nothing is lost.",
                (
                    ("How it went: ask Prometheus", f"sum by ({by}) ({waits})"),
                    (
                        "What the consumers make of them: ask Prometheus",
                        (
                            "sum by (service, topic, result) (rate(messages_consumed_total"
                            f'{{namespace="{plan.namespace}"}}[5m]))'
                        ),
                    ),
                    ("The broker", _kubectl(plan, f"logs statefulset/{BROKER} --tail=100")),
                ),
                (
                    "The consumer is down or not ready: ServiceDown, StoreDisconnected.",
                    "Each message fails and is tried again: `result` says `retry`.",
                    "A peak: it falls by itself.",
                ),
                (
                    "Mend the consumer; it goes on where it was.",
                    (
                        "More consumers: raise `replicas.min` in the model and render. Kafka gives "
                        "each partition to one of a group: more pods than partitions do nothing."
                    ),
                ),
                "It grows for an hour, or the broker's disk fills (DiskFilling).",
            ),
        )


ALERTS = (outboxes, parked, queues)
