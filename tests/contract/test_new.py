"""`tarmac new` on a disk: what it writes, and that it refuses before it writes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tarmac.base.errors import BadInput
from tarmac.change.create import service, sources, system, updating
from tarmac.change.create.choices import Choices
from tarmac.cli.new import VERB
from tarmac.model.loader import load

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


def _files(folder):
    return [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]


def written(folder):
    """Return the content of every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_text() for p in _files(folder)}


def test_a_service_is_written_with_its_entry_owner_and_record(repository, used):
    new = service.make(Path("tarmac.yaml"), Choices("items", ("postgres",)), used, "python-http")
    service.write(new)
    files = written(repository / "services/items")
    wanted = {"Dockerfile", "app/items.py", "tests/test_api.py", "openapi.yaml", "RUNBOOK.md"}
    assert wanted <= files.keys()
    assert "asyncpg" in files["app/items.py"]
    assert 'name = "items"' in files["pyproject.toml"]
    assert 'template: "python-http"' in files[service.RECORD]
    model = (repository / "tarmac.yaml").read_text()
    assert model.startswith(MODEL.rstrip("\n"))
    assert (
        "    cwd: services/items\n    api: services/items/openapi.yaml\n    port: 7002\n" in model
    )
    assert "DATABASE_URL: ${stores.items-db.url}" in model
    assert (repository / "CODEOWNERS").read_text() == "/services/items/ @acme/shop\n"


def test_a_grpc_service_has_its_api_health_and_metrics_in_the_systems_file(repository):
    found = sources.own("python-grpc")
    used = replace(found, data=found.data.model_copy(update={"needs": {}}))
    new = service.make(Path("tarmac.yaml"), Choices("items"), used, "python-grpc")
    service.write(new)
    files = written(repository / "services/items")
    assert {"items.proto", "app/server.py", "app/logs.py", "app/items.py"} <= files.keys()
    assert not {"openapi.yaml", "app/app.py"} & files.keys()
    model = (repository / "tarmac.yaml").read_text()
    assert "    api: services/items/items.proto\n" in model
    assert "    ports: {grpc: 7002, metrics: 7003}\n" in model
    assert "    probe: {grpc: items.v1.Items, within: 3m}\n" in model


def test_a_language_without_a_template_of_the_api_is_refused(repository):
    with pytest.raises(BadInput, match="--api grpc: there is no template in java for it; use"):
        new("service", "items", "--language", "java", "--api", "grpc")
    assert written(repository) == {"tarmac.yaml": MODEL}


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


@pytest.fixture
def own_template(tmp_path_factory):
    """Lay out a team's own template: a shell script that serves a folder."""
    folder = tmp_path_factory.mktemp("templates") / "plain"
    (folder / "base").mkdir(parents=True)
    (folder / "template.yaml").write_text("version: 1\nabout: a script\n")
    (folder / "base/serve.sh.njk").write_text("# ${{ values.name }}\n\nexec a\n\n# end\n")
    (folder / "base/notes").write_text("one\ntwo\nthree\nfour\nfive\n")
    (folder / "entry.yaml.njk").write_text(
        "services:\n  ${{ values.name }}:\n    run: sh serve.sh\n    cwd: ${{ values.folder }}\n"
        "    port: ${{ values.port }}\n"
    )
    return folder


def new(*words):
    """Run the verb."""
    ended = CliRunner(catch_exceptions=True).invoke(VERB, list(words))
    if isinstance(ended.exception, BadInput):
        raise ended.exception
    return ended


def git(folder, *words):
    """Run git as a user of its own."""
    name = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


