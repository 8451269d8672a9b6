"""`tarmac fetch`: the schemas are whole in the cache, or not there."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tarmac.base.errors import MissingTool
from tarmac.check.schemas import check, download, lock
from tarmac.cli.main import tarmac


def test_it_says_that_nothing_is_there_without_bringing_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = CliRunner().invoke(tarmac, ["fetch", "--check", "--json"])
    assert shown.exit_code == 1
    answer = json.loads(shown.output)
    assert answer["here"] is False
    assert any(source.startswith("sigs.k8s.io/gateway-api@") for source in answer["sources"])
    assert (
        CliRunner().invoke(tarmac, ["fetch", "--check"]).output
        == "not installed; `tarmac fetch` downloads them\n"
    )
    assert not check.folder_of(lock.read()).exists()


def test_without_go_it_says_how_to_get_one_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TARMAC_PATH_ONLY", "1")
    into = tmp_path / "cache" / "crds"
    said = []
    with pytest.raises(MissingTool, match=r"no go on PATH to download it; apt install golang"):
        download.install(lock.read(), into, said.append)
    assert said == ["sigs.k8s.io/gateway-api@v1.7.0"]
    assert list(into.parent.iterdir()) == []


def test_without_pip_the_archive_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(MissingTool, match=r"no pip on PATH can download it; apt install python3-p"):
        download.prepared(lock.read(), lambda _: None)
