"""What `tarmac edges --json` says of a sandbox's edges."""

from __future__ import annotations

import json
from typing import Any

from sandbox import Sandbox


def edges(box: Sandbox, code: int = 0) -> dict[str, Any]:
    """Read all that it says, with this exit code."""
    done = box.tarmac("edges", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def edge(box: Sandbox, source: str, target: str, code: int = 0) -> dict[str, Any]:
    """Find one edge."""
    found = edges(box, code)["edges"]
    return next(seen for seen in found if (seen["source"], seen["target"]) == (source, target))
