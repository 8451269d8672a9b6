"""Has a journey recorded by a process of its own; used by the verb `drill`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tarmac.drill.load.process import SET_UP_S, LoadFailed
from tarmac.drill.load.recorded import recorder
from tarmac.drill.load.recorded.exchange import Exchange, Recording, without_polls

#: Recorded one after another: what visitors of a load take turns with, it has several of.
VISITS = 10


def record(file: Path, journey: str, urls: Mapping[str, str], timeout_s: float) -> Recording:
    """Record the set-up of a journey and ten of its visits.

    Args:
        file: the system's journeys.py.
        urls: service -> URL.
        timeout_s: of one visit.

    Raises:
        LoadFailed: it could not be set up, or a visit failed.
    """
    wanted = {"file": str(file), "journey": journey, "urls": dict(urls), "visits": VISITS}
    within_s = SET_UP_S + VISITS * timeout_s
    try:
        done = subprocess.run(
            [sys.executable, "-m", recorder.__name__],
            input=json.dumps(wanted) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"the journey `{journey}` did not end within {within_s:g} s") from None
    lines = done.stdout.splitlines()  # a journey may print, too
    found = json.loads(lines[-1]) if lines else {}
    if "error" in found or not found:
        why = found.get("error", f"its process ended with {done.returncode}")
        raise LoadFailed(f"the journey `{journey}` could not be recorded: {why}")
    parts = [
        without_polls([Exchange(**exchange) for exchange in part])
        for part in (found["before"], *found["visits"])
    ]
    if not any(parts[1:]):
        raise LoadFailed(
            f"the journey `{journey}` sends no HTTP requests, so there is nothing to export"
        )
    return Recording(urls, parts[0], parts[1:])
