"""The journal of a drill: what was run on what, what happened, and which rules decided.

One JSON file for each run, with all that it takes to repeat it and to check its verdict.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tarmac.drills.drill import DrillResult
from tarmac.drills.drill_file import DrillFile
from tarmac.model.system import System

#: The format's version.
FORMAT = 1
#: What a drill on a laptop does not show.
GAPS = {
    "local": (
        "processes of one machine stand for pods on nodes, and share its CPU and disk",
        "a killed process stands for a killed pod: no image is pulled, no node is chosen",
        "wires stand for the network: TCP connections, not packets",
    )
}


def as_data(
    system: System,
    path: Path,
    file: DrillFile,
    result: DrillResult,
    *,
    target: str,
    stores: Iterable[str],
    started: dt.datetime,
) -> dict[str, Any]:
    """Write one run as data for JSON.

    Args:
        path: the drill's file.
        target: the kind of target that it ran on.
        stores: what each store really was, as sentences.
        started: with a time zone.
    """
    return {
        "journal": FORMAT,
        "verdict": result.verdict.value,
        "system": system.name,
        "drill": path.stem,
        "title": file.title,
        "kind": file.kind,
        "started": started.isoformat(timespec="seconds"),
        "target": target,
        "inputs": {name: _digest(Path(name)) for name in (system.document.file, str(path))},
        "versions": {"tarmac": version("tarmac"), "python": platform.python_version()},
        "stores": list(stores),
        "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
        "gaps": list(GAPS.get(target, ())),
        "checks": [asdict(check) for check in result.checks],
        "recovered_s": result.recovered_s,
        "seed": result.seed,
        "periods": [{**asdict(period), "failed": dict(period.failed)} for period in result.periods],
        "events": [asdict(event) for event in result.events],
        "seconds": [
            {"good": good, "failed": failed, "p99_s": p99_s}
            for good, failed, p99_s in result.seconds
        ],
        "method": [step.model_dump(by_alias=True) for step in file.method],
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
