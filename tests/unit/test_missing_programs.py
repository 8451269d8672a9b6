"""`init` names every program that a system needs and this machine lacks, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tarmac.model.loader import load
from tarmac.run.local.host import missing_programs as module
from tarmac.run.local.host.missing_programs import GET, missing_programs

SYSTEM = """\
tarmac: 1
system: s
services:
  web:
    run: FOO=1 exec pnpm run start
    port: 3000
    tasks:
      install: {run: "test -e x || (cd .. && pnpm install)"}
  api: {run: [uv, run, python, app.py], port: 3001}
  worker: {run: [./worker], port: 3002}
"""


@pytest.fixture
def system(tmp_path):
    file = tmp_path / "tarmac.yaml"
    file.write_text(SYSTEM)
    (tmp_path / "package.json").write_text('{"packageManager": "pnpm@10.32.1+sha512.abc"}')
    return load(str(file), lambda path: Path(path).read_bytes())


def test_each_missing_program_is_told_once_with_its_version_and_how_to_get_it(system, monkeypatch):
    monkeypatch.setattr(module, "find_program", lambda _: None)
    assert missing_programs(system) == (
        "web: needs pnpm 10.32.1; npm install -g pnpm@10.32.1",
        f"api: needs uv; {GET['uv']}",
    )


def test_a_package_manager_says_which_node_it_is_for(system, monkeypatch):
    package = Path(system.folder, "package.json")
    package.write_text('{"packageManager": "pnpm@11.2.2"}')
    monkeypatch.setattr(module, "find_program", lambda name: None if name == "pnpm" else name)
    assert missing_programs(system) == (
        "web: needs pnpm 11.2.2; npm install -g pnpm@11.2.2, which is for Node 22 and later",
    )


def test_a_program_that_is_there_is_not_told(system, monkeypatch):
    monkeypatch.setattr(module, "find_program", lambda name: f"/usr/bin/{name}")
    assert missing_programs(system) == ()
