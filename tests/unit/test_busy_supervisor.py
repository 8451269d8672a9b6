"""A supervisor that takes long is busy while its nodes change, and silent when nothing does."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from types import SimpleNamespace

import pytest

from tarmac.base.errors import TarmacError
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Restart


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A namespace whose supervisor answers once `client.status` has been asked forty times."""
    asked = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            asked.wait(30)
            with contextlib.suppress(BrokenPipeError):  # it was given up
                connection.sendall(b'{"ok": true, "answer": {}}\n')

    monkeypatch.setattr(client, "LOOK_S", 0.005)
    monkeypatch.setattr(client, "ANSWER_S", 0.1)
    monkeypatch.setattr(client, "_supervisor_pid", lambda _home: 7)
    home = Home(tmp_path)
    home.socket_file.write_text(str(tmp_path / "s"))
    thread = threading.Thread(target=answer)
    thread.start()
    yield home, asked
    asked.set()
    thread.join()
    listener.close()


def test_a_supervisor_that_replaces_many_nodes_is_waited_for_and_each_change_is_shown(
    home, monkeypatch
):
    where, asked = home
    numbers, shown = itertools.count(), []

    def status(_home):
        number = next(numbers)
        if number == 60:  # three times as long as a silent one is waited for
            asked.set()
        return SimpleNamespace(nodes=(number,))

    monkeypatch.setattr(client, "status", status)
    assert client.ask(where, Restart(()), shown.append) == {}
    assert len(shown) >= 60


def test_a_supervisor_under_which_nothing_changes_is_silent(home, monkeypatch):
    where, _ = home
    monkeypatch.setattr(client, "status", lambda _home: SimpleNamespace(nodes=(1,)))
    with pytest.raises(TarmacError, match=r"has not answered for 0\.1 s; its log is .*, its pid 7"):
        client.ask(where, Restart(()))
