"""The health check of an image: a server that answers, refuses, hangs or is away."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tarmac_kit import conventions, healthcheck

FILE = Path(healthcheck.__file__)


@contextmanager
def server(answer: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen, and answer one request; None: accept and never say anything."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(1024))
                if answer is None:
                    connection.recv(1024)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], asked
        thread.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", ""),
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "answered 'HTTP/1.1 503 Service Unavailable'",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "answered 'SSH-2.0-OpenSSH'"),
        (b"", "answered ''"),
    ],
)
def test_it_says_what_a_server_answered_that_is_not_well(answer, said):
    with server(answer) as (port, asked):
        wrong = healthcheck.ask(port, "/health/live")
    assert (said in wrong) if said else wrong == ""
    assert asked[0].startswith(b"GET /health/live HTTP/1.1\r\nHost: ")


def test_a_server_that_hangs_is_not_waited_for():
    with server(None) as (port, _):
        assert "no answer (timed out)" in healthcheck.ask(port, "/health/live", within_s=0.05)


def test_it_runs_as_a_file_without_any_package_and_names_the_port_of_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-I", "-S", FILE],
        env={"PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"127.0.0.1:{port}/health/live: no answer" in done.stderr


def test_its_path_is_the_one_that_the_kit_serves():
    assert healthcheck.LIVE_PATH == conventions.LIVE_PATH
