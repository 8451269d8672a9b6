"""How the forms of an environment's objects differ: the plain ones, the overlay's, the charts'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.check.gates.inputs import Form
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import NAME, Identity, identity_of, metadata
from tarmac.check.gates.views.unequal import unequal

COMPONENT = "app.kubernetes.io/component"
#: What a packer says of itself, and what follows from other parts: no difference of its own.
IGNORED = frozenset((
    "app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/hook", "helm.sh/hook-weight",
    "helm.sh/hook-delete-policy", "tarmac.dev/config", "tarmac.dev/sealed",
))  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A part that two forms of one object do not say alike; or an object that one has not."""

    identity: Identity
    path: Path
    #: The object in either form; None: it is not in that one.
    plain: Artifact | None
    packed: Artifact | None
    #: What each says; None where it is absent.
    plain_value: Any = None
    packed_value: Any = None

    @property
    def place(self) -> str:
        """Where the packed form says it."""
        return self.packed.at(*self.path) if self.packed else ""


def plain_of(subject: Subject, form: Form) -> list[Artifact]:
    """List the plain objects of the workloads that a form has."""
    return covered(subject.raw, form)


def covered(artifacts: Iterable[Artifact], form: Form) -> list[Artifact]:
    """List the objects that a form says again, or should."""
    known = set(map(identity_of, form.artifacts))
    names = {name for one in form.artifacts if (name := _workload(one))}
    objects = [one for one in artifacts if one.is_object and "kind" in one.data]
    return [one for one in objects if identity_of(one) in known or _workload(one) in names]


def _workload(artifact: Artifact) -> str | None:
    labels = metadata(artifact).labels
    name = labels.get(NAME) if isinstance(labels, Mapping) and COMPONENT in labels else None
    return name if isinstance(name, str) else None


def differences(subject: Subject, form: Form) -> Iterator[Difference]:
    """Yield differences between a form and the plain tree."""
    plain = {identity_of(one): one for one in plain_of(subject, form)}
    packed = {identity_of(one): one for one in form.artifacts}
    moved = {identity[:2] + identity[3:]: identity for identity in plain.keys() - packed.keys()}
    for identity in sorted(packed.keys() - plain.keys()):
        # The same object in another namespace.
        if before := moved.pop(identity[:2] + identity[3:], None):
            plain[identity] = plain.pop(before)
    for identity in sorted(plain.keys() | packed.keys()):
        one, other = plain.get(identity), packed.get(identity)
        if one is None or other is None:
            yield Difference(identity, (), one, other)
            continue
        for path, said, instead in unequal(one.data, other.data, ignored=IGNORED):
            yield Difference(identity, path, one, other, said, instead)
