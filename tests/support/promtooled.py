"""promtool, asked in one process about many files of tests."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tarmac.base.artifact import dump
from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.check.gates.views.programs import MORE_MEMORY

#: What it prints before it says of a file whether its tests pass.
_BEGINS = re.compile(r"^Unit Testing:\s+(.+)$", re.MULTILINE)


def promtool() -> str:
    """Find it; skips the test where it is not installed."""
    try:
        return programs.find("promtool")
    except Skip as missing:
        pytest.skip(str(missing))


def failures(*paths: Path, timeout_s: float = 120) -> dict[str, str]:
    """Run files of tests; return of each that fails, by the path given, what promtool says."""
    names = [str(path) for path in paths]
    done = subprocess.run(
        [promtool(), "test", "rules", *names],
        env={**os.environ, **MORE_MEMORY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    _, *parts = _BEGINS.split(done.stdout)
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    assert list(told) == names, done.stdout
    found = {name: text.strip() for name, text in told.items() if text.strip() != "SUCCESS"}
    assert bool(found) == bool(done.returncode), done.stdout
    return found


def written(folder: Path, rules: Mapping[str, Any], tests: Mapping[str, Any]) -> Path:
    """Write rules, and their tests beside them, to a folder; return the path of the tests."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tests.yaml"
    for name, data in (("rules.yaml", rules), (path.name, {**tests, "rule_files": ["rules.yaml"]})):
        (folder / name).write_text(dump(data))
    return path
