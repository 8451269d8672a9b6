"""The journal of a drill: what was run on what, what happened, and which rules decided.

One JSON file for each run, with all that it takes to repeat it and to check its verdict.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tarmac.drill.drill import Check, DrillResult, Event, Period, Verdict
from tarmac.drill.file.drill_file import DrillFile
from tarmac.model.system import System

#: The format's version.
FORMAT = 1
#: What a drill on a target does not show.
GAPS = {
    "cluster": (
        "a killed pod loses its counts of the last two seconds",
        "a killed pod has one second to end, a kubelet's minimum",
    ),
    "local": (
        "processes on one machine represent pods on nodes, and share its CPU and disk",
        "a killed process stands for a killed pod: no image is pulled, no node is chosen",
        "wires stand for the network: TCP connections, not packets",
    ),
}


def as_data(
    system: System,
    path: Path,
    text: str,
    file: DrillFile,
    result: DrillResult,
    *,
    target: str,
    stores: Iterable[str],
    gaps: Iterable[str] = (),
    started: dt.datetime,
) -> dict[str, Any]:
    """Write one run as data for JSON.

    Args:
        path: the drill's file.
        text: what stood in it.
        target: the kind of target that it ran on.
        stores: what each store really was, as sentences.
        gaps: what the kind of drill does not show, besides any drill on this target.
        started: with a time zone.
    """
    return {
        "journal": FORMAT,
        "system": system.name,
        "drill": path.stem,
        "title": file.title,
        "kind": file.kind,
        "started": started.isoformat(timespec="seconds"),
        "target": target,
        "inputs": {
            system.document.file: _digest(Path(system.document.file).read_bytes()),
            str(path): _digest(text.encode()),
        },
        "versions": {"tarmac": version("tarmac"), "python": platform.python_version()},
        "stores": list(stores),
        "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
        "gaps": [*GAPS.get(target, ()), *gaps],
        "expected": file.expect,
        **of_result(result),
        "definition": text,
        "method": [step.model_dump(by_alias=True) for step in file.method],
    }


def of_result(result: DrillResult) -> dict[str, Any]:
    """Write what a run has shown as data for JSON."""
    return {
        "verdict": result.verdict.value,
        "checks": [asdict(check) for check in result.checks],
        "recovered_s": result.recovered_s,
        "seed": result.seed,
        "periods": [{**asdict(period), "failed": dict(period.failed)} for period in result.periods],
        "events": [asdict(event) for event in result.events],
        "seconds": [
            {"good": good, "failed": failed, "p99_s": p99_s}
            for good, failed, p99_s in result.seconds
        ],
    }


def expected_of(written: Mapping[str, Any]) -> str:
    """Say which verdict the drill's file expects; a journal of an older Tarmac does not say it."""
    return str(written.get("expected", Verdict.PASS))


def result_of(written: Mapping[str, Any]) -> DrillResult:
    """Read what a run has shown from its journal: the reverse of `of_result`."""
    periods = [{**one, "failed": Counter(one["failed"])} for one in written["periods"]]
    return DrillResult(
        checks=tuple(Check(**check) for check in written["checks"]),
        events=tuple(Event(**event) for event in written["events"]),
        periods=tuple(Period(**period) for period in periods),
        recovered_s=written["recovered_s"],
        seconds=tuple((one["good"], one["failed"], one["p99_s"]) for one in written["seconds"]),
        seed=written["seed"],
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
