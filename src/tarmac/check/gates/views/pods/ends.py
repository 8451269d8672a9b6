"""How containers of a Job tell another one beside them to end."""

from __future__ import annotations

import re

from tarmac.base.foreign.reading import places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pods.pods import Pods

_STOPS = re.compile(
    r"quitquitquit|\bp?kill(all)?\b|shutdown|\bquit\b|SIGTERM|linkerd-await|scuttle|terminated"
    r"|max_time_seconds|wait-for-exit|drain_listeners|\btimeout\s+-?\d"
)
#: How a client stops the server that it is done with.
_STOPS_SERVER = re.compile(
    r"shutdownServer|quitquitquit|\bpg_ctl\b.*\bstop\b|\b(?:mysqladmin|redis-cli)\b.*\bshutdown\b",
    re.IGNORECASE,
)


def is_ended(own: Pods) -> bool:
    """Tell whether something in pods ends a container beside it, or whether one ends by itself."""
    return any(_STOPS.search(text) for _, text in places(own.spec.data))


def is_stopped(own: Pods, files: Files) -> bool:
    """Tell whether a script beside pods stops a server: their image may run it."""
    path = own.artifact.built_by or own.artifact.path
    above, _, below = path.rpartition("templates/")
    folder = above if below else path[: path.rfind("/") + 1]
    return any(
        one.path.startswith(folder) and _STOPS_SERVER.search(one.content)
        for one in files.artifacts
        if isinstance(one.content, str)
    )
