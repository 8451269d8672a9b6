"""Every object, workflow and file of rules has the shape that gates read."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.objects.text_forms import is_replaced
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.conforming import conform, describe
from tarmac.check.gates.views.shapes.fitting import shape_of_file
from tarmac.check.schemas.fixes import retyped

#: What JSON calls the types that shapes name.
TYPES = {"a text": ("string",), "a whole number": ("integer",), "true or false": ("boolean",)}


def check(files: Files) -> Iterator[Finding]:
    """Yield values of another type than their place has; no other gate reads them."""
    for artifact in _shaped(files):
        if (shape := shape_of_file(artifact)) is not None:
            for misfit in conform(artifact.content, shape)[1]:
                if misfit.path == ("apiVersion",) and "kind" not in artifact.data:
                    continue  # no object: a file of another program, which has that key, too
                if is_replaced(misfit.value):
                    continue  # an argument that Argo fills in, a variable
                what = f"{describe(misfit)}, so no gate judged it; correct it"
                fix = retyped(misfit.value, TYPES.get(misfit.wanted, ()))
                # A chart's own values leave it open, and others give it.
                is_left = misfit.value is None and is_templated(artifact)
                yield Finding(artifact.at(*misfit.path), what, warning=is_left, fix=fix)


def _shaped(files: Files) -> list[Artifact]:
    return [artifact for artifact in files.raw if shape_of_file(artifact) is not None]


GATE = Gate(
    id="OBJ005",
    title="Every field that gates read has a value of its type",
    phase="kubernetes",
    source="an API server rejects the object, and a gate that cannot read it has proven nothing",
    check=check,
    scope=counted_in_files("files", _shaped),
    of_files=check,
    alone=True,
    targets=("cluster", "compose", "repository"),
    reads="types of the fields that gates read: in Kubernetes objects, workflows of GitHub Actions "
    "and files of Prometheus rules. Unknown fields and all others are for VAL001.",
    level=Level.VALID,
)
