"""Programs and folders are found where they are installed; with TARMAC_PATH_ONLY on PATH alone."""

from __future__ import annotations

import pytest

from tarmac.base.installed import find_paths, find_program


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "opt/thing-2/bin/thing"
    path.parent.mkdir(parents=True)
    path.touch(0o755)
    return path


def test_a_program_is_found_on_path_or_in_a_given_folder(program, monkeypatch):
    assert find_program("thing") is None
    assert find_program("thing", str(program.parent)) == str(program)
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_program("thing") == str(program)


def test_folders_beyond_path_are_searched_by_pattern(program, tmp_path, monkeypatch):
    pattern = f"{tmp_path}/opt/thing-*/bin/thing"
    monkeypatch.delenv("TARMAC_PATH_ONLY", raising=False)
    assert list(find_paths(pattern)) == [program]
    monkeypatch.setenv("TARMAC_PATH_ONLY", "1")
    assert list(find_paths(pattern)) == []
