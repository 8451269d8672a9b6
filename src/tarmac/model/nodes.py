"""The nodes of a cluster in the cloud: groups of a fixed size, and pools that follow the pods."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StringConstraints

from tarmac.model.texts import LabelValue
from tarmac.model.value import Amount, Duration, StrictModel

#: Families of ARM processors: m7g, c8gn, t4g.
_ARM = re.compile(r"[a-z]+\d+g[a-z]*\.")
#: `m5.large`, `db.r6g.large`, `cache.r6g.large`.
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+){1,2}$")]


def architectures(types: tuple[str, ...]) -> frozenset[str]:
    """Return those of instance types."""
    return frozenset("arm64" if _ARM.match(kind) else "x86_64" for kind in types)


class NodeGroup(StrictModel):
    """Nodes that are alike; each has the label `role` with the group's name."""

    types: tuple[InstanceType, ...] = Field(
        default=("m5.large",), min_length=1, description="Instance types, the preferred one first."
    )
    spot: bool = Field(
        default=False,
        description="Spot nodes: AWS takes them back at two minutes' notice. They have the label "
        "and the taint `capacity=spot`.",
    )
    min: int = Field(default=2, ge=0, description="The fewest nodes.")
    desired: int = Field(default=3, ge=0, description="The nodes to begin with.")
    max: int = Field(default=10, ge=1, description="The most nodes.")
    disk: Amount = Field(default="50Gi", description="The disk of a node: images, logs, scratch.")

    @property
    def architectures(self) -> frozenset[str]:
        """Those of its instance types; all nodes of a group start from one image."""
        return architectures(self.types)


class PoolLimits(StrictModel):
    """The most that all nodes of a pool together may have; beyond it pods wait."""

    cpu: Amount = Field(description="Processors of all its nodes: 100.")
    memory: Amount = Field(description="Memory of all its nodes: 400Gi.")


class NodePool(StrictModel):
    """Nodes that Karpenter makes for pods that have no place, and takes away again."""

    types: tuple[InstanceType, ...] = Field(
        min_length=1, description="Instance types; Karpenter takes the cheapest that fits."
    )
    spot: bool = Field(
        default=True, description="Spot nodes while AWS has some, else nodes on demand."
    )
    limits: PoolLimits = Field(description="The most that all its nodes together may have.")
    role: LabelValue | None = Field(
        default=None,
        description="The label `role` of its nodes, as the pods select it; default: the pool's "
        "name.",
    )
    empty: Duration = Field(
        default=30,
        description="For so long a node is empty or under-used before its pods are moved and it "
        "goes.",
    )
    expires: Duration = Field(
        default=720 * 3600, gt=0, description="The age at which a node is replaced."
    )
    disk: Amount = Field(default="50Gi", description="The disk of a node: images, logs, scratch.")

    @property
    def architectures(self) -> frozenset[str]:
        """Those of its instance types."""
        return architectures(self.types)
