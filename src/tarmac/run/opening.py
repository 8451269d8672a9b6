"""Opens a running system where it is: on this machine, in a cluster, or with Docker Compose."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.state.paths import Home

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.run.system import RunningSystem

LOCAL, CLUSTER, COMPOSE = "local", "cluster", "compose"
TARGETS = (LOCAL, CLUSTER, COMPOSE)
#: Where `tarmac deploy` has put it.
DEPLOYED = (CLUSTER, COMPOSE)


@dataclass(frozen=True)
class Place:
    """Where a verb finds its system, as its options say."""

    target: str = LOCAL
    namespace: str = "default"
    context: str | None = None
    environment: str | None = None
    host: str | None = None

    def check(self) -> None:
        """Refuse the options of another target. Raises BadInput."""
        given = {"--context": self.context, "--env": self.environment}
        named = [option for option, value in given.items() if value is not None]
        if self.target == LOCAL and named:
            what = "needs --target cluster or compose"
            raise BadInput([Problem(option, what) for option in named])
        if self.host is not None:
            self.only((COMPOSE,), "--host", "needs --target compose")

    def only(self, targets: Collection[str], option: str, what: str) -> None:
        """Refuse an option that systems elsewhere do not have. Raises BadInput."""
        if self.target not in targets:
            raise BadInput([Problem(option, what)])


@contextlib.contextmanager
def opened(place: Place, file: Path, loaded: System | None = None) -> Iterator[RunningSystem]:
    """Open a running system.

    Args:
        file: the system's.
        loaded: what it says, where that was read before.

    Raises:
        TarmacError: options of another target; or the cluster or daemon does not answer.
    """
    place.check()
    if place.target == CLUSTER:
        from tarmac.run import (  # noqa: PLC0415 - kubectl and the renderers' plan
            cluster_system as cluster,
        )

        with cluster.opened(file, place.context, place.environment, loaded) as system:
            yield system
    elif place.target == COMPOSE:
        from tarmac.run import compose_system as compose  # noqa: PLC0415 - as above

        yield compose.opened(file, place.host, place.context, place.environment, loaded)
    else:
        from tarmac.run.local_system import (  # noqa: PLC0415 - each verb needs one of them
            LocalSystem,
        )

        yield LocalSystem(file, Home.of(file, place.namespace), loaded)
