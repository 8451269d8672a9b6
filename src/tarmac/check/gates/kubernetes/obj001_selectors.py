"""Selectors: they match the intended pods, by labels that do not change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.objects.selectors import Selectors, labels_of, selects
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import kinds

#: kubernetes.io: Recommended Labels, those that our tools and dashboards look for.
WANTED = ("app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by")
#: Change with a release or a new owner; a Deployment's selector never can.
CHANGING = ("app.kubernetes.io/version", "app.kubernetes.io/managed-by", "environment", "team")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield selectors that match no pods, others' pods or too many."""
    kept = tuple(pod for pod in pods(subject) if pod.kind not in ("Job", "CronJob"))
    keepers = _taken((workload.artifact for workload in kept), kept)
    for own in kept:
        selector = Controller(own.artifact).selector
        if not selects(selector, own.labels) or not selector:
            yield Finding(
                own.artifact.path,
                f"{own.kind} {own.name} does not select its own pods; give both the same labels",
            )
        for key in CHANGING:
            if key in labels_of(selector):
                yield Finding(
                    own.artifact.path,
                    f"{own.kind} {own.name} selects by {key}, which changes, and a selector "
                    "is immutable; remove it",
                )
        if taken := [name for name in keepers.get(own.artifact.path, ()) if name != own.name]:
            yield Finding(
                own.artifact.path,
                f"{own.kind} {own.name} also selects the pods of {', '.join(taken)}; narrow it",
            )
    yield from _ends(subject, kept)
    for artifact in subject.objects():
        labels = metadata(artifact).labels
        if missing := [key for key in WANTED if key not in labels]:
            yield Finding(artifact.path, f"{title(artifact)} lacks the label {', '.join(missing)}")


def _ends(subject: Subject, kept: tuple[Pods, ...]) -> Iterator[Finding]:
    """Yield Services and budgets that do not find the one workload that they are for."""
    workloads = {own.workload for own in kept}
    ends: dict[tuple[str, str], set[str]] = {}
    for own in kept:
        for item in own.labels.items():
            ends.setdefault(item, set()).add(own.workload)
    for artifact in subject.objects("Service"):
        plain = Service(artifact).selector
        if plain is None:  # its ends are named otherwise
            continue
        found = workloads.intersection(*(ends.get(item, set()) for item in plain.items()))
        if len(found) != 1:
            selected = ", ".join(sorted(found)) or "no workload"
            yield Finding(
                artifact.path, f"{title(artifact)} selects pods of {selected}; select one workload"
            )
    budgets = subject.objects("PodDisruptionBudget")
    protecting = _taken(budgets, kept)
    for artifact in budgets:
        if artifact.path not in protecting:
            yield Finding(artifact.path, f"{title(artifact)} protects no pod; correct its selector")


def _taken(artifacts: Iterable[Artifact], kept: Iterable[Pods]) -> dict[str, list[str]]:
    """List whose pods each object selects, by its path."""
    selecting, found = Selectors(artifacts, "selector"), dict[str, list[str]]()
    for own in kept:
        for artifact in selecting.of(own.labels):
            found.setdefault(artifact.path, []).append(own.name)
    return found


GATE = Gate(
    id="OBJ001",
    title="Selectors match the intended pods, and every object has its labels",
    phase="kubernetes",
    source="a selector cannot be changed: one that holds a version stops the next release",
    check=check,
    scope=kinds("objects"),
    reads="selectors of Deployments, StatefulSets, Services and budgets, and three of the "
    "recommended labels on every object.",
)
