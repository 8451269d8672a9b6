"""How a server is started that refuses its user: root, or a user without a name.

PostgreSQL's servers refuse both. Containers are often run as a uid that /etc/passwd does not know.
"""

from __future__ import annotations

import functools
import os
import pwd
import subprocess
import sys
from typing import Literal

from tarmac.run.local.host import guard

#: userns: not root in its own eyes, still the owner of its files. setuid: another user.
Drop = Literal["userns", "setuid"]


@functools.cache
def drop() -> Drop | None:
    """Find how to be another user in a server's eyes; None: ours will do, or there is no way.

    TARMAC_DROP=setuid chooses the way that containers without user namespaces need.
    """
    if os.geteuid() != 0:
        return "userns" if not has_name(os.geteuid()) and _can_enter() else None
    if (asked := os.environ.get("TARMAC_DROP")) in ("userns", "setuid"):
        return "userns" if asked == "userns" else "setuid"
    return "userns" if _can_enter() else "setuid"


def refused() -> str:
    """Return why such a server cannot be started here, and what to do; empty if it can be."""
    uid = os.geteuid()
    if has_name(uid) or drop() is not None:
        return ""
    return (
        f"user {uid}: not in /etc/passwd, and no user namespace can be made here; PostgreSQL "
        "refuses that; add the user (useradd), run as one that is there, or allow user namespaces"
    )


def has_name(uid: int) -> bool:
    """Tell whether a user is known by a name."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _can_enter() -> bool:
    """Try a user namespace; in it, the process is a user that must be known by a name, too."""
    trial = subprocess.run(run_as("userns", []), capture_output=True, check=False)
    return trial.returncode == 0 and has_name(guard.UNPRIVILEGED_UID)


def run_as(how: Drop | None, argv: list[str]) -> list[str]:
    """Put the program that gives up root before a command."""
    if how is None:
        return argv
    return [sys.executable, "-I", "-S", guard.__file__, "--drop", how, *argv]
