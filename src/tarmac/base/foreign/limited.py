"""Limits of programs that read files of others: they end with their parent, and some have a memory.

Used by what asks helm and the like. A leaf. A chart of three lines can double a text forty times.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

#: Bytes that a program may map, by its name: those in Go, which map little more than they use.
MOST_BYTES: Mapping[str, int] = MappingProxyType({"helm": 4 << 30, "kustomize": 4 << 30})
#: Set by the process itself: between fork and exec of a process with threads no Python may run.
_LIMIT = """
import ctypes, os, resource, signal, sys
most, parent, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        sys.exit(137)
if most:
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    os.execvp(program, sys.argv[3:])
except OSError as error:
    sys.exit(f"{program}: {error.strerror}")
"""


def limited(argv: list[str], parent: int, *, most_bytes: int | None = None) -> list[str]:
    """Return the command that runs another one, within limits.

    Args:
        parent: the process that starts it.
        most_bytes: what it may map; None: MOST_BYTES of its name, and without an entry any amount.
    """
    wanted = MOST_BYTES.get(Path(argv[0]).name, 0) if most_bytes is None else most_bytes
    return [sys.executable, "-I", "-S", "-c", _LIMIT, str(wanted), str(parent), *argv]
