"""What a printed address would refuse a browser with is said beside it."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from tarmac.cli._refusals import refusals


class _Strict(http.server.BaseHTTPRequestHandler):
    """Lets in what asks for `localhost`, as frameworks do by default."""

    def do_GET(self) -> None:
        known = self.headers["Host"].partition(":")[0] == "localhost"
        self.send_response(404 if self.path != "/" else 200 if known else 400)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _served() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Strict)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_only_refusals_are_said_with_the_path_and_the_reason():
    with _served() as port:
        urls = [
            f"http://localhost:{port}",
            f"http://127.0.0.1:{port}/",
            f"http://localhost:{port}/x",
        ]
        assert refusals(urls) == {
            urls[1]: "/ answers 400 Bad Request",
            urls[2]: "/x answers 404 Not Found",
        }


def test_of_what_does_not_answer_or_is_elsewhere_nothing_is_said():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert refusals([f"http://localhost:{bound.getsockname()[1]}"]) == {}
    assert refusals(["https://localhost:1", "http://shop.example"]) == {}


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"HTTP/1.1\r\n", b""])
def test_of_another_protocol_nothing_is_said(said):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        assert refusals([f"http://localhost:{listener.getsockname()[1]}"]) == {}
        thread.join()
