"""Terragrunt's layout in the code's own repository: one root, and an environment is its inputs."""

from __future__ import annotations

import hcl2
import pytest
from demo_system import KINDS, demo
from rendered import RENDERERS, artifact_of, artifacts_of

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

ENVIRONMENTS = ("dev", "stg", "prod")
INPUTS = "infra/envs/{}/inputs.hcl"


def content(environment: str, path: str) -> str:
    return str(artifact_of("travel", environment, path).content)


def layout() -> set[str]:
    found = {artifact.path for artifact in artifacts_of("travel", "repository")}
    return {path for path in found if path.startswith("infra/envs/")}


def test_each_environment_in_aws_has_a_folder_and_the_same_unit_in_it():
    assert {path.split("/")[2] for path in layout()} == set(ENVIRONMENTS)
    units = {content("repository", f"infra/envs/{name}/terragrunt.hcl") for name in ENVIRONMENTS}
    assert len(units) == 1
    assert {path.rpartition("/")[2] for path in layout()} == {
        "terragrunt.hcl",
        "inputs.hcl",
        "secondary.tfvars",
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_inputs_are_the_values_of_the_environments_own_tree(name):
    [inputs] = hcl2.loads(content("repository", INPUTS.format(name))).values()
    own = hcl2.loads(content(name, f"infrastructure/{name}.auto.tfvars"))
    assert inputs == own


def test_root_and_modules_are_those_of_an_environments_own_tree():
    own = {
        artifact.path.removeprefix("infrastructure/"): artifact.content
        for artifact in artifacts_of("travel", "prod")
        if artifact.path.startswith("infrastructure/")
        and artifact.path.endswith((".tf", ".tftest.hcl", ".md"))
        and not artifact.path.startswith("infrastructure/state/")
    }
    shared = {
        artifact.path.removeprefix("infra/terraform/"): artifact.content
        for artifact in artifacts_of("travel", "repository")
        if artifact.path.startswith("infra/terraform/")
    }
    assert len(shared) > 40
    assert shared == own


def test_the_state_is_where_plain_terraform_has_it():
    own = hcl2.loads(content("prod", "infrastructure/backend.hcl"))
    given = hcl2.loads(content("prod", "infrastructure/prod.auto.tfvars"))
    root = content("repository", "infra/root.hcl")
    assert '"${local.given.environment}/terraform.tfstate"' in root
    assert own["key"] == f'"{given["environment"].strip(chr(34))}/terraform.tfstate"'


def test_a_layout_without_an_environment_is_refused():
    model = """
tarmac: 1
system: demo
services:
  web: {run: [bin/web], port: 8080}
delivery: {repository: https://github.com/acme/demo, terragrunt: true}
environments: {repository: {}}
"""
    with pytest.raises(BadInput, match="no environment has `infrastructure` that Terraform makes"):
        demo(model)


def test_a_system_that_does_not_ask_has_no_layout():
    assert [a for a in artifacts_of("shop", "repository") if a.path.startswith("infra/envs")] == []


def test_an_environment_that_pulumi_makes_is_not_in_it():
    model = """
tarmac: 1
system: demo
services:
  web: {run: [bin/web], port: 8080}
delivery: {repository: https://github.com/acme/demo, terragrunt: true}
environments:
  first: {cloud: aws, region: eu-central-1, zones: 3, infrastructure: {}}
  second: {cloud: aws, region: eu-central-1, zones: 3, infrastructure: {by: pulumi}}
  third: {}
  repository: {}
"""
    plan = deploy(demo(model), "repository", KINDS)
    assert list(plan.live) == ["first"]
    inputs = next(
        artifact for artifact in artifacts(plan, RENDERERS) if artifact.path.endswith("inputs.hcl")
    )
    assert "account" not in str(inputs.content), "its registry names none"
    assert deploy(demo(model), "first", KINDS).live == {}
