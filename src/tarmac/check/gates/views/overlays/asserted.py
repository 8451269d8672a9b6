"""Files of parts of objects to which tests of a cluster compare what is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

_GROUP = "chainsaw.kyverno.io/"
#: By these names kuttl and Chainsaw know such files.
_NAMED = re.compile(
    r"(?:^|/)\d+-(?:assert|errors?)\.ya?ml$|(?:^|/)chainsaw-(?:assert|error)\.ya?ml$"
)
#: The parts of a step that do something.
_PARTS = ("try", "catch", "finally", "cleanup")


def is_asserted(files: Files, artifact: Artifact) -> bool:
    """Tell whether a test compares objects of the cluster to those of a file."""
    return _NAMED.search(artifact.path) is not None or artifact.path in _asserted(files)[0]


@once
def _asserted(files: Files) -> Iterator[frozenset[str]]:
    yield frozenset(_paths(files))


def _paths(files: Files) -> Iterator[str]:
    for test in files.objects("Test"):
        if str(test.data.get("apiVersion")).startswith(_GROUP):
            folder = posixpath.dirname(test.path)
            for step in items(test.data, "spec", "steps"):
                for one in (one for part in _PARTS for one in items(step, part)):
                    for key in ("assert", "error"):
                        if file := string(one, key, "file"):
                            yield posixpath.normpath(posixpath.join(folder, file))
