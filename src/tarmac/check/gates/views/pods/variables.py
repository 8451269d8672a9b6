"""Variables of containers, as far as objects beside their pods say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.given_texts import GivenText, given_texts


class PodVariables(NamedTuple):
    """What the containers of one object's pods are given."""

    files: Files
    artifact: Artifact

    def of(self, container: Container) -> Mapping[str, GivenText]:
        """Find the texts of a container's variables: its own, and those of objects."""
        return given_texts(self.files).variables(space_of(self.artifact), container)

    def names(self, container: Container) -> frozenset[str]:
        """List the names of its variables, those of values that are elsewhere, too."""
        written = (str(one.name) for one in container.variables if one.name)
        given = given_texts(self.files)
        keys = given.names(space_of(self.artifact), container)
        return frozenset((*written, *keys, *self.of(container)))

    def are_known(self, container: Container) -> bool:
        """Tell whether it has no other variables than those that are known."""
        return given_texts(self.files).is_whole(space_of(self.artifact), container)
