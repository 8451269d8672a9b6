"""An autoscaler of consumers goes no further than its topic has partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KAFKA = ("kafka", "apache-kafka")
#: What KEDA goes up to where nothing is said.
_MOST = 100
#: By these it counts other partitions, or lets consumers wait.
_OTHERWISE = ("allowIdleConsumers", "limitToPartitionsWithLag", "partitionLimitation")


class TopicTrigger(NamedTuple):
    """An autoscaler that counts what waits in one topic, and nothing else."""

    artifact: Artifact
    most: int
    topic: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield autoscalers of which some pods are never started."""
    for one in _triggers(files):
        there = dig(one.topic.data, "spec", "partitions")
        if isinstance(there, int) and 0 < there < one.most:
            what = f"{title(one.artifact)} goes up to {one.most} pods, and {title(one.topic)} has"
            said = f"{what} {there} partitions, one for each consumer: KEDA stops at {there}; write"
            advice = f"as many partitions, or maxReplicaCount: {there}"
            key = "maxReplicaCount" if "maxReplicaCount" in _spec(one.artifact) else "triggers"
            yield Finding(one.artifact.at("spec", key), f"{said} {advice}", warning=True)


@once
def _triggers(files: Files) -> Iterator[TopicTrigger]:
    topics: dict[str, list[Artifact]] = {}
    for artifact in files.objects("KafkaTopic"):
        name = string(artifact.data, "spec", "topicName") or name_of(artifact)
        topics.setdefault(name, []).append(artifact)
    for artifact in files.objects("ScaledObject") if topics else ():
        triggers = [one for _, one in numbered(artifact.data, "spec", "triggers")]
        settings = fields(triggers[0], "metadata") if len(triggers) == 1 else {}
        found = topics.get(string(settings, "topic"), [])
        most = _spec(artifact).get("maxReplicaCount", _MOST)
        is_plain = not any(settings.get(key) for key in _OTHERWISE)
        is_kafka = bool(triggers) and string(triggers[0], "type") in _KAFKA
        if is_kafka and is_plain and len(found) == 1 and isinstance(most, int):
            yield TopicTrigger(artifact, most, found[0])


def _spec(artifact: Artifact) -> Fields:
    return fields(artifact.data, "spec")


GATE = Gate(
    id="SCL015",
    title="An autoscaler of consumers goes no further than its topic has partitions",
    phase="kubernetes",
    source="https://keda.sh/docs/latest/scalers/apache-kafka: the number of replicas will not "
    "exceed the number of partitions, unless allowIdleConsumers is true",
    check=check,
    of_files=check,
    scope=counted_in_files("triggers of one topic that is here", _triggers),
    targets=(),
    reads="ScaledObjects with one trigger of Kafka, beside the one KafkaTopic of that name. Judges "
    "files without a plan only.",
)
