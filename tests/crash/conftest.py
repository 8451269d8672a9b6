"""What the crash tests share: a PostgreSQL server of their own, the kit's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[2] / "kit/tests/servers/conftest.py"
_SPEC = importlib.util.spec_from_file_location("tarmac_kit_test_servers_of_crash", _PATH)
_servers = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _servers  # dataclasses look their module up
_SPEC.loader.exec_module(_servers)

postgres = _servers.postgres


@pytest.fixture(scope="session")
def server_url(postgres) -> str:
    """Give a server on which databases may be made."""
    return f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
