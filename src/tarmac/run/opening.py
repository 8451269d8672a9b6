"""Opens a running system where it is: on this machine, or in a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.state.paths import Home

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.run.system import RunningSystem

LOCAL, CLUSTER = "local", "cluster"


@dataclass(frozen=True)
class Place:
    """Where a verb finds its system, as its options say."""

    target: str = LOCAL
    namespace: str = "default"
    context: str | None = None
    environment: str | None = None

    def check(self) -> None:
        """Refuse a cluster's options without one. Raises BadInput."""
        given = {"--context": self.context, "--env": self.environment}
        named = [option for option, value in given.items() if value is not None]
        if self.target != CLUSTER and named:
            what = "needs a cluster; add --target cluster"
            raise BadInput([Problem(option, what) for option in named])

    def only(self, target: str, option: str, what: str) -> None:
        """Refuse an option that systems elsewhere do not have. Raises BadInput."""
        if self.target != target:
            raise BadInput([Problem(option, what)])


@contextlib.contextmanager
def opened(place: Place, file: Path, loaded: System | None = None) -> Iterator[RunningSystem]:
    """Open a running system.

    Args:
        file: the system's.
        loaded: what it says, where that was read before.

    Raises:
        TarmacError: a cluster's options without one; or the cluster does not answer.
    """
    place.check()
    if place.target == CLUSTER:
        from tarmac.run import (  # noqa: PLC0415 - kubectl and the renderers' plan
            cluster_system as cluster,
        )

        with cluster.opened(file, place.context, place.environment, loaded) as system:
            yield system
    else:
        from tarmac.run.local_system import (  # noqa: PLC0415 - each verb needs one of the two
            LocalSystem,
        )

        yield LocalSystem(file, Home.of(file, place.namespace), loaded)
