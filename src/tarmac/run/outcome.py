"""What became of a deployment, in a cluster or on one machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: Tells how far a deployment is.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Failure:
    """What did not become ready."""

    what: str
    detail: str
    #: For each cause its text, and the last lines of the log that says more.
    causes: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a deployment."""

    failures: tuple[Failure, ...]
    took_s: float

    @property
    def ready(self) -> bool:
        """Whether all of it runs."""
        return not self.failures
