"""`tarmac new system NAME --like SYSTEM`: a repository of its own, with the services' code."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from rendered import KINDS, RENDERERS

from tarmac.change.create import reference, system
from tarmac.cli.new import VERB
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that makes a system like another one, and gives its folder."""
    monkeypatch.chdir(tmp_path)

    def new(like, *options):
        done = CliRunner().invoke(VERB, ["system", "corner", "--like", like, *options])
        assert done.exit_code == 0, done.output
        return tmp_path / "corner"

    return new


def model(folder):
    """Load a system's file."""
    return load(str(folder / "tarmac.yaml"), lambda path: Path(path).read_bytes())


def test_each_system_that_ships_can_be_the_example():
    assert reference.names() == ("hello-dd", "shop", "starter", "trading", "travel")


@pytest.mark.parametrize("like", reference.names())
def test_it_is_the_example_under_its_own_name_and_reads_nothing_outside(made, like):
    folder = made(like, "--owner", "@acme/corner")
    text = (folder / "tarmac.yaml").read_text()
    assert re.search(r"\.\./|\$schema", text) is None
    found, example = model(folder), model(ROOT / "systems" / like)
    assert (found.file.system, found.file.owner) == ("corner", "@acme/corner")
    assert found.file.services.keys() == example.file.services.keys()
    assert found.file.stores == example.file.stores
    parts = {
        name: [one.part.package for one in found_parts] for name, found_parts in found.parts.items()
    }
    assert parts == {
        name: [one.part.package for one in found_parts]
        for name, found_parts in example.parts.items()
    }
    drills = {path.name for path in (ROOT / "systems" / like / "drills").glob("*.yaml")}
    assert {path.name for path in (folder / "drills").glob("*.yaml")} == drills
    books = [n for n in ("checklist.yaml", "proofs.yaml", "tests") if list(folder.rglob(n))]
    assert books == []


@pytest.mark.parametrize("like", reference.names())
def test_its_packages_are_one_workspace(made, like):
    folder = made(like)
    own = tomllib.loads((folder / "pyproject.toml").read_text())
    members = own["tool"]["uv"]["workspace"]["members"]
    packages = {}
    for member in members:
        part = tomllib.loads((folder / member / "pyproject.toml").read_text())
        packages[part["project"]["name"]] = part
        assert "tool" not in part or "uv" not in part["tool"], "the root says where packages are"
        assert {"kafka", "mongodb", "sentry"} == part["project"]["optional-dependencies"].keys()
    assert {one for one in own["project"]["dependencies"] if "kit" not in one} == packages.keys()
    sources = own["tool"]["uv"]["sources"]
    assert sources.pop("tarmac-kit")["path"] == str(ROOT / "kit")
    assert sources == {name: {"workspace": True} for name in packages}


def test_the_shops_services_have_a_folder_each_and_two_parts_are_below_their_service(made):
    folder = made("shop")
    six = {"api-gateway", "user-service", "product-service", "order-service", "payment-service"}
    six.add("notification-service")
    assert {path.name for path in (folder / "services").iterdir()} == six | {"storefront"}
    below = sorted(path.name for path in (folder / "services/product-service").iterdir())
    assert below == ["catalog", "inventory"]


def test_the_shops_repository_has_its_services_infrastructure_and_workflows(made):
    folder = made("shop")
    plan = deploy(model(folder), "repository", KINDS)
    paths = {artifact.path for artifact in artifacts(plan, RENDERERS)}
    paths |= {str(path.relative_to(folder)) for path in folder.rglob("*")}
    for place in (
        "services/api-gateway",
        "services/user-service",
        "services/product-service",
        "services/order-service",
        "services/payment-service",
        "services/notification-service",
        "infrastructure/modules",
        "infrastructure/environments",
        ".github/workflows",
    ):
        assert any(path.startswith(f"{place}/") for path in paths), place


def test_a_part_that_two_services_have_is_there_once(made):
    folder = made("travel")
    assert (folder / "services/capture/tarmac_capture/app.py").is_file()
    text = (folder / "tarmac.yaml").read_text()
    assert text.count("source: services/capture\n") == 2


def test_it_names_its_files_to_a_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(VERB, ["system", "corner", "--like", "starter", "--json"])
    said = json.loads(done.output)
    assert (said["system"], said["folder"]) == ("corner", "corner")
    assert {"tarmac.yaml", "answers.py", ".gitignore", "README.md"} <= set(said["files"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("system", "corner", "--like", "bakery"),
            "choose one of: hello-dd, shop, starter, trading, travel",
        ),
        (("system", "Corner", "--like", "shop"), "Corner"),
        (("system", "corner", "--like", "shop", "--owner", "a: b"), "is not a team"),
        (("system", "corner", "--like", "shop", "--store", "redis"), "--store is not for --like"),
        (("service", "corner", "--like", "shop"), "--like is for `tarmac new system`"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(VERB, list(words))
    assert done.exit_code == 2 or str(done.exception)
    assert said in f"{done.output}{done.exception}"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corner").mkdir()
    (tmp_path / "corner/notes").write_text("mine")
    done = CliRunner().invoke(VERB, ["system", "corner", "--like", "shop"])
    assert "is there already" in f"{done.output}{done.exception}"
    assert [path.name for path in (tmp_path / "corner").iterdir()] == ["notes"]


def test_a_wheel_has_the_systems_beside_its_assets(tmp_path, monkeypatch):
    packed = tmp_path / "tarmac/assets/reference"
    for name in ("systems/starter", "services/profiles", "services/orders"):
        (packed / name).parent.mkdir(parents=True, exist_ok=True)
        (packed / name).symlink_to(ROOT / name)
    (packed / "systems/answers.py").write_text("")
    monkeypatch.setattr(reference, "PACKAGE", tmp_path / "tarmac")
    assert reference.names() == ("starter",)
    files = reference.make(tmp_path / "corner", "starter", "").files
    system.write(reference.make(tmp_path / "corner", "starter", ""))
    assert (tmp_path / "corner/services/user-service/service.yaml").is_file()
    assert "path =" not in files["pyproject.toml"], "an index has the kit"


@pytest.mark.parametrize("file", [ROOT, "shop"])
def test_a_dev_container_is_valid_json_of_the_known_keys(made, file):
    folder = file if isinstance(file, Path) else made(file)
    found = json.loads((folder / ".devcontainer/devcontainer.json").read_text())
    known = {"name", "image", "postCreateCommand", "remoteEnv", "forwardPorts", "customizations"}
    assert {"name", "image", "postCreateCommand"} <= found.keys() <= known
