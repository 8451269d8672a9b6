"""A repository's links lead no write of a verb outside, and no name ends in a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hostile import Outcome, tarmac
from small_system import MODEL, PARTS

pytestmark = pytest.mark.timeout(60)
LINK = "is a link, and Tarmac does not write through links"
LONG = "x" * 5000
#: Each verb that takes a system, with what it needs besides.
VERBS = ("up", "down", "ps", "render", "verify", "deploy", "promote", "teardown")
NEEDS = {"promote": ("--to", "production", "--image", "orders=1")}


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(tmp_path, monkeypatch, outside):
    folder = tmp_path / "repository"
    (folder / "orders").mkdir(parents=True)
    (folder / "tarmac.yaml").write_text(yaml.safe_dump(MODEL))
    (folder / "orders/service.yaml").write_text(yaml.safe_dump(PARTS["orders"]))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(outside))
    return folder


def said(*args: str, code: int) -> str:
    done = tarmac(*args)
    assert done == Outcome(code, done.output), done.error
    assert "failed on its own" not in done.output
    return done.output


def environment():
    return next(iter(MODEL["environments"]))


def hostile(folder: Path, path: str, target: Path) -> None:
    link = folder / path
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


@pytest.mark.parametrize("target", ["../outside/.bash_profile", "tarmac.yaml"])
def test_init_does_not_write_through_a_link_in_its_files_place(repository, outside, target):
    (repository / "tarmac.yaml").unlink()
    (repository / "Procfile").write_text("web: node x.js\n")
    hostile(repository, "tarmac.yaml", Path(target))
    assert "tarmac.yaml: already exists" in said("init", code=2)
    assert not any(outside.iterdir())


@pytest.mark.parametrize(
    "path",
    ["deploy", f"deploy/{environment()}", f"deploy/.{environment()}.tarmac"],
)
def test_render_does_not_write_through_a_link_in_a_folders_place(repository, outside, path):
    hostile(repository, path, outside)
    assert f"{path}: {LINK}" in said("render", code=2)
    assert not any(outside.iterdir())


@pytest.mark.parametrize("name", [".gitignore", "lock"])
def test_render_does_not_write_through_a_link_beside_its_folder(repository, outside, name):
    hostile(repository, f"deploy/.{environment()}.tarmac/{name}", outside / "new")
    said("render", code=0 if name == ".gitignore" else 1)
    assert not any(outside.iterdir())


@pytest.mark.parametrize("path", [".tarmac", ".tarmac/evidence"])
def test_verify_keeps_no_evidence_through_a_link(repository, outside, path):
    hostile(repository, path, outside)
    assert f"{path}: {LINK}" in said("verify", ".", code=2)
    assert not any(outside.iterdir())


def test_verify_writes_no_gitignore_through_a_link(repository, outside):
    hostile(repository, ".tarmac/.gitignore", outside / ".bash_profile")
    tarmac("verify", ".")
    assert list((repository / ".tarmac/evidence").iterdir())
    assert not any(outside.iterdir())


@pytest.mark.parametrize("path", [".tarmac", ".tarmac/default", ".tarmac/default/nodes"])
def test_up_makes_no_home_through_a_link(repository, outside, path):
    hostile(repository, path, outside)
    assert f"{path}: {LINK}" in said("up", code=2)
    assert not any(outside.iterdir())


def test_a_patch_is_not_kept_through_a_link(repository, outside):
    said("render", code=0)
    edited = next((repository / "deploy" / environment()).rglob("*.yaml"))
    edited.write_text(edited.read_text() + "# mine\n")
    hostile(repository, "patches", outside)
    assert f"patches: {LINK}" in said("render", "--patch", str(edited), code=2)
    assert not any(outside.iterdir())


@pytest.mark.parametrize("link", ["forms", "forms/a.xml"])
def test_a_form_of_a_journal_is_not_written_through_a_link(repository, outside, link):
    journal = repository / "journal.json"
    journal.write_text(json.dumps({"journal": 1, "verdict": "pass", "checks": []}))
    hostile(repository, link, outside if link == "forms" else outside / "new")
    shown = tarmac("journal", "journal.json", "--junit", "forms/a.xml")
    assert shown.error == ""
    assert shown.code == 2
    assert not any(outside.iterdir())


@pytest.mark.parametrize(
    ("name", "what"),
    [(LONG, "a name of 5000 characters"), ("a\x1b[2Jb", "a name with control characters")],
)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_refuses_a_name_that_no_system_has_in_one_line(repository, verb, name, what):
    shown = said(verb, name, *NEEDS.get(verb, ()), code=2)
    assert what in shown
    assert "\x1b" not in shown
    assert len(shown) < 1000


@pytest.mark.parametrize("name", [LONG, "a\x1b[2Jb"])
@pytest.mark.parametrize(
    "args", [("init",), ("render", "--out"), ("verify", "--files"), ("diff",), ("explain",)]
)
def test_a_folder_of_such_a_name_is_refused_in_one_line(repository, args, name):
    shown = said(*args, name, code=2)
    assert "\x1b" not in shown
    assert len(shown) < 6000
