"""How a server that refuses to run as root is started by root."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import Literal

from tarmac.local.starting import guard

#: userns: not root in its own eyes, still the owner of its files. setuid: really nobody.
Drop = Literal["userns", "setuid"]


@functools.cache
def drop() -> Drop | None:
    """Find how to give up root here; None: we are not root.

    TARMAC_DROP=setuid chooses the way that containers without user namespaces need.
    """
    if os.geteuid() != 0:
        return None
    if (asked := os.environ.get("TARMAC_DROP")) in ("userns", "setuid"):
        return "userns" if asked == "userns" else "setuid"
    trial = subprocess.run(run_as("userns", ["true"]), capture_output=True, check=False)
    return "userns" if trial.returncode == 0 else "setuid"


def run_as(how: Drop | None, argv: list[str]) -> list[str]:
    """Put the program that gives up root before a command."""
    if how is None:
        return argv
    return [sys.executable, "-I", "-S", guard.__file__, "--drop", how, *argv]
