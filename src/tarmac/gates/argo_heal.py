"""Git and the autoscaler do not fight: one of them says how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates import _argo
from tarmac.gates._argo import App
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, name_of, title
from tarmac.report import Finding

POINTER = "/spec/replicas"
RESPECT = "RespectIgnoreDifferences=true"
#: Who else says how many there are, and where it names them.
OWNERS = {
    "HorizontalPodAutoscaler": "scaleTargetRef",
    "ScaledObject": "scaleTargetRef",
    "Canary": "targetRef",
    "Rollout": "workloadRef",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield numbers that two write."""
    apps = _argo.applications(subject)
    healed = [app for app in apps if dig(app.spec, "syncPolicy", "automated", "selfHeal")]
    for app in healed:
        objects = {(e.data["kind"], name_of(e)): e for e in _argo.objects(subject, app)}
        owned = {}
        for each in objects.values():
            if key := OWNERS.get(each.data["kind"]):
                target = dig(each.data, "spec", key) or {}
                owned[target.get("kind"), target.get("name")] = each
        for target, owner in owned.items():
            if target in objects and dig(objects[target].data, "spec", "replicas") is not None:
                yield from _fight(app, objects[target], owner)
        yield from _too_much(app, owned)


def _fight(app: App, target: Artifact, owner: Artifact) -> Iterator[Finding]:
    ignored = any(
        each.get("kind") == target.data["kind"]
        and each.get("name") in (None, "", name_of(target))
        and POINTER in (each.get("jsonPointers") or ())
        for each in app.spec.get("ignoreDifferences") or ()
    )
    options = dig(app.spec, "syncPolicy", "syncOptions") or ()
    if not ignored or RESPECT not in options:
        lacks = RESPECT if ignored else f"ignoreDifferences of {POINTER}"
        what = (
            f"{title(target)} has fixed replicas in git and {title(owner)} changes them: "
            f"{app.title} puts them back each time; leave them out, or add {lacks}"
        )
        yield Finding(target.path, what)


def _too_much(app: App, owned: Mapping[Any, Artifact]) -> Iterator[Finding]:
    for each in app.spec.get("ignoreDifferences") or ():
        target = each.get("kind"), each.get("name")
        plain = POINTER in (each.get("jsonPointers") or ()) and each.get("kind") == "Deployment"
        if plain and target not in owned:
            what = (
                f"{app.title} ignores the replicas of {each.get('kind')} {each.get('name')}, which "
                "nothing in the cluster sets: a change by hand would stay; take that out"
            )
            yield Finding(app.artifact.path, what)


GATE = Gate(
    id="GIT004",
    title="No self-heal undoes an autoscaler",
    phase="gitops",
    source="fixed replicas in git fight the autoscaler (the shop's roadmap, phase 7); "
    "https://argo-cd.readthedocs.io/en/stable/user-guide/diffing",
    check=check,
    looks_at="spec.replicas of what an autoscaler or a canary scales, and ignoreDifferences of the "
    "Application that applies it.",
)
