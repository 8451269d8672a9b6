"""A network of a test's own: its thread, and all that it starts from then on, leave this machine's.

So programs with fixed ports disturb nothing, and nothing disturbs them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000


class NoNetwork(Exception):
    """Why there is none."""


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Enter a new network with a loopback alone; the old one is back after the block.

    Raises:
        NoNetwork: this user may not make one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise NoNetwork(f"no network can be made here: {os.strerror(ctypes.get_errno())}")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            assert libc.setns(before, CLONE_NEWNET) == 0, "no way back"
    finally:
        os.close(before)
