"""A drill's process that injects one fault and stays there, to be killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.catalog.faults.fault import Fault
from tarmac.run.local.state.paths import Home

HOLDER = """
import sys, time
from pathlib import Path
from tarmac.drill.file.drill_file import faults
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.local_target import local_target

home, name, step = Home(Path(sys.argv[1])), sys.argv[2], eval(sys.argv[3])
fault = faults()[name]
with local_target(home) as target:
    with fault.inject(target, fault.step.model_validate(step)):
        print("there", flush=True)
        time.sleep(600)
"""


@contextlib.contextmanager
def drill_that_stays(
    home: Home, fault: Fault, step: Mapping[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Give the process once the fault is there; the test ends it."""
    args = [sys.executable, "-c", HOLDER, str(home.root), fault.id, repr(dict(step))]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as drill:
        assert drill.stdout is not None
        assert drill.stdout.readline() == b"there\n"
        yield drill
