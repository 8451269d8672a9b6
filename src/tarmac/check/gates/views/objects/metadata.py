"""What every object says of itself: its name, namespace, labels and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.shapes.kinds import own_kind

#: The label that names the workload of an object.
NAME = "app.kubernetes.io/name"

#: Cluster-scoped kinds.
CLUSTER_WIDE = frozenset((
    "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "PersistentVolume", "PriorityClass", "StorageClass", "GatewayClass", "IngressClass",
    "ClusterSecretStore", "ClusterIssuer",
))  # fmt: skip


class Metadata:
    """The `metadata` of an object."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str:
        """Its name; empty where it has none."""
        return str(self.data.get("name") or "")

    @property
    def namespace(self) -> str | None:
        """Its namespace; None where its client decides."""
        return text(self.data, "namespace")

    @property
    def labels(self) -> Mapping[str, str]:
        """What selectors find it by."""
        return fields(self.data, "labels")

    @property
    def annotations(self) -> Mapping[str, str]:
        """What controllers are told of it."""
        return fields(self.data, "annotations")

    @property
    def finalizers(self) -> tuple[str, ...]:
        """What is done before it is deleted."""
        return items(self.data, "finalizers")

    @property
    def description(self) -> str:
        """What people are told of it."""
        return str(self.data.get("description") or "")


def metadata(artifact: Artifact) -> Metadata:
    """Read the metadata of an object."""
    return Metadata(fields(artifact.data, "metadata"))


def space_of(artifact: Artifact) -> str:
    """Read an object's namespace; empty: that of whatever applies it."""
    return text(artifact.data, "metadata", "namespace") or ""


def kind_of(artifact: Artifact) -> str:
    """Read an object's kind; of one that has a core kind's name, with its group."""
    return own_kind(artifact.data)


def name_of(artifact: Artifact) -> str:
    """Read an object's name."""
    return str(dig(artifact.data, "metadata", "name") or "")


def title(artifact: Artifact) -> str:
    """Return which object it is: `Service orders`, or the prefix that its name gets."""
    name = name_of(artifact) or str(dig(artifact.data, "metadata", "generateName") or "")
    return f"{artifact.data.get('kind')} {name}"


def group_of(artifact: Artifact) -> str:
    """Read the group of an object's API; empty for the core's."""
    return str(artifact.data.get("apiVersion")).rpartition("/")[0]


class Identity(NamedTuple):
    """What an API server tells an object from all others by."""

    group: str
    kind: str
    namespace: str
    name: str


def identity_of(artifact: Artifact) -> Identity:
    """Read which object it is; values of another type are taken as they are printed."""
    space = metadata(artifact).namespace or ""
    return Identity(*map(str, (group_of(artifact), kind_of(artifact), space, name_of(artifact))))


def named(files: Files, *kinds: str) -> dict[str, Artifact]:
    """Find the objects of some kinds by their names."""
    return {name_of(artifact): artifact for artifact in files.objects(*kinds)}
