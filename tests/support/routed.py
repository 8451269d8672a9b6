"""One address that leads to a deployed system's services by their public paths, as an entry does.

For clients that cannot be told where a name leads: drills ask at an address.
"""

from __future__ import annotations

import contextlib
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cluster_entry import routes
from deployed import DeployedSystem

LIMIT_S = 10.0
#: What one connection alone is about.
OWN = {"host", "connection", "transfer-encoding", "content-length", "accept-encoding"}


@contextlib.contextmanager
def routed(system: DeployedSystem) -> Iterator[str]:
    """Serve on loopback as long as the block lasts; gives the address."""
    services = {service for _, _, service in routes(system.system)}
    urls = {service: system.url(service) for service in services}
    led = {path: urls[service] for _, path, service in routes(system.system)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = max((one for one in led if self.path.startswith(one)), key=len)
            length = int(self.headers.get("Content-Length") or 0)
            asked = urllib.request.Request(
                f"{led[path]}{self.path}",
                data=self.rfile.read(length) if length else None,
                headers={k: v for k, v in self.headers.items() if k.lower() not in OWN},
                method=self.command,
            )
            status, headers, body = _answer(asked)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the server calls them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _answer(asked: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
    except OSError:
        return 502, {}, b""
