"""The suite fails where the schema was broken: without its constraint, stock may be oversold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

FOLDER = Path(__file__).parents[1]
SUPPORT = FOLDER.parents[1] / "tests/support"
GUARD = "test_the_table_itself_refuses_to_oversell"


def suite(services: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of the table's guard in a copy of the services."""
    tests = services / "inventory/tests/test_servers.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", GUARD]
    return subprocess.run(
        [*command, f"--rootdir={services.parent}", f"--confcutdir={services}", str(tests)],
        cwd=services.parent,
        env={**os.environ, "PYTHONPATH": f"{services / 'inventory'}{os.pathsep}{SUPPORT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_suite_fails_once_the_schema_is_broken_and_passes_before(tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.mkdir()
    shutil.copy(FOLDER.parent / "conftest.py", services)
    shutil.copytree(FOLDER, services / "inventory", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FOLDER.parents[1] / "pyproject.toml", tmp_path)
    # Its servers are the kit's fixtures.
    (tmp_path / "kit").symlink_to(FOLDER.parents[1] / "kit")
    whole = suite(services)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    [schema] = services.glob("inventory/tarmac_inventory/migrations/0001_*.sql")
    text = schema.read_text(encoding="utf-8")
    guard = "CHECK (reserved <= on_hand)"
    assert guard in text
    schema.write_text(text.replace(guard, "CHECK (true)"), encoding="utf-8")
    broken = suite(services)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "1 failed, 2 passed" in broken.stdout
