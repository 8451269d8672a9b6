"""Where what belongs to no project is kept, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tarmac.base.errors import TarmacError
from tarmac.base.launch import AliveProbe, Launch
from tarmac.base.places import cache_folder
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import diagnosis


def test_a_home_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file/cache"))
    with pytest.raises(TarmacError) as caught:
        cache_folder()
    told = str(caught.value)
    assert told == (
        f"{tmp_path}/file/cache/tarmac: cannot be written (Not a directory); set HOME or "
        "XDG_CACHE_HOME to a directory that you can write"
    )
    # As the cause of a store's failed start it says no more, and nothing else.
    node = Node("db", "store", "PostgreSQL", Launch(("postgres",), AliveProbe()), "db")
    assert diagnosis.cause(node, "127.0.0.1", told, None, ()) == told


def test_without_a_working_directory_of_its_own_none_is_blamed():
    node = Node("db", "store", "PostgreSQL", Launch(("/bin/sh",), AliveProbe()), "db")
    failure = "[Errno 2] No such file or directory: '/nowhere/.cache'"
    assert diagnosis.cause(node, "127.0.0.1", failure, None, ()) == failure
