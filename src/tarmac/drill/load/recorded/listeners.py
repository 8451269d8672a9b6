"""Listeners in front of services, which pass requests on and remember them; used by `recorder`."""

from __future__ import annotations

import contextlib
import http.client
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tarmac.drill.load.recorded.exchange import Exchange

ANSWER_S = 30.0
#: How often a listener looks whether it is to end.
POLL_S = 0.05
#: Of the connection, or of the library that asks: a load generator has its own.
NOT_KEPT = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "cookie", "host"),
        *("keep-alive", "transfer-encoding", "user-agent"),
    }
)
#: Of the connection to the service; the body is passed on whole.
NOT_PASSED = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Recorder:
    """The listeners in front of services, and what went through them."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()

    def take(self) -> list[Exchange]:
        """Take out what was recorded so far."""
        with self._lock:
            found, self._exchanges = self._exchanges, []
        return found

    def add(self, exchange: Exchange) -> None:
        """Remember one."""
        with self._lock:
            self._exchanges.append(exchange)

    @contextlib.contextmanager
    def listening(self, urls: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Give the URLs by which a journey reaches the services through it."""
        with contextlib.ExitStack() as listeners:
            recorded = dict(urls)
            for service, url in urls.items():
                if urllib.parse.urlsplit(url).scheme != "http":
                    continue
                handler = _handler(self, service, url)
                server = _Server(("127.0.0.1", 0), handler)
                threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
                listeners.callback(server.shutdown)
                recorded[service] = f"http://127.0.0.1:{server.server_address[1]}"
            yield recorded


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: A journey may open many connections at once.
    request_queue_size = 128


def _handler(recorder: Recorder, service: str, url: str) -> type[BaseHTTPRequestHandler]:
    address = urllib.parse.urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_ANY(self) -> None:
            if "Transfer-Encoding" in self.headers:
                self.send_error(411, "a journey is recorded with bodies of a known length")
                return
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length) if length else b""
            connection = http.client.HTTPConnection(address, timeout=ANSWER_S)
            try:
                sent = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in NOT_PASSED | {"host", "accept-encoding"}
                }
                connection.request(self.command, self.path, body or None, sent)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.send_error(502, str(error))
                return
            finally:
                connection.close()
            # Before it is answered: the journey may go on at once.
            kept = {n: v for n, v in self.headers.items() if n.lower() not in NOT_KEPT}
            texts = (body.decode(errors="replace"), answer.decode(errors="replace"))
            recorder.add(
                Exchange(
                    *(service, self.command, self.path, kept, texts[0], response.status, texts[1])
                )
            )
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in NOT_PASSED:
                    own = f"http://{self.headers['Host']}"
                    self.send_header(name, value.replace(f"http://{address}", own))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_ANY  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write no line for each request."""

    return Handler
