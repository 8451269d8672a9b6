"""A service that serves at another port than its own is found before its probe gives up."""

from __future__ import annotations

import asyncio

import pytest

from tarmac.base.launch import Launch, TcpProbe
from tarmac.run.local.process import misplaced

ELSEWHERE = "it listens on 3000; expected PORT=7001"


class Node:
    """As much of a node as is looked at."""

    listening = (7001, 7002)
    launch = Launch(("web",), TcpProbe(7001))


@pytest.fixture
def looked(monkeypatch):
    """Replace what is seen of the process by a list, whose last element stays."""
    seen = ["it listens on no port; expected PORT=7001"]
    served = []

    async def serves(*_):
        served.append(True)
        return True

    def wrong_port(*_):
        return seen.pop(0) if len(seen) > 1 else seen[0]

    monkeypatch.setattr(misplaced, "LOOK_S", 0.001)
    monkeypatch.setattr(misplaced, "SHOWN_S", 0.003)
    monkeypatch.setattr(misplaced, "GIVEN_UP_S", 0.010)
    monkeypatch.setattr(misplaced.diagnosis, "wrong_port", wrong_port)
    monkeypatch.setattr(misplaced, "_serves", serves)
    return seen, served


async def test_what_serves_elsewhere_is_shown_and_then_given_up(looked):
    seen, _ = looked
    seen.append(ELSEWHERE)
    shown = []
    found = await asyncio.wait_for(
        misplaced.misplaced(Node(), 1, "127.0.0.1", shown.append), timeout=30
    )
    assert found == "nothing listens on port 7001 and it serves elsewhere"
    assert shown[:4] == [""] * 4, "a program may open its port for debuggers first"
    assert shown[-1] == ELSEWHERE


async def test_what_moves_to_its_own_port_is_left_alone(looked):
    seen, served = looked
    seen[:] = [ELSEWHERE] * 8 + [""]
    shown = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(
            misplaced.misplaced(Node(), 1, "127.0.0.1", shown.append), timeout=0.3
        )
    assert ELSEWHERE in shown
    assert shown[-1] == ""
    assert served == []


async def test_what_listens_where_it_is_asked_is_left_alone_whatever_else_it_lacks(looked):
    seen, served = looked
    seen[:] = ["it listens on 9090; expected METRICS_PORT=7002; read the port"]
    shown = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(
            misplaced.misplaced(Node(), 1, "127.0.0.1", shown.append), timeout=0.3
        )
    assert set(shown) == {""}
    assert served == []
