"""Grants of everything, in roles and in projects of Argo CD."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.views.objects.metadata import kind_of, name_of
from tarmac.gates.views.reading import Path, items

GRANTING = ("Role", "ClusterRole", "AppProject")
_ALL = "*"
_LISTS = ("verbs", "resources", "apiGroups")


def wildcards(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield where an object grants everything, and what of."""
    if kind_of(artifact) == "AppProject":
        # `default` comes with Argo CD, and allows everything on purpose.
        if _ALL in items(artifact.data, "spec", "sourceRepos") and name_of(artifact) != "default":
            yield ("spec", "sourceRepos"), "lets every repository be applied; name its own"
        return
    for number, rule in enumerate(items(artifact.data, "rules")):
        found = [key for key in _LISTS if _ALL in items(rule, key)]
        if found:
            what = f"grants every one of {', '.join(found)}; name those that it needs"
            yield ("rules", number, found[0]), what
