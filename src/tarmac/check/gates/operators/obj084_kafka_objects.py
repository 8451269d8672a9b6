"""Topics and users of Strimzi are where it looks, and users who read may be in a group."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import (
    group_of,
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.scope import counted_in_files

_GROUP = "kafka.strimzi.io"
#: Which part of a Kafka's operator reads each kind.
_READERS = {"KafkaTopic": "topicOperator", "KafkaUser": "userOperator"}
_LABEL = "strimzi.io/cluster"


def check(files: Files) -> Iterator[Finding]:
    """Yield topics and users that nothing is made of, and users who are refused in each group."""
    clusters: dict[str, list[Artifact]] = {}
    for artifact in files.objects("Kafka"):
        clusters.setdefault(name_of(artifact), []).append(artifact)
    for artifact in _judged(files):
        found = clusters.get(metadata(artifact).labels.get(_LABEL, ""), [])
        if len(found) == 1:
            yield from _away(artifact, found[0])
        if kind_of(artifact) == "KafkaUser":
            yield from _without_group(artifact)


def _away(artifact: Artifact, cluster: Artifact) -> Iterator[Finding]:
    """Yield an object that is not in the namespace that the operator of its cluster reads."""
    reader = _READERS[kind_of(artifact)]
    told = string(cluster.data, "spec", "entityOperator", reader, "watchedNamespace")
    read, own = told or space_of(cluster), space_of(artifact)
    if read and own and read != own and not is_mark(read) and not is_mark(own):
        what = f"{title(artifact)} is in {own}, and the {reader} of {title(cluster)} reads {read}"
        said = f"{what} alone: nothing is made of it; move it there, or set watchedNamespace"
        yield Finding(artifact.at("metadata", "namespace"), said)


def _without_group(artifact: Artifact) -> Iterator[Finding]:
    """Yield a user who may read topics, and is in no group of consumers."""
    rules = [fields(one) for one in items(artifact.data, "spec", "authorization", "acls")]
    is_simple = string(artifact.data, "spec", "authorization", "type") == "simple"
    of = [string(one, "resource", "type") for one in rules]
    reads = [number for number, one in enumerate(rules) if of[number] == "topic" and _reads(one)]
    writes = any(kind == "topic" and _writes(one) for one, kind in zip(rules, of, strict=True))
    if is_simple and reads and not writes and "group" not in of:
        name = string(rules[reads[0]], "resource", "name") or "*"
        what = f"{title(artifact)} may read the topic {name}, and has no rule for a group:"
        said = f"{what} a consumer of a group is refused; add one of the type group (Read)"
        where = artifact.at("spec", "authorization", "acls", reads[0])
        yield Finding(where, said, warning=True)


def _reads(rule: Fields) -> bool:
    return bool({"Read", "All"} & _operations(rule)) and string(rule, "type") != "deny"


def _writes(rule: Fields) -> bool:
    """Tell whether a rule is one of a program that need be no consumer: it sends, too."""
    return bool({"Write", "All"} & _operations(rule))


def _operations(rule: Fields) -> set[str]:
    return {str(one) for one in items(rule, "operations")} | {string(rule, "operation")}


def _judged(files: Files) -> list[Artifact]:
    return [one for one in files.objects(*_READERS) if group_of(one) == _GROUP]


GATE = Gate(
    id="OBJ084",
    title="Topics and users of Strimzi are where it looks, and readers may be in a group",
    phase="kubernetes",
    source="https://strimzi.io/docs/operators/latest/configuring: watchedNamespace is the "
    "namespace of the Kafka by default; https://kafka.apache.org/documentation/#security_authz: a "
    "consumer of a group needs READ on that group",
    check=check,
    of_files=check,
    scope=counted_in_files("topics and users of Strimzi", _judged),
    targets=(),
    reads="KafkaTopics and KafkaUsers beside the one Kafka that their label names, and the simple "
    "rules of users who read and do not write. Judges files without a plan only.",
)
