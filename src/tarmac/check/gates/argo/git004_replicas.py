"""Git and the autoscaler agree: only one of them sets the number of replicas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.argo.trees import below, objects
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.objects.references import (
    SCALERS,
    TARGETS,
    Reference,
    reference_to,
    target_of,
)
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.overlays.kustomizations import patches
from tarmac.check.gates.views.pods.pods import RUNNING
from tarmac.check.gates.views.scope import counted_in_files

POINTER = "/spec/replicas"
#: The object that sets a number of replicas, by its target.
Owned = Mapping[Reference, Artifact]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield replica counts that two objects set, and ignored ones that none sets."""
    for app in (application for application in applications(subject) if application.heals):
        applied = list(objects(subject, app))
        owned = _owned(applied)
        for artifact in applied:
            yield from _fixed(artifact, owned, [app])
        for artifact in below(subject, app):
            yield from _patches(artifact, owned, [app])
        yield from _too_much(app, owned)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield replica counts that two objects set, whether or not Argo CD applies them."""
    apps = [app for app in applications(files) if app.heals and _follows(app)]
    seen = list(followed(files)) if apps else []
    places = [(one.app, {id(artifact) for artifact in one.artifacts}) for one in seen]
    owned = _owned(files.objects(*(TARGETS if apps else SCALERS)))
    twins = Counter(map(reference_to, files.objects(*RUNNING)))
    for artifact in files.objects(*RUNNING, "Kustomization"):
        # Of several folders with one of that name, each is an environment or example of its own.
        owner = owned.get(reference_to(artifact))
        is_other = owner is not None and place_of(owner) != place_of(artifact)
        is_other = is_other and twins[reference_to(artifact)] > 1
        if is_other or (owner is not None and are_apart(owner, artifact)):
            continue
        # Where none follows any folder that is here, any of them may.
        own = [app for app, found in places if id(artifact) in found and app.heals]
        own = apps if not places else own
        yield from _fixed(artifact, owned, own)
        yield from _patches(artifact, owned, own)


def _follows(app: App) -> bool:
    """Tell whether it may send files that are here: charts of another repository are none."""
    return not app.sources or any(source.chart is None for source in app.sources)


def _owned(applied: Iterable[Artifact]) -> Owned:
    """Find the object that sets a number of replicas, by its target."""
    return {target_of(artifact): artifact for artifact in applied if kind_of(artifact) in TARGETS}


def _fixed(artifact: Artifact, owned: Owned, apps: list[App]) -> Iterator[Finding]:
    written, owner = Controller(artifact).replicas, owned.get(reference_to(artifact))
    if written is not None and owner is not None and not _is_kept(kind_of(owner), written):
        said, where = f"replicas of {title(artifact)} is {written}", artifact.at("spec", "replicas")
        said = f"{said}, but {title(owner)} changes it"
        found = _fight(where, said, kind_of(artifact), name_of(artifact), apps)
        # One that may have no other number changes nothing as it stands.
        limits = (dig(owner.data, "spec", key) or 1 for key in ("minReplicas", "maxReplicas"))
        is_still = kind_of(owner) in SCALERS and [*limits] == [written, written]
        yield from (replace(one, warning=True) if is_still else one for one in found)


def _is_kept(owner: str, written: object) -> bool:
    """Tell whether 0 is not changed: a Rollout makes the pods, or its autoscaler is off by it."""
    return owner in ("Rollout", "HorizontalPodAutoscaler") and written == 0


def _patches(artifact: Artifact, owned: Owned, apps: list[App]) -> Iterator[Finding]:
    """Yield patches that set the number of what the same overlay, or an object there, scales."""
    found = list(patches(artifact, "spec", "replicas"))
    scaler = "an autoscaler" if any(patch.kind in SCALERS for patch in found) else ""
    for patch in found:
        names = {name: title(own) for (kind, name), own in owned.items() if kind == patch.kind}
        owner = names.get(patch.name) or scaler
        if not patch.name:  # it is of all of that kind
            owner = next(iter(names.values()), scaler)
        is_kept = _is_kept(owner.partition(" ")[0], patch.value)
        if owner and patch.kind in RUNNING and patch.value is not None and not is_kept:
            said = f"this patch sets replicas to {patch.value}, but {owner} changes it"
            yield from _fight(patch.where, said, patch.kind, patch.name, apps)


def _fight(where: str, said: str, kind: str, name: str, apps: list[App]) -> Iterator[Finding]:
    """Yield the conflict, unless every Application that applies it ignores the number."""
    cause, lacks, advice = "each apply resets", {}, ""
    for app in apps:
        if lack := app.lacks(POINTER, kind, name):
            lacks[app.title] = lack
    if lacks:
        cause, advice = f"{next(iter(lacks))} resets", f", or add {next(iter(lacks.values()))}"
    if lacks or not apps:
        yield Finding(
            where,
            f"{said}: {cause} it, so pods are created and deleted in turn; remove "
            f"`replicas`{advice}",
        )


def _too_much(app: App, owned: Owned) -> Iterator[Finding]:
    for ignored in app.ignored:
        plain = POINTER in ignored.pointers and ignored.kind == "Deployment"
        if plain and (ignored.kind, ignored.name) not in owned:
            what = (
                f"{app.title} ignores the replicas of {ignored.kind} {ignored.name}, which "
                "nothing in the cluster sets: a manual change would persist; remove the rule"
            )
            yield Finding(app.at("spec", "ignoreDifferences"), what)


def _healed(subject: Subject) -> Iterator[object]:
    """Yield what changes a number of replicas that an Application would put back."""
    for app in applications(subject):
        if app.heals:
            yield from _owned(objects(subject, app))
            yield from (ignored for ignored in app.ignored if POINTER in ignored.pointers)


def _scaling(files: Files) -> Iterator[object]:
    """Yield what changes a number of replicas, in objects and in patches."""
    heals = any(app.heals for app in applications(files))
    yield from files.objects(*(TARGETS if heals else SCALERS))
    for artifact in files.objects("Kustomization"):
        yield from (patch for patch in patches(artifact, "spec") if patch.kind in SCALERS)


GATE = Gate(
    id="GIT004",
    title="Only the autoscaler sets the number of replicas",
    phase="gitops",
    source="fixed replicas in git fight the autoscaler (the shop's roadmap, phase 7); "
    "https://argo-cd.readthedocs.io/en/stable/user-guide/diffing",
    check=check,
    scope=counted_in_files("autoscalers and their owners", _scaling, _healed),
    of_files=of_files,
    reads="spec.replicas of what an autoscaler or a canary scales, in objects and in patches of "
    "Kustomizations, and ignoreDifferences of the Application that applies it. Of files without a "
    "plan: also where no Application is.",
)
