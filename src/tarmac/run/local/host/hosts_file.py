"""What a program with names of its own sees as /etc/hosts; used by `start.py` and `tarmac run`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

HOSTS = Path("/etc/hosts")
#: What containers call the machine that they run on.
OF_THIS_MACHINE = tuple(
    f"host.{name}.internal" for name in ("docker", "containers", "minikube", "k3d")
)


def hosts_file(names: Mapping[str, str]) -> str:
    """Write it: the program's own names with their addresses, before those of this machine."""
    known = {**dict.fromkeys(OF_THIS_MACHINE, "127.0.0.1"), **names}
    own = "".join(f"{address} {name}\n" for name, address in sorted(known.items()))
    here = ""
    with contextlib.suppress(OSError):
        here = HOSTS.read_text(errors="replace")
    return f"{own}{here}"
