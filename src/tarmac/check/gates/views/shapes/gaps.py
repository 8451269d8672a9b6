"""Files whose objects are not whole: marks where a number belongs, and parts of what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import metadata
from tarmac.check.gates.views.shapes.conforming import conform
from tarmac.check.gates.views.shapes.fitting import fitted, shape_of_file

#: By these Argo CD puts some fields into an object that another one made.
_OPTIONS, _PARTIAL = "argocd.argoproj.io/sync-options", {"ServerSideApply=true", "Validate=false"}


def with_gaps(artifacts: Iterable[Artifact]) -> Iterator[str]:
    """Yield the files that have some: what they seem to lack may be there."""
    for artifact in artifacts:
        options = str(metadata(artifact).annotations.get(_OPTIONS, ""))
        if {one.strip() for one in options.split(",")} >= _PARTIAL:
            yield artifact.path
            continue
        shape = shape_of_file(artifact) if fitted(artifact) is not artifact else None
        unread = conform(artifact.content, shape)[1] if shape is not None else ()
        if any(is_mark(one.value) for one in unread):
            yield artifact.path
