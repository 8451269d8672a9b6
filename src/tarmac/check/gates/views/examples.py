"""Objects that a policy is tried with: gator's suites name them, and nothing applies them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, text

SUITES = "test.gatekeeper.sh/"


def examples(artifacts: Iterable[Artifact]) -> frozenset[str]:
    """List the files that the suites among these name as objects of their cases."""
    return frozenset(
        posixpath.normpath(posixpath.join(posixpath.dirname(artifact.path), named))
        for artifact in artifacts
        if str(artifact.data.get("apiVersion", "")).startswith(SUITES)
        for test in items(artifact.data, "tests")
        for case in items(test, "cases")
        if (named := text(case, "object"))
    )


def applied(artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    """Leave such files out."""
    found = examples(artifacts)
    return tuple(a for a in artifacts if a.path not in found) if found else artifacts
