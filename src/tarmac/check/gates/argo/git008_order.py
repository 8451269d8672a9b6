"""What an object needs to begin is applied before it: by waves, hooks and their weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import WAVE, wave_of, whole_number
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import metadata, name_of, title
from tarmac.check.gates.views.objects.named_places import NamedObject, namings
from tarmac.check.gates.views.objects.stored_objects import kept
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_ARGO, _HELM = "argocd.argoproj.io", "helm.sh"
_MIGRATES = re.compile(r"(?:^|[\W_])migrat(?:e|ion|ions)(?:$|[\W_])")
_MODE, _LATE = "volumeBindingMode", "WaitForFirstConsumer"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
#: What a pod waits for until it is there.
CLAIM = "PersistentVolumeClaim"
NEEDED = ("ConfigMap", "Secret", "ServiceAccount", CLAIM, "PriorityClass")
_PHASES = {"PreSync": 0, "Sync": 1, "PostSync": 2}
#: Hooks of Helm that run before, and after, all that has no hook.
_OF_HELM = {"pre-install": 0, "post-install": 2}


class Turn(NamedTuple):
    """When an object is applied: the phase, and the place in it."""

    phase: int
    place: int
    #: For a reader: `wave 2`, `the hook PreSync`.
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield objects whose pods need what is applied after them."""
    made: dict[tuple[str, str], list[Artifact]] = {}
    for one in kept(files):
        if one.kind in NEEDED:
            made.setdefault((one.kind, one.name), []).append(one.artifact)
    for naming, own in _needs(files):
        likely = made.get((naming.kind, naming.name), ())
        near = [one for one in likely if place_of(one) == place_of(naming.artifact)]
        turns = [turn for one in near if (turn := turn_of(one)) is not None]
        first = min(turns, default=None)
        if first is not None and first[:2] > own[:2]:
            what = f"{title(naming.artifact)} ({own.name}) needs {naming.kind} {naming.name}"
            why = f"which is applied after it ({first.name}), so it waits for it in vain"
            where = naming.artifact.at(*naming.path)
            yield Finding(where, f"{what}, {why}; give {naming.kind} {naming.name} the earlier one")
    yield from _late_migrations(files)
    unbound = list(_unbound(files))
    if unbound and not _is_healthy(files):
        yield from unbound


def _late_migrations(files: Files) -> Iterator[Finding]:
    """Yield Jobs that migrate for pods of a wave before theirs, which Argo CD first has healthy."""
    turns: dict[tuple[str, tuple[str, str]], tuple[Artifact, Turn]] = {}
    for own in pods(files, "Deployment", "StatefulSet"):
        turn = turn_of(own.artifact)
        for container in own.main_containers:
            if turn is not None:
                turns.setdefault((container.image, place_of(own.artifact)), (own.artifact, turn))
    for own in pods(files, "Job"):
        turn = turn_of(own.artifact)
        if turn is None or not _migrates(own) or _is_of_helm(own.artifact):
            continue
        for container in own.main_containers:
            other, first = turns.get((container.image, place_of(own.artifact)), (None, turn))
            if other is not None and first.phase == turn.phase and first.place < turn.place:
                what = f"{title(own.artifact)} migrates ({turn.name}) after {title(other)} of the"
                why = f"same image ({first.name}), whose pods begin with the tables of before, and"
                advice = "have to be healthy for this wave to come; give it an earlier one"
                where = own.artifact.at("metadata", "annotations", WAVE)
                yield Finding(where, f"{what} {why} {advice}", warning=True)
                break


def _migrates(own: Pods) -> bool:
    words = (word for container in own.containers for word in container.words)
    return any(map(_MIGRATES.search, (own.name, *words)))


def _unbound(files: Files) -> Iterator[Finding]:
    """Yield claims that a sync waits for before it makes the pods by which they are bound."""
    users: dict[tuple[tuple[str, str], str], list[tuple[NamedObject, Turn | None]]] = {}
    for naming in namings(files, of_pods=True):
        if naming.kind == CLAIM:
            user = naming, turn_of(naming.artifact)
            users.setdefault((place_of(naming.artifact), naming.name), []).append(user)
    for claim in files.objects(CLAIM) if users else ():
        using, own = users.get((place_of(claim), name_of(claim)), []), turn_of(claim)
        turns = [turn for _, turn in using if turn is not None]
        is_known = own is not None and len(turns) == len(using) > 0
        if own is None or not is_known or any(map(_is_of_helm, [claim, *_artifacts(using)])):
            continue
        first = min(turns)
        class_name = _late_class(files, claim) if first[:2] > own[:2] else ""
        if class_name:
            later = title(next(naming.artifact for naming, turn in using if turn == first))
            what = f"{title(claim)} ({own.name}) is bound once a pod uses it, by its class"
            said = f"{what} {class_name}, and {later} is applied after it ({first.name})"
            noted = metadata(claim).annotations
            key = next((key for key in (f"{_ARGO}/hook", WAVE) if key in noted), "")
            where = claim.at("metadata", "annotations", key) if key else claim.at("metadata")
            yield Finding(where, f"{said}: the sync waits for it in vain; give both one wave")


