"""The system's catalogue for the page: what `tarmac docs --json` prints.

It is asked as a program of its own: drills, costs and evidence belong to layers above this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

#: It reads files alone, so it is there in a second or two.
LONGEST_S = 60.0


def file_of(home: Home) -> Path:
    """Return the file of the system that ran here. Raises TarmacError where none did."""
    status = client.status(home)
    if status is None or not status.file:
        raise TarmacError("no run was recorded here yet; start the system with `tarmac up`")
    return Path(status.file)


def read(file: Path) -> Any:
    """Return the catalogue of a system by its file.

    Raises:
        TarmacError: a file of the system is wrong, or it takes too long.
    """
    command = [sys.executable, "-m", "tarmac", "docs", file.name, "--json"]
    try:
        done = subprocess.run(
            command, cwd=file.parent, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise TarmacError(f"`tarmac docs` took longer than {LONGEST_S:g} s") from None
    if done.returncode:
        raise TarmacError(done.stderr.strip() or f"`tarmac docs` ended with {done.returncode}")
    return json.loads(done.stdout)
