"""What a client makes of a supervisor that ends meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Thread

import pytest

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Down


def test_one_that_is_killed_before_it_reads_the_request_is_gone(tmp_path: Path):
    home = Home(tmp_path / "home")
    home.create()
    address = str(tmp_path / "it")
    home.socket_file.write_text(address)

    def end_unread() -> None:
        connection, _ = listening.accept()
        connection.recv(1, socket.MSG_PEEK)
        connection.close()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        supervisor = Thread(target=end_unread)
        supervisor.start()
        with pytest.raises(client.SupervisorGone, match="the supervisor went away"):
            client.ask(home, Down())
        supervisor.join()
