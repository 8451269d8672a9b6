"""Ask the service in this container whether it is alive: exit 0, or 1 and a line that says why.

Run by an image's HEALTHCHECK, where there is no curl and no shell, as a file and not with `-m`: the
package would be imported, which takes longer than the answer. Reads PORT and nothing else.
"""

from __future__ import annotations

import os
import socket
import sys

#: Below the probe's timeout of three seconds, so that the reason is printed.
WITHIN_S = 2.5
LIVE_PATH = "/health/live"


def ask(port: int, path: str, within_s: float = WITHIN_S) -> str:
    """Send one GET and return what is wrong; empty when it answers with a status below 400."""
    where = f"127.0.0.1:{port}{path}"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=within_s) as connection:
            connection.sendall(head.encode())
            said = connection.recv(1024)
    except OSError as error:
        return f"{where}: no answer ({error}); look at the container's log"
    line = said.partition(b"\r\n")[0].decode("latin-1")
    status = line.split(" ")[1] if line.startswith("HTTP/1.") and " " in line else ""
    if not status.isdigit() or int(status) >= 400:
        return f"{where}: answered '{line}'; look at the container's log"
    return ""


def main(argv: list[str]) -> int:
    """Ask for `/health/live`, or for the path that is given."""
    wrong = ask(int(os.environ.get("PORT") or 8000), argv[0] if argv else LIVE_PATH)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
