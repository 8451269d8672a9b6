"""Processes end at once or are asked to end, as in a crash, an eviction or a deployment."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instances, ProcessId
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness
from tarmac.catalog.faults.repeating import repeating
from tarmac.model.value import Duration

#: A process that was asked to end may finish its work first; Kubernetes gives as much.
END_S = 30.0
POLL_S = 0.02


class Kill(Step):
    """A signal to instances, once or every period."""

    fault: Literal["kill"]
    signal: Literal["KILL", "TERM"] = Field(default="KILL", description="TERM asks it to end.")
    share: int = Field(
        default=100,
        ge=1,
        le=100,
        description="The percentage of the instances that get it, rounded down, at least one.",
    )
    every: Duration = Field(
        default=0.0,
        description="The period: after each the next instances in turn get it, until `for` is "
        "over; 0: once.",
    )

    @property
    def repeats(self) -> bool:
        """Whether it lasts as long as `for` says."""
        return self.every > 0

    @property
    def times(self) -> int:
        """How often it is sent: at the beginning, and after each period that ends before `for`."""
        return max(1, math.ceil(self.for_ / self.every)) if self.repeats else 1


@contextlib.contextmanager
def inject(target: Instances, step: Kill) -> Iterator[Witness]:
    """Send the signal; what runs the system starts the instances again."""
    sent: list[tuple[str, ProcessId]] = []
    refused: list[str] = []
    shares = itertools.islice(_shares(target.find(step.on), step.share), step.times)

    def kill(names: Sequence[str]) -> None:
        sent.extend(target.send(names, f"SIG{step.signal}").items())

    def kill_next() -> None:
        try:
            for names in itertools.islice(shares, 1):  # none where it was sent often enough
                kill(names)
        except TarmacError as error:
            refused.append(str(error))

    def witness() -> Sighting:
        end = time.monotonic() + END_S
        while True:
            alive = {instance.pid for instance in target.instances()} & {pid for _, pid in sent}
            if not alive or time.monotonic() > end:
                break
            time.sleep(POLL_S)
        names = ", ".join(f"{name} ({_process(pid)})" for name, pid in sent)
        if alive:
            return Sighting(False, f"still running {END_S:g} s after SIG{step.signal}: {names}")
        if refused:
            return Sighting(False, f"not sent {len(refused)} times: {refused[0]}")
        return Sighting(True, f"SIG{step.signal} ended {names}")

    kill(next(shares))
    with repeating(kill_next, step.every) if step.repeats else contextlib.nullcontext():
        yield witness


def _shares(names: Sequence[str], percent: int) -> Iterator[Sequence[str]]:
    """Yield the instances of one time after another, in turn: in the end each has been one."""
    many = max(1, math.floor(len(names) * percent / 100))
    turn = itertools.cycle(names)
    while True:
        yield tuple(itertools.islice(turn, many))


def _process(pid: ProcessId) -> str:
    return f"pid {pid}" if isinstance(pid, int) else f"pod {pid}"


FAULT = Fault(
    id="kill",
    title="Kill instances, all or a share, once or every period; they restart",
    step=Kill,
    inject=inject,
    proof="Each process that got the signal is gone; in a cluster, each pod.",
    momentary=True,
    needs=(Instances,),
)
