"""A folder for each test in which a real system can be brought up."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox import laid_out


@pytest.fixture
def sandbox(tmp_path: Path):
    """A folder with the server program; whatever runs in it is stopped at the end."""
    box = laid_out(tmp_path)
    yield box
    box.end()
