"""The steps at which a process does I/O: statements, publishes, acks, outgoing calls.

Code that leaves the process writes `with step("mail to the server"):` around it. Nothing happens
there, unless a test observes the steps of this process (`tarmac_kit_testing.crashing`) and ends
it at one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Side = Literal["before", "after"]
#: Told of each side of each step, with what it is in a few words.
Observer = Callable[[Side, str], None]

_observers: list[Observer] = []


def observe(observer: Observer) -> None:
    """Tell `observer` of every step of this process from now on."""
    _observers.append(observer)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Mark what is done inside as one step; one that fails has an after as well."""
    if not _observers:
        yield
        return
    for observer in _observers:
        observer("before", what)
    try:
        yield
    finally:
        for observer in _observers:
            observer("after", what)
