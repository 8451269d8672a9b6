"""Handwritten routes do not conflict with those of Flagger or of a Rollout."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import yaml

from tarmac.base.artifact import Artifact, Format
from tarmac.base.foreign.data import from_yaml
from tarmac.base.foreign.reading import fields, mappings, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, named, title
from tarmac.check.gates.views.objects.routes import Route
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.trials.canaries import Canary
from tarmac.check.gates.views.trials.trials import Trial, trials

KINDS = ("VirtualService", "DestinationRule", "HTTPRoute", "Ingress", "Service", "Deployment")
MESH = ("VirtualService", "DestinationRule")
#: Parts and copies of the objects below k8s/.
PACKED = ("kustomize/", "charts/")
ADVICE = "remove it, and set its retries, timeouts and trafficPolicy in the Canary's `service`"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects with a name or host that a Canary or Rollout owns."""
    there, routes = NameIndex(_objects(subject), near=False), named(subject, "HTTPRoute")
    for trial in trials(subject):
        if trial.canary:
            yield from _flagger(trial, trial.canary, there)
        else:
            yield from _absent(trial, named(subject, "Service"), routes)
            yield from _rollout(trial, routes, there)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files without a plan, which may be of many environments, or a part."""
    there, routes = NameIndex(_objects(files), near=True), named(files, "HTTPRoute")
    for trial in trials(files):
        canary, folder = trial.canary, posixpath.dirname(trial.artifact.path)
        found = _flagger(trial, canary, there) if canary else _rollout(trial, routes, there)
        for finding in found:
            # What is in another folder may be of another example, or for another cluster.
            yield replace(finding, warning=posixpath.dirname(finding.position[0]) != folder)


class NameIndex:
    """Objects by their names and by the hosts that they route."""

    def __init__(self, objects: Iterable[Artifact], *, near: bool) -> None:
        self._objects, self._near = tuple(objects), near
        self._by: dict[str, set[int]] = {}
        for number, artifact in enumerate(self._objects):
            for host in (name_of(artifact), *_hosts(artifact)):
                parts = host.split(".")  # a Service's long name begins with its short one
                for end in range(1, len(parts) + 1):
                    self._by.setdefault(".".join(parts[:end]), set()).add(number)

    def of(self, names: Iterable[str], trial: Trial) -> list[Artifact]:
        """List those near a trial that have one of these names, or may route one of them."""
        found = set[int]().union(*(self._by.get(name, ()) for name in names))
        objects = (self._objects[number] for number in sorted(found))
        return [one for one in objects if not self._near or _is_near(one, trial)]


def _is_near(artifact: Artifact, trial: Trial) -> bool:
    """Tell whether an object is of the same environment: others have Services of that name, too."""
    same = (metadata(artifact).namespace or "") == trial.namespace
    beside = posixpath.dirname(artifact.path) == posixpath.dirname(trial.artifact.path)
    return beside or (same and kind_of(artifact) in MESH)


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
            documents = from_yaml(text)
        except yaml.YAMLError:
            continue  # a template; its namespace is known when it is applied
        for document in documents:
            if isinstance(document, Mapping) and document.get("kind") in KINDS:
                yield Artifact(artifact.path, document, format=Format.OBJECT)


def _flagger(trial: Trial, canary: Canary, there: NameIndex) -> Iterator[Finding]:
    name, service = trial.workload, canary.service
    apex = service.name or name
    own = {apex, f"{apex}-primary", f"{apex}-canary"}
    hosts = {*own, *service.hosts}
    made = {
        "Service": own,
        "DestinationRule": own,
        "VirtualService": {apex},
        "Deployment": {f"{name}-primary"},
    }
    whose = title(trial.artifact)
    for artifact in there.of({*hosts, f"{name}-primary"}, trial):
        if metadata(artifact).namespace not in (None, trial.namespace):
            continue
        where = artifact.at("metadata", "name")
        if name_of(artifact) in made.get(kind_of(artifact), ()):
            what = f"is made by Flagger for {whose}: each overwrites the other, weights included"
            yield Finding(where, f"{title(artifact)} {what}; {ADVICE}")
            continue
        for host in sorted(routed_hosts(artifact, trial.namespace) & hosts):
            what = f"routes {host}, and so does the VirtualService that Flagger makes for {whose}"
            which = "which of the two applies is undefined"
            yield Finding(where, f"{title(artifact)} {what}: {which}; {ADVICE}")


def _absent(
    trial: Trial, services: Mapping[str, Artifact], routes: Mapping[str, Artifact]
) -> Iterator[Finding]:
    """Yield what a Rollout names and what does not exist, where all objects are known."""
    both, moved = trial.rollout.services, trial.rollout.moved
    absent = [f"Service {name}" for name in both if name is not None and name not in services]
    for absence in (*absent, *(f"HTTPRoute {name}" for name in sorted(moved - routes.keys()))):
        what = f"{title(trial.artifact)} names the {absence}, which does not exist; add it"
        yield Finding(trial.artifact.path, what)


def _rollout(trial: Trial, routes: Mapping[str, Artifact], there: NameIndex) -> Iterator[Finding]:
    both, moved = trial.rollout.services, trial.rollout.moved
    whose = title(trial.artifact)
    for name in sorted(moved & routes.keys()):
        rules = Route(routes[name]).rules
        if not any({*both} <= {end.service for end in rule.backends} for rule in rules):
            yield Finding(
                trial.artifact.at("spec", "strategy"),
                f"{whose} shifts the weights of HTTPRoute {name}, no rule of which routes to "
                f"{' and '.join(map(str, both))}; let one rule route to both",
            )
    own = {trial.workload, *map(str, both)}
    for artifact in there.of(own, trial):
        is_moved = kind_of(artifact) == "HTTPRoute" and name_of(artifact) in moved
        if not moved or is_moved or kind_of(artifact) not in ("VirtualService", "HTTPRoute"):
            continue
        for host in sorted(routed_hosts(artifact, trial.namespace) & own):
            yield Finding(
                artifact.at("metadata", "name"),
                f"{title(artifact)} routes {host} as well, and {whose} does not shift its weights; "
                "remove it, or name it in the Rollout's `trafficRouting`",
            )


def routed_hosts(artifact: Artifact, namespace: str) -> set[str]:
    """Find the hosts whose requests an object routes, those of Services by their short names."""
    return {_short(host, namespace) for host in _hosts(artifact)}


def _hosts(artifact: Artifact) -> Iterator[str]:
    spec = fields(artifact.data, "spec")
    match kind_of(artifact):
        case "VirtualService":
            yield from texts(spec.get("hosts"))
        case "DestinationRule":
            yield from texts(spec.get("host"))
        case "HTTPRoute":
            yield from texts(spec.get("hostnames"))
            for parent in mappings(spec.get("parentRefs")):
                if parent.get("kind") == "Service":
                    yield from texts(parent.get("name"))
        case "Ingress":
            for rule in mappings(spec.get("rules")):
                yield from texts(rule.get("host", ""))


def _short(host: str, namespace: str) -> str:
    """Take a Service's long name for its short one; of any namespace where none is known."""
    end = rf"\.{re.escape(namespace)}(\.svc(\..+)?)?$" if namespace else r"\.[^.]+\.svc(\..+)?$"
    return re.sub(end, "", host)


GATE = Gate(
    id="CAN003",
    title="No other route or Service conflicts with those of Flagger or a Rollout",
    phase="mesh",
    source="a roadmap applies a VirtualService with weights of its own beside the Canary that "
    "makes one of the same host",
    check=check,
    scope=counted_in_files("canaries", trials),
    of_files=of_files,
    targets=("cluster",),
    reads="VirtualServices, DestinationRules, HTTPRoutes, Ingresses, Services and Deployments, "
    "in files of one's own too, beside Canaries and Rollouts of the same namespace. Of files "
    "without a plan: what is in the same folder, and the mesh's routes anywhere; missing "
    "objects are not reported.",
)
