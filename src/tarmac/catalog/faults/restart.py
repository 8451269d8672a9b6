"""Instances are replaced by new ones, as by a deployment: users should not notice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from tarmac.base.target import Instances, ProcessId
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class Restart(Step):
    """Every instance in turn, each once its successor is ready."""

    fault: Literal["restart"]


@contextlib.contextmanager
def inject(target: Instances, step: Restart) -> Iterator[Witness]:
    """Replace the instances; returns once all are replaced."""
    names = target.find(step.on)
    before = _pids(target, names)
    target.restart(names)

    def witness() -> Sighting:
        after = _pids(target, names)
        same = sorted(name for name in names if after.get(name) in (None, before.get(name)))
        if same:
            return Sighting(False, f"not replaced: {', '.join(same)}")
        return Sighting(True, f"{len(names)} replaced: {', '.join(names)}")

    yield witness


def _pids(target: Instances, names: tuple[str, ...]) -> dict[str, ProcessId | None]:
    return {one.name: one.pid for one in target.instances() if one.name in names}


FAULT = Fault(
    id="restart",
    title="Replace instances by new ones, as a deployment does",
    step=Restart,
    inject=inject,
    proof="Each instance has another process than before.",
    momentary=True,
    needs=(Instances,),
)
