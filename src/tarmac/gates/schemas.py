"""Every object satisfies the schema of its kind; none is left out."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.report import Finding, Level
from tarmac.schemas import check as asking
from tarmac.schemas import convert, lock


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each field that its schema does not take, and each object that has no schema."""
    schemas = asking.load(lock.read())
    for definition in subject.objects("CustomResourceDefinition", "ConstraintTemplate"):
        schemas.add(definition.data)
    for artifact in subject.objects():
        if convert.is_object(artifact.data):
            for where, what in schemas.problems(artifact.data):
                yield Finding(artifact.path, f"{where}: {what}", GATE.id)


GATE = Gate(
    id="VAL001",
    title="Every Kubernetes object satisfies the schema of its kind, unknown fields included",
    phase="kubernetes",
    source="An API server drops what it does not know, and the setting never takes effect. "
    "Rules in CEL and what Kubernetes checks in its own code need an API server.",
    check=check,
    level=Level.VALID,
)
