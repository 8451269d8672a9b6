"""What a printed address would refuse a browser with is said beside it."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from tarmac.run.refusals import OF_NO_PAGE, refusals


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
        assert refusals(urls, but=OF_NO_PAGE) == {urls[1]: "/ answers 400 Bad Request"}


def test_what_is_gone_or_keeps_silent_is_said_and_nothing_of_what_is_elsewhere(monkeypatch):
    monkeypatch.setattr("tarmac.run.refusals.LIMIT_S", 0.2)
    with socket.socket() as bound, socket.create_server(("127.0.0.1", 0)) as silent:
        bound.bind(("127.0.0.1", 0))
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (bound, silent)]
        assert refusals(urls) == {
            urls[0]: "/ is not answered: nothing listens there any more",
            urls[1]: "/ gave no answer within 0.2 s",
        }
    assert refusals(["https://localhost:1", "http://shop.example"]) == {}


CLOSED = "/ closed the connection without an answer; see whether it ended: tarmac ps"


@pytest.mark.parametrize(
    ("said", "shown"), [(b"SSH-2.0-x\r\n", None), (b"HTTP/1.1\r\n", None), (b"", CLOSED)]
)
def test_an_end_without_an_answer_is_said_and_another_protocol_is_not(said, shown):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert refusals([url]) == ({url: shown} if shown else {})
        thread.join()