def _late_class(files: Files, claim: Artifact) -> str:
    """Name the class of a claim that gets its volume with its first pod; "" if it does not.

    A class that is not here is known by the name that a cluster's maker gives it.
    """
    if dig(claim.data, "spec", "volumeName"):
        return ""
    asked = dig(claim.data, "spec", "storageClassName")
    there = files.objects("StorageClass")
    own = [one for one in there if name_of(one) == asked]
    if asked is None:
        own = [one for one in there if str(metadata(one).annotations.get(_DEFAULT)) == "true"]
    if own:
        return name_of(own[0]) if all(string(one.data, _MODE) == _LATE for one in own) else ""
    return str(asked) if asked in published("late_classes")["names"] else ""


def _artifacts(using: list[tuple[NamedObject, Turn | None]]) -> Iterator[Artifact]:
    yield from (naming.artifact for naming, _ in using)


def _is_of_helm(artifact: Artifact) -> bool:
    return f"{_HELM}/hook" in metadata(artifact).annotations


def _is_healthy(files: Files) -> bool:
    """Tell whether Argo CD may be told here that a claim without a volume is healthy."""
    texts = (str(one.content) for one in files.artifacts)
    return any("resource.customizations" in text and CLAIM in text for text in texts)


def _needs(files: Files) -> Iterator[tuple[NamedObject, Turn]]:
    """Yield what pods name, with the turn of each."""
    turns = {id(own.artifact): turn_of(own.artifact) for own in pods(files)}
    for naming in namings(files, of_pods=True):
        turn = turns.get(id(naming.artifact))
        if turn is not None and naming.kind in NEEDED and naming.name != "default":
            yield naming, turn


def turn_of(artifact: Artifact) -> Turn | None:
    """Find when an object is applied; None where that is not known, or only at some times."""
    noted = {str(key): str(value) for key, value in metadata(artifact).annotations.items()}
    hooks = noted.get(f"{_HELM}/hook", "")
    if hooks:
        found = [_OF_HELM[one.strip()] for one in hooks.split(",") if one.strip() in _OF_HELM]
        if not found:
            return None
        weight = whole_number(noted.get(f"{_HELM}/hook-weight", "0"))
        return Turn(min(found), weight, f"the hook {hooks} of weight {weight}")
    hooks, wave = noted.get(f"{_ARGO}/hook", ""), wave_of(artifact.data)
    named = [_PHASES[one.strip()] for one in hooks.split(",") if one.strip() in _PHASES]
    if hooks and not named:
        return None
    phase = min(named, default=_PHASES["Sync"])
    kind = f"the hook {hooks}, wave {wave}" if hooks else f"wave {wave}"
    return Turn(phase, wave, kind if hooks or WAVE in noted else "no hook, wave 0")


def _judged(files: Files) -> Iterator[object]:
    yield from _needs(files)
    yield from (own for own in pods(files, "Job") if _migrates(own))


GATE = Gate(
    id="GIT008",
    title="What a pod needs to begin is applied before it",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves and "
    "https://helm.sh/docs/topics/charts_hooks: a hook runs to its end before the next is applied, "
    "so a first installation waits for ever, while an existing one goes well; a claim may "
    "wait for its first pod",
    check=check,
    of_files=check,
    scope=counted_in_files("references of pods, and Jobs that migrate", _judged),
    #: GIT003 holds the waves of a plan to its dependencies.
    targets=(),
    reads="sync waves and hooks of Argo CD, hooks of Helm and their weights, beside ConfigMaps, "
    "Secrets, ServiceAccounts and claims that pods name, of one namespace and folder, and classes "
    "of claims that wait for the first pod. Of files without a plan; GIT003 checks more of one.",
)
