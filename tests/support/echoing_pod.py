"""The program of a workload in the mesh's tests: answers with its name, and asks others.

echoing_pod.py serve PORT NAME FILE    the status of its answers is in the file
echoing_pod.py ask URL TIMES HEADERS   prints a list of status and text
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def serve(port: int, name: str, file: str) -> None:
    """Answer every request with the name, and with the caller as the proxy tells it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = {"pod": name, "caller": self.headers.get("x-forwarded-client-cert")}
            body = json.dumps(said).encode()
            self.send_response(int(Path(file).read_text()))
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    Server(("0.0.0.0", port), Handler).serve_forever()


def ask(url: str, times: int, headers: dict[str, str]) -> list[tuple[int, str]]:
    """Send requests one after the other, each by a connection of its own."""
    to, found = urllib.parse.urlsplit(url), []
    for _ in range(times):
        connection = http.client.HTTPConnection(to.hostname or "", to.port or 80, timeout=10)
        try:
            connection.request("GET", to.path or "/", headers=headers)
            answer = connection.getresponse()
            found.append((answer.status, answer.read().decode(errors="replace")))
        except (OSError, http.client.HTTPException) as error:
            found.append((0, repr(error)))
        finally:
            connection.close()
    return found


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), sys.argv[3], sys.argv[4])
    else:
        print(json.dumps(ask(sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]))))
