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
    (told,) = missing_programs(system)
    assert told == (
        "web: needs pnpm 11.2.2; npm install -g pnpm@11.2.2, which is for Node 22 and later; for "
        'an older one take pnpm@10, with `npm_config_manage_package_manager_versions: "false"` '
        "under `env`"
    )


@pytest.mark.parametrize(
    ("pinned", "told"),
    [
        ('{"packageManager": "pnpm@9.1.0"}', "pnpm 9.1.0; npm install -g pnpm@9.1.0"),
        ("{}", "pnpm; npm install -g pnpm; for a Node before 22, pnpm@10"),
    ],
)
def test_the_folder_of_a_service_names_its_package_manager(tmp_path, monkeypatch, pinned, told):
    file = tmp_path / "tarmac.yaml"
    file.write_text("tarmac: 1\nsystem: s\nservices:\n  web: {run: pnpm run dev, cwd: pages}\n")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/package.json").write_text(pinned)
    monkeypatch.setattr(module, "find_program", lambda _: None)
    system = load(str(file), lambda path: Path(path).read_bytes())
    assert missing_programs(system) == (f"web: needs {told}",)


def test_a_program_that_is_there_is_not_told(system, monkeypatch):
    monkeypatch.setattr(module, "find_program", lambda name: f"/usr/bin/{name}")
    assert missing_programs(system) == ()
