"""Terraform of all environments in the code's repository: one root, and a folder for each."""

from __future__ import annotations

import hcl2
import pytest
from demo_system import demo
from rendered import artifact_of, artifacts_of

from tarmac.base.errors import BadInput

#: The shop's environments that Terraform makes.
ENVIRONMENTS = ("staging", "production")
PLACE = "infrastructure/environments/"


def content(environment: str, path: str) -> str:
    return str(artifact_of("shop", environment, path).content)


def in_repository() -> dict[str, str]:
    return {
        artifact.path: str(artifact.content)
        for artifact in artifacts_of("shop", "repository")
        if artifact.path.startswith("infrastructure/")
    }


def test_the_shops_repository_has_its_modules_its_environments_and_its_workflow():
    paths = {artifact.path for artifact in artifacts_of("shop", "repository")}
    for folder in ("infrastructure/modules/", PLACE, ".github/workflows/"):
        assert any(path.startswith(folder) for path in paths), folder
    found = {path.removeprefix(PLACE).split("/")[0] for path in paths if path.startswith(PLACE)}
    assert found == set(ENVIRONMENTS)


def test_root_and_modules_are_those_of_an_environments_own_tree():
    shared = {p: text for p, text in in_repository().items() if not p.startswith(PLACE)}
    own = {
        artifact.path: artifact.content
        for artifact in artifacts_of("shop", "production")
        if artifact.path.startswith("infrastructure/")
        and artifact.path.endswith((".tf", ".tftest.hcl", ".md"))
    }
    assert len(shared) > 40
    assert shared == own


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_folder_has_the_values_and_the_state_of_its_environment(name):
    found = {
        path.removeprefix(f"{PLACE}{name}/"): hcl2.loads(text)
        for path, text in in_repository().items()
        if path.startswith(f"{PLACE}{name}/")
    }
    own = {
        "values.tfvars": f"infrastructure/{name}.auto.tfvars",
        "backend.hcl": "infrastructure/backend.hcl",
        "state.tfvars": "infrastructure/state/state.auto.tfvars",
    }
    if name == "production":  # it alone has a second region
        own["secondary.tfvars"] = "infrastructure/secondary.tfvars"
    assert found == {file: hcl2.loads(content(name, path)) for file, path in own.items()}


def test_no_values_are_read_of_an_environment_that_is_not_named():
    """Terraform reads `*.auto.tfvars` beside the root by itself."""
    assert [path for path in in_repository() if path.endswith(".auto.tfvars")] == []


def test_the_remarks_name_files_as_terraform_finds_them_from_the_root():
    (backend,) = (
        artifact
        for artifact in artifacts_of("shop", "repository")
        if artifact.path == f"{PLACE}production/backend.hcl"
    )
    assert "-backend-config=environments/production/backend.hcl" in backend.notes[0]


def test_a_layout_without_an_environment_is_refused():
    model = """
tarmac: 1
system: demo
services:
  web: {run: [bin/web], port: 8080}
delivery: {repository: https://github.com/acme/demo, terraform: true}
environments: {repository: {}}
"""
    with pytest.raises(BadInput, match="Terraform makes; remove `terraform`"):
        demo(model)


def test_a_system_that_asks_for_terragrunt_alone_has_no_other_layout():
    paths = [artifact.path for artifact in artifacts_of("travel", "repository")]
    assert [path for path in paths if path.startswith("infrastructure/")] == []
