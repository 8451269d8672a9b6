"""Keeps uploaded files in a folder; a second port tells how many there are."""

from __future__ import annotations

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(os.environ.get("UPLOADS", "uploads"))


class Files(BaseHTTPRequestHandler):
    """PUT keeps a file, GET gives it back."""

    def do_PUT(self):
        """Keep a file."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / Path(self.path).name
        path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, b"kept\n")

    def do_GET(self):
        """Give a file."""
        path = FOLDER / Path(self.path).name
        if self.path == "/health":
            self.answer(200, b"ok\n")
        elif path.is_file():
            self.answer(200, path.read_bytes())
        else:
            self.answer(404, b"no such file\n")

    def answer(self, status, body):
        """Send one answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Admin(Files):
    """Tells how many files there are."""

    def do_GET(self):
        """Count."""
        count = len(list(FOLDER.iterdir())) if FOLDER.is_dir() else 0
        self.answer(200, f"{count} files\n".encode())


def main():
    """Serve both ports until SIGTERM."""
    servers = [
        ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Files),
        ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("ADMIN_PORT", "8001"))), Admin),
    ]
    # Not in a handler: it may interrupt a thread that holds a lock which others wait for.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    for server in servers:
        threading.Thread(target=server.serve_forever).start()
    signal.sigwait([signal.SIGTERM])
    for server in servers:
        server.shutdown()


if __name__ == "__main__":
    main()
