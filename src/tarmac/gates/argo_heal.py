"""Git and the autoscaler do not fight: one of them says how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates import _argo
from tarmac.gates._argo import App
from tarmac.gates._gate import Files, Gate, Subject
from tarmac.gates._objects import RUNNING, dig, name_of, patches, title
from tarmac.report import Finding

POINTER = "/spec/replicas"
#: Who changes how many there are at any time.
SCALERS = {"HorizontalPodAutoscaler": "scaleTargetRef", "ScaledObject": "scaleTargetRef"}
#: All who say how many there are, and where they name whose number it is.
OWNERS = {**SCALERS, "Canary": "targetRef", "Rollout": "workloadRef"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers that two write, and those that nobody would put right."""
    for app in (each for each in _argo.applications(subject) if each.heals):
        objects = list(_argo.objects(subject, app))
        owned = _owned(objects)
        for each in objects:
            yield from _fixed(each, owned, [app])
        for each in _argo.below(subject, app):
            yield from _patches(each, owned, [app])
        yield from _too_much(app, owned)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield numbers that two write, whether or not Argo CD applies them."""
    apps = [each for each in _argo.applications(files) if each.heals]
    followed = [(app, {id(each) for each in _argo.below(files, app)}) for app in apps]
    owned = _owned(files.objects(*(OWNERS if apps else SCALERS)))
    for each in files.objects(*RUNNING, "Kustomization"):
        # Where none follows the folder that it is in, any of them may.
        own = [app for app, found in followed if id(each) in found] or apps
        yield from _fixed(each, owned, own)
        yield from _patches(each, owned, own)


def _owned(objects: Iterable[Artifact]) -> dict[tuple[Any, Any], Artifact]:
    """Find who says how many there are, by the kind and name of what they say it of."""
    found = {}
    for each in objects:
        if key := OWNERS.get(each.data["kind"]):
            target = dig(each.data, "spec", key) or {}
            found[target.get("kind"), target.get("name")] = each
    return found


def _fixed(each: Artifact, owned: Mapping[Any, Artifact], apps: list[App]) -> Iterator[Finding]:
    kind, name, written = each.data["kind"], name_of(each), dig(each.data, "spec", "replicas")
    if written is not None and (owner := owned.get((kind, name))) is not None:
        said = f"replicas of {title(each)} is {written}, and {title(owner)} changes it"
        yield from _fight(each.at("spec", "replicas"), said, kind, name, apps)


def _patches(each: Artifact, owned: Mapping[Any, Artifact], apps: list[App]) -> Iterator[Finding]:
    """Yield patches that set the number of what the same overlay, or anybody there, scales."""
    found = list(patches(each, "spec", "replicas"))
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
    """Yield what comes of it, but where all who apply it leave the number alone."""
    who, lacks, advice = "each apply sets", {}, ""
    for app in apps:
        if lack := app.lacks(POINTER, kind, name):
            lacks[app.title] = lack
    if lacks:
        who, advice = f"{next(iter(lacks))} heals", f", or add {next(iter(lacks.values()))}"
    if lacks or not apps:
        yield Finding(
            where,
            f"{said}: {who} it back, the other away again, and pods come and go; remove "
            f"`replicas`{advice}",
        )


def _too_much(app: App, owned: Mapping[Any, Artifact]) -> Iterator[Finding]:
    for each in app.spec.get("ignoreDifferences") or ():
        target = each.get("kind"), each.get("name")
        plain = POINTER in (each.get("jsonPointers") or ()) and each.get("kind") == "Deployment"
        if plain and target not in owned:
            what = (
                f"{app.title} ignores the replicas of {each.get('kind')} {each.get('name')}, which "
                "nothing in the cluster sets: a change by hand would stay; take that out"
            )
            yield Finding(app.at("spec", "ignoreDifferences"), what)


GATE = Gate(
    id="GIT004",
    title="The number of replicas is the autoscaler's alone, and nothing in git puts it back",
    phase="gitops",
    source="fixed replicas in git fight the autoscaler (the shop's roadmap, phase 7); "
    "https://argo-cd.readthedocs.io/en/stable/user-guide/diffing",
    check=check,
    of_files=of_files,
    looks_at="spec.replicas of what an autoscaler or a canary scales, in objects and in patches of "
    "Kustomizations, and ignoreDifferences of the Application that applies it. Of files without a "
    "plan: also where no Application is.",
)
