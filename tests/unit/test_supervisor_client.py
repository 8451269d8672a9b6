"""What a client makes of a supervisor that ends meanwhile."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Thread

import pytest

from tarmac.run.local.state import state
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Down
from tarmac.run.local.supervisor.status import Status


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


class Clock:
    """Time that passes only while something sleeps, in steps of ten seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, _: float) -> None:
        self.now += 10


@pytest.mark.parametrize(
    ("within_s", "ends", "left_at"),
    [(None, 600, 600), (None, 1e9, 120 + client.TASKS_S), (60, 600, 60)],
)
def test_the_time_that_tasks_take_is_not_that_of_the_services(
    monkeypatch, tmp_path, within_s, ends, left_at
):
    clock = Clock()

    def status(_: Home) -> Status:
        done = clock.now >= ends
        nodes = (
            NodeState("web.install", "task", "", state.DONE if done else state.STARTING),
            NodeState("web", "service", "", state.HEALTHY if done else state.WAITING),
        )
        return Status(True, "shop", "", "default", nodes, ())

    monkeypatch.setattr(client, "time", clock)
    monkeypatch.setattr(client, "status", status)
    found = client.wait(Home(tmp_path), within_s=within_s)
    assert found.healthy is (left_at == ends)
    assert abs(clock.now - left_at) <= 20
