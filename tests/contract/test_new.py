"""`tarmac new` on a disk: what it writes, and that it refuses before it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.base.errors import BadInput
from tarmac.change.create import service, sources
from tarmac.change.create.choices import Choices
from tarmac.cli.new import VERB

MODEL = """\
tarmac: 1
system: corner
owner: "@acme/shop"

# Those that there are.
services:
  till:
    run: python3 till.py
    cwd: services/till
    port: 7001
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Lay out a repository with a system of one service, and enter it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "tarmac.yaml").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def used():
    """Return the template of Python without its programs, which this tier has not."""
    found = sources.own("python-http")
    return replace(found, data=found.data.model_copy(update={"needs": {}}))


def written(folder):
    """Return the content of every file below a folder."""
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.*") if p.is_file()
    }


def test_a_service_is_written_with_its_entry_owner_and_record(repository, used):
    new = service.make(Path("tarmac.yaml"), Choices("items", ("postgres",)), used, "python-http")
    service.write(new)
    files = written(repository / "services/items")
    assert {"Dockerfile", "app/items.py", "tests/test_api.py", "openapi.yaml", "RUNBOOK.md"} <= {
        *files,
        *(["Dockerfile"] if (repository / "services/items/Dockerfile").is_file() else []),
    }
    assert "asyncpg" in files["app/items.py"]
    assert 'name = "items"' in files["pyproject.toml"]
    assert 'template: "python-http"' in files[service.RECORD]
    model = (repository / "tarmac.yaml").read_text()
    assert model.startswith(MODEL.rstrip("\n"))
    assert "    cwd: services/items\n    port: 7002\n" in model
    assert "DATABASE_URL: ${stores.items-db.url}" in model
    assert (repository / "CODEOWNERS").read_text() == "/services/items/ @acme/shop\n"


def test_what_is_there_is_refused_and_nothing_is_written(repository, used):
    (repository / "services/items").mkdir(parents=True)
    (repository / "services/items/app.py").write_text("mine")
    before = written(repository)
    with pytest.raises(BadInput, match="is there already; choose another name"):
        service.make(Path("tarmac.yaml"), Choices("items"), used, "python-http")
    assert written(repository) == before


def test_a_file_that_comes_meanwhile_stays_and_what_was_written_goes(repository, used):
    new = service.make(Path("tarmac.yaml"), Choices("items"), used, "python-http")
    (repository / "services/items/tests").mkdir(parents=True)
    (repository / "services/items/tests/test_api.py").write_text("mine")
    with pytest.raises(BadInput, match="nothing is written over it"):
        service.write(new)
    assert written(repository / "services") == {"items/tests/test_api.py": "mine"}
    assert (repository / "tarmac.yaml").read_text() == MODEL


def test_a_language_whose_programs_are_missing_is_refused_with_their_floor(repository, used):
    missing = replace(used, data=used.data.model_copy(update={"needs": {"uv-of-nobody": "0.5"}}))
    with pytest.raises(BadInput, match=r"uv-of-nobody: is not on this machine; .* needs 0.5 or"):
        service.make(Path("tarmac.yaml"), Choices("items"), missing, "python-http")
    assert not (repository / "services").exists()


@pytest.mark.parametrize("name", ["Items", "-items", "items/..", "../items", "a" * 41, ""])
def test_a_name_that_is_no_dns_label_is_one_message(repository, name):
    ended = CliRunner().invoke(VERB, ["service", "--", name])
    assert isinstance(ended.exception, BadInput)
    assert str(ended.exception).startswith(f"{name or 'NAME'}: no DNS label;")
    assert not (repository / "services").exists()
