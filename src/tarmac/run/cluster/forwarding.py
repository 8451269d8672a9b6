"""Leads from a port of this machine to one in a cluster, by kubectl.

It comes in by the kubelet, so that network policies neither allow nor forbid it.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.errors import TarmacError
from tarmac.run.cluster.running import DeployedSystem

_FORWARDED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True)
class ForwardedPort:
    """A port of this machine, and the process that leads on from it."""

    port: int
    process: subprocess.Popen[str]

    @property
    def lives(self) -> bool:
        """Whether it still leads there: it ends with the pod's container."""
        return self.process.poll() is None


@contextlib.contextmanager
def forwarding(running: DeployedSystem, target: str, port: int) -> Iterator[ForwardedPort]:
    """Lead to a port of a pod or of a Service, until the end.

    Args:
        target: `pod/NAME` or `service/NAME`; of a Service's pods it is one, and stays that one.

    Raises:
        TarmacError: kubectl cannot lead to it, in its own words.
    """
    argv = ["port-forward", "--address=127.0.0.1", target, f":{port}", running.where]
    with subprocess.Popen(
        [running.kubectl.program, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=running.kubectl.env,
    ) as process:
        said = process.stdout or ()
        # It writes a line for each connection, and would wait for a reader once its pipe is full.
        reader = threading.Thread(target=deque, args=(said, 0), daemon=True)
        try:
            lines: list[str] = []
            while (line := next(iter(said), "")) and not (found := _FORWARDED.match(line)):
                lines.append(line.strip())
            if not line or found is None:
                name = target.rpartition("/")[2]
                raise TarmacError(f"no way to {name}: {' '.join(lines) or 'kubectl says nothing'}")
            reader.start()
            yield ForwardedPort(int(found[1]), process)
        finally:
            process.terminate()
            if reader.ident is not None:
                reader.join()
