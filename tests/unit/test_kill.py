"""The fault `kill`: which instances get the signal, how often, and how long it lasts."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instance
from tarmac.catalog.faults.kill import FAULT, Kill


class Replicas:
    """Instances of one service, each replaced by a process with another id when it gets a signal.

    One that is `away` has no process.
    """

    def __init__(self, many: int) -> None:
        self.pids = {f"orders.{number}": number for number in range(1, many + 1)}
        self.sent: list[tuple[str, ...]] = []
        self.away: set[str] = set()

    def find(self, name: str) -> tuple[str, ...]:
        return tuple(self.pids)

    def send(self, names, signal: str) -> dict[str, int]:
        if gone := self.away & set(names):
            raise TarmacError(f"{gone.pop()}: not running (state starting)")
        self.sent.append(tuple(names))
        ended = {name: self.pids[name] for name in names}
        self.pids |= {name: 100 + len(self.sent) for name in names}
        return ended

    def instances(self) -> tuple[Instance, ...]:
        return tuple(Instance(name, "service", "ready", pid, 0) for name, pid in self.pids.items())


def step(**said: object) -> Kill:
    return Kill.model_validate({"fault": "kill", "on": "orders", **said})


@pytest.mark.parametrize(
    ("share", "instances", "killed"), [(100, 3, 3), (50, 4, 2), (50, 3, 1), (1, 2, 1), (99, 1, 1)]
)
def test_the_share_is_rounded_down_to_one_at_least(share, instances, killed):
    target = Replicas(instances)
    with FAULT.inject(target, step(share=share)) as witness:
        assert witness().present
    assert [len(names) for names in target.sent] == [killed]


def test_each_period_kills_the_next_instances_in_turn_until_the_duration_is_over():
    target = Replicas(4)
    with FAULT.inject(target, step(share=50, every="100ms", **{"for": "300ms"})) as witness:
        time.sleep(0.6)
        present, detail = witness()
    first, second = ("orders.1", "orders.2"), ("orders.3", "orders.4")
    assert target.sent == [first, second, first]
    assert present
    assert detail.count("(pid ") == 6


def test_a_period_in_which_nothing_could_be_killed_is_reported():
    target = Replicas(1)
    with FAULT.inject(target, step(every="20ms", **{"for": "60ms"})) as witness:
        target.away.add("orders.1")
        end = time.monotonic() + 30
        while "not sent 2" not in (said := witness()).detail and time.monotonic() < end:
            time.sleep(0.01)
        present, detail = said
    assert not present
    assert detail == "not sent 2 times: orders.1: not running (state starting)"


def test_a_kill_lasts_as_long_as_it_repeats():
    assert FAULT.lasts_s(step(**{"for": "30s"})) == 0
    repeated = step(every="10s", **{"for": "30s"})
    assert (FAULT.lasts_s(repeated), repeated.times) == (30, 3)


@pytest.mark.parametrize("share", [0, 101])
def test_a_share_is_a_percentage(share):
    with pytest.raises(ValidationError):
        step(share=share)
