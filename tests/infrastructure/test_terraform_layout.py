"""The shop's layout of all environments, planned from one root by each one's values."""

from __future__ import annotations

import pytest
from rendered import artifacts_of
from terraformed import ALIASES, HEADER, Terraform, offline

from tarmac.base.artifact import write

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Terraform:
    """Write the layout of the repository; no account is reached and no state read."""
    folder = tmp_path_factory.mktemp("repository")
    for artifact in artifacts_of("shop", "repository"):
        if artifact.path.startswith("infrastructure/"):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, HEADER), encoding="utf-8")
    root = folder / "infrastructure"
    (root / "offline_override.tf").write_text(offline(*ALIASES))
    made = Terraform.of(root)
    made.run("init", "-input=false")
    return made


@pytest.mark.parametrize("name", ["staging", "production"])
def test_an_environment_is_planned_from_the_shared_root_by_its_values(layout, name):
    planned = layout.plan(f"-var-file=environments/{name}/values.tfvars")
    assert planned.is_valid
    assert planned.one("aws_eks_cluster")["name"] == f"ecommerce-{name}"


def test_the_files_are_formatted(layout):
    layout.run("fmt", "-check", "-recursive")
