"""The dashboard of a system that does not run: what its runs left, for the verb `dashboard`.

It reads the same files as the telemetry process, and receives nothing. Once the system is started
it shows that run as well, with whatever the supervisor answers.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from tarmac.base.errors import TarmacError
from tarmac.run.dashboard.access import TOKEN, Access
from tarmac.run.dashboard.server import routes
from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import storage

#: Seconds that answers in flight have at the end: a stream of changes has no end of its own.
FINISH_S = 1


def serve(home: Home, announce: Callable[[str], None]) -> None:
    """Show what is recorded at a free port of loopback, until SIGINT or SIGTERM.

    Args:
        announce: is told the link once connections to it wait in a queue.

    Raises:
        TarmacError: nothing was recorded, or by another version.
    """
    if not home.state.exists():
        raise TarmacError(f"{home.root}: nothing ever ran here; start the system with `tarmac up`")
    storage.reader(home.telemetry).close()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        access = Access(secrets.token_urlsafe(24), cookie=f"tarmac-{port}")
        config = uvicorn.Config(
            Starlette(routes=routes(home, access)),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=FINISH_S,
        )
        announce(f"http://localhost:{port}/?{TOKEN}={access.token}")
        with contextlib.suppress(KeyboardInterrupt):  # raised once more when all is closed
            uvicorn.Server(config).run(sockets=[listener])
