"""Topics of Kafka take writes while one of their brokers is restarted."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.scope import counted_in_files

API = "kafka.strimzi.io"
_LEAST = "min.insync.replicas"
#: Where copies and their least number stand, by the kind of object.
_PLACES: dict[str, tuple[tuple[Path, Path], ...]] = {
    "KafkaTopic": ((("spec", "replicas"), ("spec", "config", _LEAST)),),
    "Kafka": (
        (
            ("spec", "kafka", "config", "default.replication.factor"),
            ("spec", "kafka", "config", _LEAST),
        ),
        (
            ("spec", "kafka", "config", "transaction.state.log.replication.factor"),
            ("spec", "kafka", "config", "transaction.state.log.min.isr"),
        ),
    ),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield topics that take no write without all of their copies, or more than there are."""
    for artifact in _judged(files):
        for copies_at, least_at in _PLACES[str(artifact.data["kind"])]:
            copies, least = _number(artifact, copies_at), _number(artifact, least_at)
            if copies is None or least is None or copies < 2 or least < copies:
                continue
            what = f"{title(artifact)} has {copies} copies, and {least_at[-1]} is {least}"
            if least > copies:
                what = f"{what}: no write with acks=all succeeds"
            else:
                what = f"{what}: while one broker is restarted no write with acks=all succeeds"
            yield Finding(
                artifact.at(*least_at),
                f"{what}; lower it to {copies - 1}",
                warning=least == copies,
            )


def _number(artifact: Artifact, path: Path) -> int | None:
    said = str(dig(artifact.data, *path))
    return int(said) if said.isdecimal() else None


def _judged(files: Files) -> list[Artifact]:
    return [one for one in files.objects(*_PLACES) if group_of(one) == API]


GATE = Gate(
    id="REL005",
    title="Topics take writes while a broker is restarted",
    phase="resilience",
    source="https://kafka.apache.org/documentation/#brokerconfigs_min.insync.replicas",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("topics and clusters of Kafka", _judged),
    targets=("cluster",),
    reads="copies and the least number of them in Strimzi's KafkaTopic and Kafka.",
)
