"""Routes by hand do not meet those that Flagger makes, or those whose weights a Rollout moves."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

import yaml

from tarmac.artifact import Artifact
from tarmac.gates._canaries import Trial, led, trials
from tarmac.gates._gate import Files, Gate, Subject
from tarmac.gates._objects import dig, name_of, named, title
from tarmac.report import Finding

KINDS = ("VirtualService", "DestinationRule", "HTTPRoute", "Ingress", "Service", "Deployment")
MESH = ("VirtualService", "DestinationRule")
#: Halves and copies of the objects below k8s/.
PACKED = ("kustomize/", "charts/")
ADVICE = "remove it, and say its retries, time-outs and trafficPolicy in the Canary's `service`"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects of a name or host that what tries new versions has for itself."""
    there = list(_objects(subject))
    for trial in trials(subject):
        if trial.flagger:
            yield from _flagger(trial, there)
        else:
            yield from (*_absent(subject, trial), *_rollout(subject, trial, there))


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files that nobody planned, which may be of many environments, or a part."""
    there = list(_objects(files))
    for trial in trials(files):
        near = [each for each in there if _is_near(each, trial)]
        yield from _flagger(trial, near) if trial.flagger else _rollout(files, trial, near)


def _is_near(each: Artifact, trial: Trial) -> bool:
    """Tell whether an object is of the same environment: others have Services of that name, too."""
    same = (dig(each.data, "metadata", "namespace") or "") == trial.space
    beside = posixpath.dirname(each.path) == posixpath.dirname(trial.artifact.path)
    return beside or (same and each.data["kind"] in MESH)


def _objects(files: Files) -> Iterator[Artifact]:
    """Yield the objects of those kinds, those in files of one's own among them."""
    yield from files.objects(*KINDS)
    for artifact in files.artifacts:
        text = artifact.content
        if not isinstance(text, str) or not artifact.path.endswith((".yaml", ".yml")):
            continue
        if "apiVersion:" not in text or artifact.path.startswith(PACKED):
            continue
        try:
            documents = list(yaml.safe_load_all(text))
        except yaml.YAMLError:
            continue  # a template; whoever applies it will say so
        for each in documents:
            if isinstance(each, Mapping) and each.get("kind") in KINDS:
                yield Artifact(artifact.path, each)


def _flagger(trial: Trial, there: list[Artifact]) -> Iterator[Finding]:
    name, service = trial.workload, trial.spec.get("service") or {}
    apex = str(service.get("name") or name)
    own = {apex, f"{apex}-primary", f"{apex}-canary"}
    hosts = {*own, *(service.get("hosts") or ())}
    made = {
        "Service": own,
        "DestinationRule": own,
        "VirtualService": {apex},
        "Deployment": {f"{name}-primary"},
    }
    whose = title(trial.artifact)
    for artifact in there:
        if dig(artifact.data, "metadata", "namespace") not in (None, trial.space):
            continue
        if name_of(artifact) in made.get(artifact.data["kind"], ()):
            yield Finding(
                artifact.at("metadata", "name"),
                f"{title(artifact)} is made by Flagger for {whose}: each undoes what the other "
                f"writes, weights too; {ADVICE}",
            )
            continue
        for host in sorted(led(artifact, trial.space) & hosts):
            yield Finding(
                artifact.at("metadata", "name"),
                f"{title(artifact)} leads {host}, and so does the VirtualService that Flagger "
                f"makes for {whose}: which of the two holds is chance, and its weights may never; "
                f"{ADVICE}",
            )


def _absent(subject: Subject, trial: Trial) -> Iterator[Finding]:
    """Yield what a Rollout names and what is not there, where all that there is is known."""
    both, moved = trial.services, trial.moved
    services, routes = named(subject, "Service"), named(subject, "HTTPRoute")
    absent = [f"Service {name}" for name in both if name is not None and name not in services]
    for each in (*absent, *(f"HTTPRoute {name}" for name in sorted(moved - routes.keys()))):
        what = f"{title(trial.artifact)} names the {each}, which is not there; add it"
        yield Finding(trial.artifact.path, what)


def _rollout(files: Files, trial: Trial, there: list[Artifact]) -> Iterator[Finding]:
    both, moved, routes = trial.services, trial.moved, named(files, "HTTPRoute")
    whose = title(trial.artifact)
    for name in sorted(moved & routes.keys()):
        rules = dig(routes[name].data, "spec", "rules") or ()
        ends = [{each.get("name") for each in rule.get("backendRefs") or ()} for rule in rules]
        if not any({*both} <= each for each in ends):
            yield Finding(
                trial.artifact.at("spec", "strategy"),
                f"{whose} is to move the weights of HTTPRoute {name}, which leads nowhere to "
                f"{' and '.join(map(str, both))}; let one of its rules lead to both",
            )
    own = {trial.workload, *map(str, both)}
    for artifact in there:
        if artifact.data["kind"] not in ("VirtualService", "HTTPRoute") or not moved:
            continue
        if artifact.data["kind"] == "HTTPRoute" and name_of(artifact) in moved:
            continue
        for host in sorted(led(artifact, trial.space) & own):
            yield Finding(
                artifact.at("metadata", "name"),
                f"{title(artifact)} leads {host} as well, and {whose} does not move its weights; "
                "remove it, or name it in the Rollout's `trafficRouting`",
            )


GATE = Gate(
    id="CAN003",
    title="No route or Service by hand is one that Flagger or a Rollout has for itself",
    phase="mesh",
    source="a roadmap applies a VirtualService with weights of its own beside the Canary that "
    "makes one of the same host",
    check=check,
    of_files=of_files,
    targets=("cluster",),
    looks_at="VirtualServices, DestinationRules, HTTPRoutes, Ingresses, Services and Deployments, "
    "in files of one's own too, beside Canaries and Rollouts of the same namespace. Of files "
    "without a plan: what is in the same folder, and the mesh's routes anywhere; nothing is missed "
    "that is not there.",
)
