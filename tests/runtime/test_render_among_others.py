"""`tarmac render --env repository --out .`: into somebody's repository, beside their own files."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sandbox import Sandbox

from tarmac.render.tree import lock

SYSTEM = """
    tarmac: 1
    system: small
    owner: team
    services:
      web: {run: [npm, start], cwd: web, port: 8080}
    environments:
      repository: {target: repository}
      production: {registry: ghcr.io/team/small}
    delivery: {repository: "https://github.com/team/small"}
    """
CI = ".github/workflows/ci.yml"
HERE = ("--env", "repository", "--out", ".")


@pytest.fixture
def theirs(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path)
    box.write(SYSTEM)
    for number in range(1500):  # more than a folder for rendered files may hold of others
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / f"web/{number}.js").write_text(str(number))
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/theirs.yml").write_text("on: push\njobs: {}\n")
    return box


def said(box: Sandbox, *args: str, code: int = 0) -> dict[str, Any]:
    done = box.tarmac("render", "--json", *HERE, *args)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def others(folder: Path) -> dict[str, tuple[int, int]]:
    found = {*folder.glob("web/*"), folder / ".github/workflows/theirs.yml", folder / "tarmac.yaml"}
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_what_is_rendered_comes_beside_what_is_there_and_nothing_else_is_touched(theirs):
    before = others(theirs.folder)
    first = said(theirs)
    assert CI in first["added"]
    assert others(theirs.folder) == before
    text = (theirs.folder / CI).read_text()
    assert text.startswith("# Rendered by Tarmac from tarmac.yaml: tarmac render small --env")
    assert "--out .\n" in text
    assert os.access(theirs.folder / "scripts/changed-services", os.X_OK)
    assert not list(theirs.folder.rglob("*.part"))
    assert said(theirs)["written"] is False
    assert theirs.tarmac("render", *HERE, "--check").returncode == 0


def test_an_edit_is_refused_kept_or_given_up(theirs):
    said(theirs)
    file = theirs.folder / CI
    file.write_text(file.read_text().replace("name: ci", "name: ours"))
    assert said(theirs, code=1)["edited"] == [CI]
    assert theirs.tarmac("render", *HERE, "--check").returncode == 1
    hint = theirs.tarmac("render", *HERE).stdout
    assert f"--out . --patch {CI}" in hint
    assert hint.count("--out") == 3, "once for each of the three ways"
    assert said(theirs, "--patch", CI)["patched"]
    assert "name: ours" in file.read_text()
    assert theirs.tarmac("render", *HERE, "--check").returncode == 0


def test_what_is_not_rendered_any_more_goes_and_a_folder_that_is_theirs_stays(theirs):
    said(theirs)
    (theirs.folder / "scripts/theirs.sh").write_text("true\n")
    theirs.write(SYSTEM.replace("delivery:", "#"))
    removed = said(theirs)["removed"]
    assert CI in removed
    assert not (theirs.folder / CI).exists()
    assert (theirs.folder / ".github/workflows/theirs.yml").exists()
    assert (theirs.folder / "scripts/theirs.sh").exists()
    assert not (theirs.folder / "ci").exists()


def test_one_that_was_killed_on_its_way_is_finished_by_the_next(theirs):
    said(theirs)
    (theirs.folder / lock.FILE).unlink()
    (theirs.folder / "scripts/ci").unlink()
    assert said(theirs)["added"] == ["scripts/ci"]
    assert theirs.tarmac("render", *HERE, "--check").returncode == 0


def test_two_at_once_do_not_write_at_once(theirs):
    opened = os.open(theirs.folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        done = theirs.tarmac("render", *HERE)
    finally:
        os.close(opened)
    assert done.returncode == 1
    assert "another render is writing there" in done.stderr
