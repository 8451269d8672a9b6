"""Processes end at once or are asked to end, as in a crash, an eviction or a deployment."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tarmac.faults.fault import Fault, Sighting, Step, Witness
from tarmac.target import Instances, ProcessId

#: A process that was asked to end may finish its work first; Kubernetes gives as much.
END_S = 30.0
POLL_S = 0.02


class Kill(Step):
    """One signal to each instance."""

    fault: Literal["kill"]
    signal: Literal["KILL", "TERM"] = Field(default="KILL", description="TERM asks it to end.")


@contextlib.contextmanager
def inject(target: Instances, step: Kill) -> Iterator[Witness]:
    """Send the signal; what runs the system starts the instances again."""
    pids = target.send(target.find(step.on), f"SIG{step.signal}")
    began = time.monotonic()

    def witness() -> Sighting:
        while True:
            alive = {instance.pid for instance in target.instances()} & set(pids.values())
            if not alive or time.monotonic() > began + END_S:
                break
            time.sleep(POLL_S)
        names = ", ".join(f"{name} ({_process(pid)})" for name, pid in pids.items())
        if alive:
            return Sighting(False, f"still running {END_S:g} s after SIG{step.signal}: {names}")
        return Sighting(True, f"SIG{step.signal} ended {names}")

    yield witness


def _process(pid: ProcessId) -> str:
    return f"pid {pid}" if isinstance(pid, int) else f"pod {pid}"


FAULT = Fault(
    id="kill",
    title="Kill instances; they are started again",
    step=Kill,
    inject=inject,
    proof="Each process that got the signal is gone; in a cluster, each pod.",
    momentary=True,
    needs=(Instances,),
)
