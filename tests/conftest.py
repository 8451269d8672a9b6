"""A folder for each test in which a real system can be brought up."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox import SERVER, Sandbox


@pytest.fixture
def sandbox(tmp_path: Path):
    """A folder with the server program; whatever runs in it is stopped at the end."""
    (tmp_path / "server.py").write_text(SERVER)
    # A `.git` stops the search for a virtual environment, as in a real repository.
    (tmp_path / ".git").mkdir()
    box = Sandbox(tmp_path)
    yield box
    box.tarmac("down")
