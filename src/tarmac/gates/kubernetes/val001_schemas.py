"""Every object satisfies the schema of its kind; none is left out."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Subject
from tarmac.gates.views.programs import objects_of
from tarmac.gates.views.scope import counted
from tarmac.report import Finding, Level
from tarmac.schemas import check as asking
from tarmac.schemas import lock


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each field that its schema does not allow, and each object without a schema."""
    schemas = asking.load(lock.read())
    for definition in subject.objects("CustomResourceDefinition", "ConstraintTemplate"):
        schemas.add(definition.data)
    for artifact in objects_of(subject):
        for where, what in schemas.problems(artifact.data):
            yield Finding(artifact.path, f"{where}: {what}", GATE.id)


GATE = Gate(
    id="VAL001",
    title="Every Kubernetes object satisfies its schema, without unknown fields",
    phase="kubernetes",
    source="An API server drops what it does not know, and the setting never takes effect. "
    "Rules in CEL and what Kubernetes checks in its own code need an API server.",
    check=check,
    scope=counted("objects", objects_of),
    level=Level.VALID,
)
