"""What ReferenceGrants allow those of other namespaces to name."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.check.gates.views.objects.metadata import space_of


def granted(artifacts: Iterable[Artifact]) -> frozenset[str]:
    """List the objects that grants name, each with its namespace, as NET008 writes them."""
    return frozenset(
        f"{string(one, 'kind')} {string(one, 'name')} of the namespace {space_of(grant)}"
        for grant in artifacts
        if grant.data.get("kind") == "ReferenceGrant"
        for one in items(grant.data, "spec", "to")
    )
