"""What copies of a system have kept of their runs, and how much each may keep: for `doctor`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tarmac.base import figures
from tarmac.run.local.snapshots import library
from tarmac.run.local.state import logs
from tarmac.run.local.supervisor.checkup import OK, Check
from tarmac.run.telemetry.storage import Retention


def kept(folder: Path) -> Iterator[Check]:
    """Say what copies of a system have kept of their runs, and how much each keeps at most."""
    days, most = Retention().age_s / 86_400, figures.size(Retention().size_bytes)
    of_processes = figures.size(logs.MAX_BYTES * (logs.KEPT + 1))
    rows = (
        ("records", "*/telemetry.sqlite*", f"; {days:.0f} days, {most} a copy", "traces, metrics"),
        ("log files", "*/logs/*", f"; {of_processes} a process", "tarmac logs"),
        ("snapshots", f"{library.FOLDER}/**/*", "", "tarmac snapshot"),
    )
    for name, pattern, limit, feature in rows:
        size = 0
        for path in (folder / ".tarmac").glob(pattern):
            with contextlib.suppress(OSError):  # what is rotated meanwhile
                size += path.stat().st_size
        yield Check(name, OK, f"{figures.size(size)}{limit}", "", feature)
