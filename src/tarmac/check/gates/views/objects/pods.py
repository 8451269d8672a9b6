"""Pods, by whatever keeps them: a Deployment, a Job, a Rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.containers import Container
from tarmac.check.gates.views.objects.metadata import NAME, Metadata, metadata, name_of
from tarmac.check.gates.views.objects.pod_specs import PodSpec

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


class Pods:
    """The pods of one object."""

    def __init__(self, artifact: Artifact, template: Fields) -> None:
        self.artifact = artifact
        self.template = template

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
        own = metadata(self.artifact).labels.get(NAME)
        return str(own or self.labels.get(NAME, self.name))

    @property
    def metadata(self) -> Metadata:
        """What each pod says of itself."""
        return Metadata(fields(self.template, "metadata"))

    @property
    def labels(self) -> Mapping[str, str]:
        """What selectors find them by."""
        return self.metadata.labels

    @property
    def spec(self) -> PodSpec:
        """What each pod is."""
        return PodSpec(fields(self.template, "spec"))

    def at(self, *path: str | int) -> str:
        """Return where a part of their `spec` is."""
        return self.artifact.at(*TEMPLATES[self.kind], "spec", *path)

    @cached_property
    def init_containers(self) -> tuple[Container, ...]:
        """Its containers that end before the others start."""
        return self._containers("initContainers")

    @cached_property
    def main_containers(self) -> tuple[Container, ...]:
        """Its containers that run as long as it does."""
        return self._containers("containers")

    @property
    def containers(self) -> tuple[Container, ...]:
        """Its containers, those that only begin it among them."""
        return (*self.init_containers, *self.main_containers)

    def _containers(self, key: str) -> tuple[Container, ...]:
        path = (*TEMPLATES[self.kind], "spec", key)
        return tuple(
            Container(self.artifact, (*path, number), data)
            for number, data in enumerate(items(self.template, "spec", key))
        )

    @cached_property
    def ports(self) -> dict[str, int]:
        """Where its containers listen, by name; one without a name by its number."""
        return {
            str(port.number) if port.name is None else port.name: port.number
            for container in self.containers
            for port in container.ports
            if port.number is not None
        }

    def port(self, asked: str | int | None) -> int | None:
        """Find the number of a port that is given by name or number; None: no container listens."""
        if isinstance(asked, str):
            return self.ports.get(asked)
        return asked if asked in self.ports.values() else None


def pods(files: Files, *kinds: str) -> Iterator[Pods]:
    """Yield the pods of all objects, or of those kinds."""
    for artifact in files.objects(*(kinds or TEMPLATES)):
        template = dig(artifact.data, *TEMPLATES[artifact.data["kind"]])
        if isinstance(template, Mapping):
            yield Pods(artifact, template)


def running(files: Files) -> dict[str, Pods]:
    """Find the pods that are kept running, by their workload."""
    return {pod.workload: pod for pod in pods(files, *RUNNING)}
