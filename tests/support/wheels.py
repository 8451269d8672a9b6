"""Builds wheels and installs them, as another repository would have them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What was fetched before is there at once; a network that gives nothing by then is none.
FETCH_S = 90


def found_uv():
    """Find uv where `.ci/sync` finds it."""
    return shutil.which("uv") or shutil.which(str(ROOT / ".uv/bin/uv"))


def run(*argv, folder, environ):
    """Run a command there and return its result."""
    return subprocess.run(
        argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=FETCH_S, check=False
    )


def build(source, folder):
    """Build the wheel of a folder with a pyproject.toml; skip where that needs a network."""
    uv = found_uv()
    if uv is None:
        pytest.skip("uv is neither on PATH nor in .uv/")
    built = run(uv, "build", "--wheel", "--out-dir", folder, folder=source, environ=os.environ)
    if built.returncode:
        if "Failed to fetch" in built.stderr or "resolve" in built.stderr:
            pytest.skip(f"its build needs a network: {built.stderr.strip().splitlines()[-1]}")
        pytest.fail(built.stderr)
    (wheel,) = folder.glob("*.whl")
    return wheel
