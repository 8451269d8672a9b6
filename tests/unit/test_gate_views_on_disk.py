"""Gates find the judged files on disk from wherever the program runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tarmac.check.gates.subject import Folder
from tarmac.check.gates.views.on_disk import on_disk


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        pytest.param(Path(), "compose.yaml", id="where it runs"),
        pytest.param(Path("shop"), "shop/compose.yaml", id="below"),
        pytest.param(Path("shop"), "compose.yaml", id="of a rendered tree"),
    ],
)
def test_a_file_is_found_by_the_path_of_its_artifact(tmp_path, monkeypatch, folder, path):
    monkeypatch.chdir(tmp_path)
    folder.mkdir(exist_ok=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    found = on_disk(Folder((), date(2026, 11, 29), folder), path)
    assert found == folder / "compose.yaml"


def test_files_that_are_not_on_disk_are_nowhere():
    assert on_disk(Folder((), date(2026, 11, 29)), "compose.yaml") is None
