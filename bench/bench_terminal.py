"""How long `tarmac ui` takes until the processes of a system are on the screen, beside `tarmac ps`.

Both are timed from the start of their process until the last of ten services is written to a
pseudo-terminal; `ps` ends there, and ours has imported Textual and waits for keys.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from bench.copies import BIN, copy
from bench.figure import Figure, interleaved, sized

SERVICES = sized(10, 2)
ROUNDS = sized(7, 1)
FIRST_PORT = 18160
PATIENCE_S = 60.0
SIZE = (40, 120)


def measure() -> list[Figure]:
    """Return one figure in milliseconds."""
    run = f"{sys.executable} -m http.server $PORT"
    lines = [f"  s{n}: {{run: '{run}', port: {FIRST_PORT + n}}}" for n in range(SERVICES)]
    text = "\n".join(["tarmac: 1", "system: seen", "services:", *lines]) + "\n"
    with copy(text) as system:
        system.tarmac("up", "-d")

        def ours() -> float:
            return _shown(system.folder, "ui")

        def theirs() -> float:
            return _shown(system.folder, "ps")

        ours(), theirs()  # the first run of each reads the disk
        a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = (
        f"until the last of {SERVICES} services is written; theirs: `tarmac ps`, which ends there"
    )
    return [
        Figure("terminal: first screen", "ms", a * 1000, b * 1000, f"{note}; medians of {ROUNDS}")
    ]


def _shown(folder: Path, verb: str) -> float:
    """Return the seconds until a verb has written the last service's name; it is ended then."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    began, written = time.perf_counter(), b""
    program = subprocess.Popen(
        [BIN / "tarmac", verb],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    with contextlib.suppress(OSError):  # its end
        while f"s{SERVICES - 1}".encode() not in written:
            if time.perf_counter() - began > PATIENCE_S:
                raise SystemExit(f"tarmac {verb}: shows nothing after {PATIENCE_S:g} s")
            written += os.read(ours, 65536)
    took_s = time.perf_counter() - began
    with contextlib.suppress(OSError):
        os.write(ours, b"q")
        while os.read(ours, 65536):
            pass
    program.wait()
    os.close(ours)
    return took_s
