"""The telemetry process: `python -m tarmac.run.dashboard HOME RUN < SOCKET`.

It receives spans, reads metrics, and shows both on the dashboard, at one address of loopback.
Started by the supervisor, which keeps the listening socket: while this process starts again,
connections wait in its queue. It ends at SIGTERM, when what it has received is written.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

from tarmac.run.dashboard.access import Access
from tarmac.run.dashboard.server import routes
from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry.process import Files, serve


def main() -> None:
    """Serve the socket that is the standard input."""
    os.nice(10)
    home = Home(Path(sys.argv[1]))
    listener = socket.socket(fileno=0)
    token = home.dashboard_token.read_text(encoding="utf-8").strip()
    access = Access(token, cookie=f"tarmac-{listener.getsockname()[1]}")
    pages = routes(home, access)
    files = Files(home.telemetry, home.scrape_targets, home.secrets)
    asyncio.run(serve(files, listener, pages, run=sys.argv[2]))


if __name__ == "__main__":
    main()
