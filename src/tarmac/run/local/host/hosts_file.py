"""What a program with names of its own sees as /etc/hosts; used by `start.py` and `tarmac run`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

HOSTS = Path("/etc/hosts")


def hosts_file(names: Mapping[str, str]) -> str:
    """Write it: the program's own names with their addresses, before those of this machine."""
    own = "".join(f"{address} {name}\n" for name, address in sorted(names.items()))
    here = ""
    with contextlib.suppress(OSError):
        here = HOSTS.read_text(errors="replace")
    return f"{own}{here}"
