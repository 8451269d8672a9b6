"""How containers of a Job tell another one beside them to end."""

from __future__ import annotations

import re

from tarmac.base.foreign.reading import places
from tarmac.check.gates.views.pods.pods import Pods

_STOPS = re.compile(
    r"quitquitquit|\bp?kill(all)?\b|shutdown|\bquit\b|SIGTERM|linkerd-await|scuttle|terminated"
    r"|max_time_seconds|wait-for-exit|drain_listeners|\btimeout\s+-?\d"
)


def is_ended(own: Pods) -> bool:
    """Tell whether something in pods ends a container beside it, or whether one ends by itself."""
    return any(_STOPS.search(text) for _, text in places(own.spec.data))
