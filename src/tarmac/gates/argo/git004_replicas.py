"""Git and the autoscaler agree: only one of them sets the number of replicas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files, Gate, Subject
from tarmac.gates.views import argo
from tarmac.gates.views.argo import App
from tarmac.gates.views.objects import RUNNING, dig, name_of, patches, title
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

POINTER = "/spec/replicas"
#: Kinds that change a number of replicas at any time.
SCALERS = {"HorizontalPodAutoscaler": "scaleTargetRef", "ScaledObject": "scaleTargetRef"}
#: Kinds that set a number of replicas, and the field that names their target.
OWNERS = {**SCALERS, "Canary": "targetRef", "Rollout": "workloadRef"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield replica counts that two objects set, and ignored ones that none sets."""
    for app in (application for application in argo.applications(subject) if application.heals):
        objects = list(argo.objects(subject, app))
        owned = _owned(objects)
        for artifact in objects:
            yield from _fixed(artifact, owned, [app])
        for artifact in argo.below(subject, app):
            yield from _patches(artifact, owned, [app])
        yield from _too_much(app, owned)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield replica counts that two objects set, whether or not Argo CD applies them."""
    apps = [application for application in argo.applications(files) if application.heals]
    followed = [(app, {id(artifact) for artifact in argo.below(files, app)}) for app in apps]
    owned = _owned(files.objects(*(OWNERS if apps else SCALERS)))
    for artifact in files.objects(*RUNNING, "Kustomization"):
        # Where none follows the folder that it is in, any of them may.
        own = [app for app, found in followed if id(artifact) in found] or apps
        yield from _fixed(artifact, owned, own)
        yield from _patches(artifact, owned, own)


def _owned(objects: Iterable[Artifact]) -> dict[tuple[Any, Any], Artifact]:
    """Find the object that sets a number of replicas, by the kind and name of its target."""
    found = {}
    for artifact in objects:
        if key := OWNERS.get(artifact.data["kind"]):
            target = dig(artifact.data, "spec", key) or {}
            found[target.get("kind"), target.get("name")] = artifact
    return found


def _fixed(artifact: Artifact, owned: Mapping[Any, Artifact], apps: list[App]) -> Iterator[Finding]:
    data = artifact.data
    kind, name, written = data["kind"], name_of(artifact), dig(data, "spec", "replicas")
    if written is not None and (owner := owned.get((kind, name))) is not None:
        said = f"replicas of {title(artifact)} is {written}, and {title(owner)} changes it"
        yield from _fight(artifact.at("spec", "replicas"), said, kind, name, apps)


def _patches(
    artifact: Artifact, owned: Mapping[Any, Artifact], apps: list[App]
) -> Iterator[Finding]:
    """Yield patches that set the number of what the same overlay, or an object there, scales."""
    found = list(patches(artifact, "spec", "replicas"))
    scaler = "an autoscaler" if any(patch.kind in SCALERS for patch in found) else ""
    for patch in found:
        names = {name: title(own) for (kind, name), own in owned.items() if kind == patch.kind}
        owner = names.get(patch.name) or scaler
        if not patch.name:  # it is of all of that kind
            owner = next(iter(names.values()), scaler)
        if owner and patch.kind in RUNNING and patch.value is not None:
            said = f"this patch sets replicas to {patch.value}, and {owner} changes it"
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
            f"{said}: {cause} it, and pods are created and deleted in turn; remove "
            f"`replicas`{advice}",
        )


def _too_much(app: App, owned: Mapping[Any, Artifact]) -> Iterator[Finding]:
    for rule in app.spec.get("ignoreDifferences") or ():
        target = rule.get("kind"), rule.get("name")
        plain = POINTER in (rule.get("jsonPointers") or ()) and rule.get("kind") == "Deployment"
        if plain and target not in owned:
            what = (
                f"{app.title} ignores the replicas of {rule.get('kind')} {rule.get('name')}, which "
                "nothing in the cluster sets: a manual change would persist; remove the rule"
            )
            yield Finding(app.at("spec", "ignoreDifferences"), what)


def _healed(subject: Subject) -> Iterator[object]:
    """Yield what changes a number of replicas that an Application would put back."""
    for app in argo.applications(subject):
        if app.heals:
            yield from _owned(argo.objects(subject, app))
            ignored = app.spec.get("ignoreDifferences") or ()
            yield from (rule for rule in ignored if POINTER in (rule.get("jsonPointers") or ()))


def _scaling(files: Files) -> Iterator[object]:
    """Yield what changes a number of replicas, in objects and in patches."""
    heals = any(app.heals for app in argo.applications(files))
    yield from files.objects(*(OWNERS if heals else SCALERS))
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
