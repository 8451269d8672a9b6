"""A vertical autoscaler that evicts pods has enough of them to evict one."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, number, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.objects.references import SCALERS, target_of
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.scope import kinds

_VERTICAL = "VerticalPodAutoscaler"
_TARGETS = ("Deployment", "StatefulSet", "ReplicaSet")
#: How it changes pods by evicting them; where nothing is said it does.
_EVICTS = ("", "Auto", "Recreate")
#: How many pods its updater wants by itself, and by which argument that is another number.
_USUAL = 2
_ARGUMENT = "min-replicas"


def check(files: Files) -> Iterator[Finding]:
    """Yield autoscalers whose sizes no pod gets, as there are too few to evict one."""
    verticals = files.objects(_VERTICAL)
    if not verticals or any(_ARGUMENT in str(one.content) for one in files.artifacts):
        return
    scaled = {(place_of(one), target_of(one).name) for one in files.objects(*SCALERS)}
    there: dict[tuple[object, str, str], list[Artifact]] = {}
    for one in files.objects(*_TARGETS):
        there.setdefault((place_of(one), kind_of(one), name_of(one)), []).append(one)
    for one in verticals:
        kind, name = (string(one.data, "spec", "targetRef", key) for key in ("kind", "name"))
        found = there.get((place_of(one), kind, name), [])
        mode = string(one.data, "spec", "updatePolicy", "updateMode")
        if len(found) != 1 or mode not in _EVICTS or (place_of(one), name) in scaled:
            continue
        least = number(one.data, "spec", "updatePolicy", "minReplicas")
        wanted = least if isinstance(least, int) else _USUAL
        count = Controller(found[0]).replicas
        count = 1 if "replicas" not in fields(found[0].data, "spec") else count
        if isinstance(count, int) and 0 < count < wanted:
            where = one.at("spec", "updatePolicy", *(["updateMode"] if mode else []))
            what = (
                f"{title(one)} evicts pods to give them its sizes, and none where there are fewer"
            )
            why = (
                f"than {wanted}: {title(found[0])} has {count}, which keeps its own for ever; write"
            )
            yield Finding(where, f"{what} {why} updatePolicy.minReplicas: {count}")


GATE = Gate(
    id="SCL014",
    title="A vertical autoscaler that evicts pods has enough of them to evict one",
    phase="kubernetes",
    source="https://github.com/kubernetes/autoscaler/issues/1665: the updater leaves workloads of "
    "fewer pods than minReplicas alone, which is 2 where neither it nor the object says more",
    check=check,
    of_files=check,
    scope=kinds("vertical autoscalers", _VERTICAL),
    targets=("cluster",),
    reads="updateMode and minReplicas of VerticalPodAutoscalers beside the replicas of what they "
    "name, where no other autoscaler has that. An updater that is told another number here is "
    "not judged.",
)
