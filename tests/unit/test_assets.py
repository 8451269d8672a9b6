"""Which files are rendered as they stand."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tarmac.render.assets import _below


def test_what_an_interpreter_compiled_beside_a_program_is_none_of_its_files(tmp_path: Path):
    archive = tmp_path / "assets.zip"
    with zipfile.ZipFile(archive, "w") as files:
        for name in ("functions/a.py", "functions/__pycache__/a.pyc", "main.tf"):
            files.writestr(name, "")
    assert list(_below(zipfile.Path(archive), "cloud")) == ["cloud/functions/a.py", "cloud/main.tf"]
