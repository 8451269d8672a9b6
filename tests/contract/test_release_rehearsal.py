"""`make release` gives wheels that can be published: the same bytes each time, and they work."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_a_release_is_rehearsed_in_a_clone_until_nothing_but_the_upload_is_left(tmp_path):
    clone = tmp_path / "tarmac"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    (clone / ".uv").symlink_to(ROOT / ".uv")
    done = subprocess.run([".ci/release"], cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "reproducible; metadata complete; used on Python 3." in done.stdout
    assert "to publish: git tag -s v" in done.stdout
    names = sorted(path.name.partition("-")[0] for path in (clone / "dist").glob("*.whl"))
    assert names == ["tarmac", "tarmac_kit", "tarmac_kit_testing"]
    for wheel in (clone / "dist").glob("*.whl"):
        package = wheel.name.partition("-")[0]
        with zipfile.ZipFile(wheel) as archive:
            tops = {name.split("/")[0] for name in archive.namelist()}
        assert {top for top in tops if not top.endswith(".dist-info")} == {package}
    assert "| pydantic " in (clone / "dist/licences.md").read_text()
