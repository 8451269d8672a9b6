"""Versions of Kubernetes that EKS offers, which moto cannot tell: all other calls go on to moto."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from emulated_aws import EmulatedAws

#: DescribeClusterVersions of the EKS API.
PATH = "/cluster-versions"
OF_THIS_HOP = frozenset({"connection", "content-length", "transfer-encoding"})


@contextlib.contextmanager
def before(aws: EmulatedAws, versions: Sequence[str]) -> Iterator[EmulatedAws]:
    """Answer for an emulated AWS what EKS offers; gives one that is asked in its place."""
    behind = urlsplit(aws.url).netloc
    offered = [
        {
            "clusterVersion": version,
            "clusterType": "eks",
            "defaultVersion": version == versions[-1],
            "versionStatus": "STANDARD_SUPPORT",
        }
        for version in versions
    ]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith(PATH):
                self._answer(200, {}, json.dumps({"clusterVersions": offered}).encode())
            else:
                self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with contextlib.closing(HTTPConnection(behind, timeout=30)) as connection:
                connection.request(self.command, self.path, body, _passed(self.headers.items()))
                answer = connection.getresponse()
                self._answer(answer.status, _passed(answer.getheaders()), answer.read())

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield replace(aws, url=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()


def _passed(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in OF_THIS_HOP}
