"""Tells of a process by its number. A leaf."""

from __future__ import annotations

import os


def is_running(pid: int) -> bool:
    """Tell whether a process has this number, of whichever user."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        pass
    return True
