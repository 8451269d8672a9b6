"""Files with marks where a number or the like belongs, which no gate can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.shapes.conforming import conform
from tarmac.check.gates.views.shapes.fitting import fitted, shape_of_file


def with_gaps(artifacts: Iterable[Artifact]) -> Iterator[str]:
    """Yield the files that have some: what they seem to lack may be there."""
    for artifact in artifacts:
        shape = shape_of_file(artifact) if fitted(artifact) is not artifact else None
        unread = conform(artifact.content, shape)[1] if shape is not None else ()
        if any(is_mark(one.value) for one in unread):
            yield artifact.path
