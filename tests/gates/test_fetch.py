"""`tarmac fetch`: the schemas are whole in the cache, or not there."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tarmac.cli.main import tarmac
from tarmac.errors import MissingTool
from tarmac.schemas import check, download, lock


def test_it_says_that_nothing_is_there_without_bringing_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = CliRunner().invoke(tarmac, ["fetch", "--check", "--json"])
    assert shown.exit_code == 1
    answer = json.loads(shown.output)
    assert answer["here"] is False
    assert answer["kubernetes"] in answer["versions"]
    assert (
        CliRunner().invoke(tarmac, ["fetch", "--check"]).output
        == "not installed; `tarmac fetch` downloads them\n"
    )
    assert not check.folder_of(lock.read()).exists()


def test_without_pip_it_says_how_to_get_one_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    into = tmp_path / "cache" / "schemas"
    said = []
    with pytest.raises(
        MissingTool, match=r"no pip on PATH can download it; apt install python3-pip"
    ):
        download.install(lock.read(), into, said.append)
    assert said == ["kubernetes-validate@1.37.0"]
    assert list(into.parent.iterdir()) == []


def test_what_was_brought_has_every_kind_of_every_source():
    folder = check.folder_of(lock.read())
    if not folder.exists():
        pytest.skip("the schemas are not on this machine; `tarmac fetch` downloads them")
    for version in lock.read().versions:
        below = folder / f"kubernetes-{version}"
        index = json.loads((below / "index.json").read_bytes())
        origins = {source.label for source in lock.read().sources if source.way == "go"}
        assert set(index.values()) == {f"Kubernetes {version}", *origins}
        schemas = check.load(lock.read(), version)
        for name in index:
            api, kind = name.split()
            # Compiled, and strict: an empty object has no metadata.
            problems = list(schemas.problems({"apiVersion": api, "kind": kind}))
            assert ("the object", "has no 'metadata', which is required") in problems, name
