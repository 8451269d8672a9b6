"""The server of the store kind `kv`: GET and PUT of one file for each user and key."""

from __future__ import annotations

import argparse
import base64
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def handler(users: set[str], data: Path) -> type[BaseHTTPRequestHandler]:
    """Make a handler of requests by the users of `user:password` lines."""

    class Handler(BaseHTTPRequestHandler):
        def _file(self) -> Path | None:
            """Find the file of this user's key; None for a client that is not let in."""
            kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
            login = base64.b64decode(encoded).decode() if kind == "Basic" else ""
            if login not in users:
                self.send_error(401)
                return None
            key = hashlib.sha256(f"{login.partition(':')[0]} {self.path}".encode())
            return data / key.hexdigest()

        def do_GET(self) -> None:
            file = self._file()
            if file is not None and file.exists():
                self.send_response(200)
                self.end_headers()
                self.wfile.write(file.read_bytes())
            elif file is not None:
                self.send_error(404)

        def do_PUT(self) -> None:
            if (file := self._file()) is not None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                file.with_suffix(".new").write_bytes(content)
                file.with_suffix(".new").replace(file)
                self.send_response(204)
                self.end_headers()

    return Handler


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--users", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args()
    asked.data.mkdir(exist_ok=True)
    users = set(asked.users.read_text(encoding="utf-8").split())
    with ThreadingHTTPServer((asked.host, asked.port), handler(users, asked.data)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
