"""What an object needs to begin is applied before it: by waves, hooks and their weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import WAVE, wave_of, whole_number
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import metadata, title
from tarmac.check.gates.views.objects.named_places import NamedObject, namings
from tarmac.check.gates.views.objects.pods import pods
from tarmac.check.gates.views.objects.stored_objects import kept
from tarmac.check.gates.views.scope import counted_in_files

_ARGO, _HELM = "argocd.argoproj.io", "helm.sh"
#: What a pod waits for until it is there.
NEEDED = ("ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "PriorityClass")
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


GATE = Gate(
    id="GIT008",
    title="What a pod needs to begin is applied before it",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves and "
    "https://helm.sh/docs/topics/charts_hooks: a hook runs to its end before the next is applied, "
    "so a first installation waits for ever, while an existing one goes well",
    check=check,
    of_files=check,
    scope=counted_in_files("references of pods", _judged),
    #: GIT003 holds the waves of a plan to its dependencies.
    targets=(),
    reads="sync waves and hooks of Argo CD, hooks of Helm and their weights, beside ConfigMaps, "
    "Secrets, ServiceAccounts and claims that pods name, of one namespace and folder. Judges files "
    "without a plan only: GIT003 checks more of a plan.",
)
