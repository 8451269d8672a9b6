"""A statement of a policy of IAM, or of AWS Organizations, of any origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.check.gates.views.terraform.conditions import TrustCondition


@dataclass(frozen=True)
class PolicyStatement:
    """A statement, as far as it is written."""

    where: str
    #: All texts below each part: `{"Action": ("s3:*",)}`. What is computed has none.
    parts: Mapping[str, tuple[str, ...]]
    #: Some of it is computed by a loop, so that what is absent here may be there.
    partial: bool
    #: Each key that it compares, as far as that is written.
    conditions: tuple[TrustCondition, ...] = ()

    def has(self, part: str, *texts: str) -> bool:
        """Tell whether a part is written with one of some texts."""
        return any(text in self.parts.get(part, ()) for text in texts)

    @property
    def allows(self) -> bool:
        """Whether it gives a right: what a document says without `effect`."""
        return not self.has("Effect", "Deny")
