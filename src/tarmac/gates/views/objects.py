"""Kubernetes objects as gates read them: pods by whatever keeps them, selectors, amounts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tarmac.artifact import Artifact
from tarmac.foreign.data import from_yaml
from tarmac.gates.gate import Files
from tarmac.model.value import amount as amount  # noqa: PLC0414 - gates read objects by this file

#: Where each kind that makes pods keeps their template.
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
#: Of these, the ones whose pods are kept running.
RUNNING = ("Deployment", "StatefulSet", "Rollout")
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Pods:
    """The pods of one object."""

    artifact: Artifact
    template: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of object that keeps them."""
        return str(self.artifact.data["kind"])

    @property
    def name(self) -> str:
        """The name of that object."""
        return name_of(self.artifact)

    @property
    def workload(self) -> str:
        """The workload that they are of; pods of its jobs have another name themselves."""
        own = dig(self.artifact.data, "metadata", "labels", NAME)
        return str(own or self.labels.get(NAME, self.name))

    @property
    def labels(self) -> Mapping[str, str]:
        """What selectors find them by."""
        return dig(self.template, "metadata", "labels") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """What a pod is."""
        return dig(self.template, "spec") or {}

    @property
    def containers(self) -> tuple[Mapping[str, Any], ...]:
        """Its containers, those that only begin it among them."""
        return (*(self.spec.get("initContainers") or ()), *(self.spec.get("containers") or ()))

    @property
    def ports(self) -> dict[str, int]:
        """Where its containers listen, by name; one without a name by its number."""
        return {
            str(port.get("name", port["containerPort"])): port["containerPort"]
            for container in self.containers
            for port in container.get("ports") or ()
            if "containerPort" in port
        }

    def port(self, asked: str | int) -> int | None:
        """Find the number of a port that is given by name or number; None: no container listens."""
        if isinstance(asked, str):
            return self.ports.get(asked)
        return asked if asked in self.ports.values() else None


def pods(subject: Files, *kinds: str) -> Iterator[Pods]:
    """Yield the pods of all objects, or of those kinds."""
    for artifact in subject.objects(*(kinds or TEMPLATES)):
        template = dig(artifact.data, *TEMPLATES[artifact.data["kind"]])
        if isinstance(template, Mapping):
            yield Pods(artifact, template)


def running(subject: Files) -> dict[str, Pods]:
    """Find the pods that are kept running, by their workload."""
    return {pod.workload: pod for pod in pods(subject, *RUNNING)}


def named(subject: Files, *kinds: str) -> dict[str, Artifact]:
    """Find the objects of some kinds by their names."""
    return {name_of(artifact): artifact for artifact in subject.objects(*kinds)}


@dataclass(frozen=True)
class Patch:
    """What a patch of a Kustomization sets at one place, of which objects, and where it says so."""

    kind: str
    #: Empty where it is of all of that kind.
    name: str
    value: Any
    where: str


def patches(artifact: Artifact, *path: str) -> Iterator[Patch]:
    """Yield what the patches of a Kustomization set at a path; None where they do not."""
    for number, patch in enumerate(dig(artifact.data, "patches") or ()):
        text = str(dig(patch, "patch") or "")
        try:
            read = next(iter(from_yaml(text)), None)
        except yaml.YAMLError:
            continue
        where = artifact.at("patches", number, "patch")
        target, key = dig(patch, "target"), re.search(rf"^\s*{path[-1]}:", text, re.MULTILINE)
        file, _, begun = where.rpartition(":")
        if file and key:  # a block's text begins below its key
            where = f"{file}:{int(begun) + text.count(chr(10), 0, key.end()) + 1}"
        kind = dig(target, "kind") if target else dig(read, "kind")
        name = dig(target, "name") if target else dig(read, "metadata", "name")
        yield Patch(str(kind or ""), str(name or ""), dig(read, *path), where)


def flagged(subject: Files) -> dict[str, Artifact]:
    """Find Flagger's Canaries by the workload that they try."""
    found = subject.objects("Canary")
    return {
        str(dig(autoscaler.data, "spec", "targetRef", "name")): autoscaler for autoscaler in found
    }


def made_by_flagger(subject: Files) -> dict[str, Artifact]:
    """Say what Flagger will make: the Service of the version that serves, by its workload."""
    found = {}
    for name, canary in flagged(subject).items():
        said = dig(canary.data, "spec", "service") or {}
        space = dig(canary.data, "metadata", "namespace")
        ports = [{"name": said.get("portName", "http"), "port": said.get("port")}]
        labels = dig(said, "primary", "labels") or {}
        content = {"metadata": {"namespace": space, "labels": labels}, "spec": {"ports": ports}}
        found[name] = replace(canary, content=content)
    return found


def templated(subject: Files) -> dict[str, Artifact]:
    """Find the Rollouts that make the pods of a Deployment's template, by its name."""
    found = {dig(e.data, "spec", "workloadRef", "name"): e for e in subject.objects("Rollout")}
    return {str(name): artifact for name, artifact in found.items() if name}


class Selectors:
    """Objects by what they select, so that each pod is asked about few of them."""

    def __init__(self, artifacts: Iterable[Artifact], *path: str) -> None:
        self._by: dict[tuple[str, str], list[tuple[Any, Artifact]]] = {}
        self._others: list[tuple[Any, Artifact]] = []
        for artifact in artifacts:
            selector = dig(artifact.data, *path) or {}
            plain = selector.get("matchLabels")
            found = self._by.setdefault(next(iter(plain.items())), []) if plain else self._others
            found.append((selector, artifact))

    def of(self, labels: Mapping[str, str]) -> list[Artifact]:
        """List the objects that select these labels."""
        likely = [pair for item in labels.items() for pair in self._by.get(item, ())]
        return [
            artifact for selector, artifact in (*likely, *self._others) if selects(selector, labels)
        ]


def name_of(artifact: Artifact) -> str:
    """Read an object's name."""
    return str(dig(artifact.data, "metadata", "name") or "")


def spec_of(artifact: Artifact) -> Mapping[str, Any]:
    """Read what an object asks for; empty where it says nothing."""
    spec = dig(artifact.data, "spec")
    return spec if isinstance(spec, Mapping) else {}


def title(artifact: Artifact) -> str:
    """Say which object it is: `Service orders`."""
    return f"{artifact.data.get('kind')} {name_of(artifact)}"


def dig(data: Any, *path: str | int) -> Any:
    """Read what stands at a path; None where there is nothing."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list | tuple) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector (matchLabels, matchExpressions) takes these labels."""
    selector = selector or {}
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or ():
        there, values = labels.get(expression["key"]), expression.get("values") or ()
        holds = {
            "In": there in values,
            "NotIn": there not in values,
            "Exists": there is not None,
            "DoesNotExist": there is None,
        }
        if not holds.get(expression["operator"], False):
            return False
    return True
