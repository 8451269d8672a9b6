"""Kubernetes objects of a rendered system as tests ask for them: by kind, by name, pod by pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rendered import artifacts_of

from tarmac.base.artifact import Artifact

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Pods:
    """The pods that one object makes."""

    of: Data
    template: Data

    @property
    def labels(self) -> Mapping[str, str]:
        return self.template["metadata"]["labels"]

    @property
    def name(self) -> str:
        return self.labels["app.kubernetes.io/name"]

    @property
    def spec(self) -> Data:
        return self.template["spec"]

    @property
    def containers(self) -> list[Data]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def objects(artifacts: tuple[Artifact, ...]) -> list[Data]:
    """List the Kubernetes objects among files."""
    return [artifact.data for artifact in artifacts if artifact.path.startswith("k8s/")]


def objects_of(system: str, environment: str, kind: str = "") -> list[Data]:
    """List a rendered system's objects of a kind, or all."""
    found = objects(artifacts_of(system, environment))
    return [manifest for manifest in found if kind in ("", manifest["kind"])]


def named(system: str, environment: str, kind: str, name: str) -> Data:
    """Find one object. Raises KeyError with what there is."""
    found = {o["metadata"]["name"]: o for o in objects_of(system, environment, kind)}
    if name not in found:
        raise KeyError(f"{kind} {name}; there is {sorted(found)}")
    return found[name]


def template_of(made: Data) -> Data | None:
    """Find an object's pod template."""
    match made["kind"]:
        case "Deployment" | "StatefulSet" | "Job":
            return made["spec"]["template"]
        case "CronJob":
            return made["spec"]["jobTemplate"]["spec"]["template"]
    return None


def pods_in(found: list[Data]) -> Iterator[Pods]:
    """Yield the pods of every object that makes some."""
    for made in found:
        if (template := template_of(made)) is not None:
            yield Pods(made, template)


def pods_of(system: str, environment: str) -> list[Pods]:
    """List a rendered system's pods."""
    return list(pods_in(objects_of(system, environment)))


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector's `matchLabels` takes such labels; an empty one takes all."""
    assert set(selector) <= {"matchLabels"}, "the evaluator knows no other way to select"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
