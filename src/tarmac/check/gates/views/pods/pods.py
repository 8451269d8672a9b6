"""Pods, by whatever keeps them: a Deployment, a Job, a Rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import NAME, Metadata, kind_of, metadata, name_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.specs import PodSpec
from tarmac.check.gates.views.pods.variables import PodVariables

#: The kinds by which a system keeps pods running.
RUNNING = ("Deployment", "StatefulSet", "Rollout")
_OTHERS = ("ReplicaSet", "ReplicationController", "Pod", "DeploymentConfig", "CloneSet")
#: All kinds whose pods serve, with those that no system of Tarmac has.
SERVING = (*RUNNING, "DaemonSet", *_OTHERS)


class Pods:
    """The pods of one object."""

    def __init__(self, files: Files, artifact: Artifact, path: Path) -> None:
        self._files = files
        self.artifact = artifact
        #: Where their `spec` is.
        self.path = path

    @property
    def kind(self) -> str:
        """The kind of object that keeps them."""
        return kind_of(self.artifact)

    @property
    def name(self) -> str:
        """The name of that object."""
        return name_of(self.artifact)

    @cached_property
    def workload(self) -> str:
        """The workload that they are of; pods of its jobs have another name themselves."""
        own = metadata(self.artifact).labels.get(NAME)
        return str(own or self.labels.get(NAME, self.name))

    @cached_property
    def metadata(self) -> Metadata:
        """What each pod says of itself."""
        is_template = self.path[-1] == "spec"
        return Metadata(
            fields(self.artifact.data, *self.path[:-1], "metadata") if is_template else {}
        )

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What selectors find them by."""
        return self.metadata.labels

    @cached_property
    def spec(self) -> PodSpec:
        """What each pod is."""
        return PodSpec(fields(self.artifact.data, *self.path))

    def at(self, *path: str | int) -> str:
        """Return where a part of their `spec` is."""
        return self.artifact.at(*self.path, *path)

    @cached_property
    def init_containers(self) -> tuple[Container, ...]:
        """Its containers that end before the others start."""
        return self._containers("initContainers")

    @cached_property
    def main_containers(self) -> tuple[Container, ...]:
        """Its containers that run as long as it does."""
        return self._containers("containers")

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Its containers, those that only begin it among them."""
        return (*self.init_containers, *self.main_containers)

    def _containers(self, key: str) -> tuple[Container, ...]:
        path = (*self.path, key)
        return tuple(
            Container(self.artifact, (*path, number), data)
            for number, data in enumerate(items(self.artifact.data, *path))
        )

    @cached_property
    def variables(self) -> PodVariables:
        """What its containers are given."""
        return PodVariables(self._files, self.artifact)

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
    found = _pods(files)
    if not kinds:
        yield from found
        return
    known = {(id(own.artifact), own.path): own for own in found}
    for artifact, path in files.pod_specs(*kinds):
        yield known[id(artifact), path]


@once
def _pods(files: Files) -> Iterator[Pods]:
    """Yield all of them, with what is found in each kept for the next gate."""
    for artifact, path in files.pod_specs():
        yield Pods(files, artifact, path)