def test_a_teams_own_template_is_a_folder_or_a_git_repository_at_a_revision(
    repository, own_template
):
    new("service", "first", "--template", str(own_template))
    assert (repository / "services/first/serve.sh").read_text().startswith("# first\n")
    git(own_template, "init", "-q")
    git(own_template, "add", "-A")
    git(own_template, "commit", "-qm", "one")
    git(own_template, "tag", "v1")
    (own_template / "base/serve.sh.njk").write_text("later\n")
    git(own_template, "commit", "-qam", "two")
    new("service", "second", "--template", f"file://{own_template}@v1")
    assert (repository / "services/second/serve.sh").read_text().startswith("# second\n")
    new("service", "third", "--template", f"file://{own_template}")
    assert (repository / "services/third/serve.sh").read_text() == "later\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "nowhere: no such template; name a folder, a Git URL, or one of go-grpc"),
        ("file:///nowhere", "file:///nowhere: git clone failed"),
        ("services", "no template.yaml in it"),
    ],
)
def test_a_template_that_is_not_there_is_one_message(repository, source, said):
    (repository / "services").mkdir()
    with pytest.raises(BadInput) as refused:
        new("service", "items", "--template", source)
    assert said in str(refused.value)
    assert len(refused.value.problems) == 1


def test_a_later_template_comes_as_a_patch_beside_the_users_own_edits(repository, own_template):
    git(repository, "init", "-q")
    new("service", "items", "--template", str(own_template))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    folder = repository / "services/items"
    (folder / "notes").write_text("one\ntwo\nthree\nfour\nmine\n")
    git(repository, "commit", "-qam", "two")
    unchanged = new("update", "items")
    assert (unchanged.exit_code, unchanged.stdout) == (0, "")

    (own_template / "template.yaml").write_text("version: 2\nabout: a script\n")
    (own_template / "base/serve.sh.njk").write_text("# ${{ values.name }}\n\nexec b\n\n# end\n")
    (own_template / "base/notes").write_text("theirs\ntwo\nthree\nfour\nfive\n")
    (own_template / "base/added").write_text("new\n")
    before = written(folder)
    shown = new("update", "items")
    assert shown.exit_code == 0, shown.output
    assert "version 1 -> 2" in shown.stderr
    assert written(folder) == before, "without --write nothing is written"
    (repository / "p.patch").write_text(shown.stdout)
    subprocess.run(["git", "apply", "--check", "../../p.patch"], cwd=folder, check=True)

    assert new("update", "items", "--write").exit_code == 0
    assert (folder / "serve.sh").read_text() == "# items\n\nexec b\n\n# end\n"
    assert (folder / "notes").read_text() == "theirs\ntwo\nthree\nfour\nmine\n"
    assert (folder / "added").read_text() == "new\n"
    assert "nothing to change" in new("update", "items").stderr


def test_an_edit_where_the_template_changed_stays_and_is_told(repository, own_template):
    git(repository, "init", "-q")
    new("service", "items", "--template", str(own_template))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    notes = repository / "services/items/notes"
    notes.write_text("mine\ntwo\nthree\nfour\nfive\n")
    (own_template / "base/notes").write_text("theirs\ntwo\nthree\nfour\nfive\n")
    shown = new("update", "items", "--write")
    assert shown.exit_code == 1
    assert "notes: was edited in the lines that the template changes" in shown.stderr
    assert notes.read_text().startswith("mine")


def test_a_service_of_another_origin_cannot_be_updated(repository):
    with pytest.raises(BadInput, match="till was not made by `tarmac new`"):
        updating.find(Path("tarmac.yaml"), "till")


def test_a_system_has_two_services_a_store_a_broker_and_a_page(tmp_path, monkeypatch, used):
    monkeypatch.setattr(sources, "own", lambda _: used)
    made = system.make(tmp_path / "corner", "python", "postgres", "nats", "@acme/shop")
    system.write(made)
    read = load(str(tmp_path / "corner/tarmac.yaml"), lambda path: Path(path).read_bytes()).file
    assert set(read.services) == {"page", "items", "copies"}
    assert read.services["items"].publishes == read.services["copies"].consumes
    assert read.broker.kind == "nats"
    assert read.stores["items-db"].kind == "postgres"
    assert {o.service for o in read.objectives} == {"items", "copies"}
    with pytest.raises(BadInput, match="is there already"):
        system.make(tmp_path / "corner", "python", "postgres", "nats", "")
