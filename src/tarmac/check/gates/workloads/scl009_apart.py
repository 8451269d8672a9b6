"""Pods that must be apart have places enough: to run, and to be replaced by an update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.scaled import Autoscalers
from tarmac.check.gates.views.objects.scaling import share
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_ANTI: Path = ("affinity", "podAntiAffinity", _REQUIRED)
_NODES: Path = ("affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms")


class Apart(NamedTuple):
    """Pods of which each needs a place of its own, and the places that they may have."""

    own: Pods
    path: Path
    key: str
    places: frozenset[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield workloads whose pods have too few places to run, or to be replaced."""
    scaling = Autoscalers(files)
    for own, path, key, places in _apart(files):
        scaler = scaling.by(own.artifact)
        written = dig(own.artifact.data, "spec", "replicas")
        count = written if isinstance(written, int) else 1
        most = count
        if scaler is not None:
            count, most = scaler.least or 1, scaler.most or 1
        what = f"{title(own.artifact)} has one pod in each {key} at most, and may be in"
        told = f"{len(places)} ({', '.join(sorted(places))})"
        if most > len(places):
            why = f"{what} {told}: of its {most} pods the others stay Pending"
            # As many as an autoscaler may ask for are not there at once.
            is_rare = count <= len(places)
            advice = "prefer it, and do not require it"
            yield Finding(own.artifact.at(*path), f"{why}; {advice}", warning=is_rare)
        elif count == len(places) and (at := _adds_first(own, count)):
            why = (
                f"an update begins with pod {count + 1}, for which there is no place, so none ends"
            )
            advice = "write maxSurge: 0 and maxUnavailable: 1"
            yield Finding(own.artifact.at(*at), f"{what} {told}: {why}; {advice}")


def _apart(files: Files) -> Iterator[Apart]:
    for own in pods(files, *RUNNING):
        for number, term in numbered(own.spec.data, *_ANTI):
            key = string(term, "topologyKey")
            spaces = set(map(str, items(term, "namespaces"))) or {space_of(own.artifact)}
            # By a label of its revision the pods of an update are others.
            is_open = items(term, "matchLabelKeys") or "namespaceSelector" in term
            is_own = space_of(own.artifact) in spaces and not is_open
            asked = fields(term, "labelSelector")
            places = _places(own.spec.data, key)
            if is_own and asked and selects(asked, own.labels) and places:
                yield Apart(own, (*own.path, *_ANTI, number), key, places)


def _places(spec: Fields, key: str) -> frozenset[str]:
    """List the values of a label of nodes that pods may have; empty where that is not bounded."""
    if plain := string(spec, "nodeSelector", key):
        return frozenset({plain})
    found = set[str]()
    for term in items(spec, *_NODES):
        own = [
            frozenset(map(str, items(one, "values")))
            for one in items(term, "matchExpressions")
            if string(one, "key") == key and string(one, "operator") == "In"
        ]
        if not own:
            return frozenset()
        found |= frozenset.intersection(*own)
    return frozenset(found)


def _adds_first(own: Pods, count: int) -> Path:
    """Find where an update is told to make a pod before it stops one; empty where it is not."""
    data = own.artifact.data
    at: Path = ("spec", "strategy")
    if own.kind == "StatefulSet" or string(data, *at, "type") == "Recreate":
        return ()
    at = (*at, "canary") if own.kind == "Rollout" else (*at, "rollingUpdate")
    if own.kind == "Rollout" and "canary" not in fields(data, "spec", "strategy"):
        return ("spec", "strategy")  # blue and green, which are there at once
    rolling = fields(data, *at)
    adds = str(rolling.get("maxSurge", "25%")) not in ("0", "0%")
    if share(rolling.get("maxUnavailable", "25%"), count) or not adds:
        return ()
    return (*at, "maxSurge")


def _judged(files: Files) -> Iterator[object]:
    yield from _apart(files)


GATE = Gate(
    id="SCL009",
    title="Pods that must be apart have places enough, during an update, too",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node: a required "
    "anti-affinity holds for the pods of both versions, and a Deployment makes the new one first",
    check=check,
    of_files=check,
    scope=counted_in_files("workloads that are apart in named places", _judged),
    targets=("cluster",),
    reads="required anti-affinities to a workload's own pods beside the zones or nodes that its "
    "nodeSelector or required nodeAffinity names, its number of pods and its strategy.",
)
