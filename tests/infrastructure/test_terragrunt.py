"""travel's layout of all environments, validated by Terragrunt. No account is reached."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import built
import pytest
from rendered import artifacts_of, plan_of
from terraformed import ALIASES, HEADER, Terraform, offline

from tarmac.base.artifact import write

#: The provider has 700 MB, and each environment starts it.
pytestmark = pytest.mark.timeout(600)

GET = "there is no Terragrunt; run .ci/terragrunt (`make tools`)"
ENVIRONMENTS = ("dev", "stg", "prod")


@dataclass(frozen=True)
class Layout:
    """The rendered layout, and Terragrunt in it."""

    program: Path
    terraform: Terraform

    @property
    def environments(self) -> Path:
        return self.terraform.folder / "envs"

    def run(self, *arguments: str, below: str = ".", code: int = 0, **env: str) -> str:
        """Run it in a folder below `envs` and return what it printed."""
        own = {
            # No bucket is asked for, and nothing is waited for.
            "TERRAGRUNT_DISABLE_INIT": "true",
            "TERRAGRUNT_NON_INTERACTIVE": "true",
            "TERRAGRUNT_TFPATH": "terraform",
            "TERRAGRUNT_NO_COLOR": "true",
        }
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.environments / below,
            env={**self.terraform.env, **own, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == code, f"terragrunt {' '.join(arguments)}\n{said[-6000:]}"
        return said

    def resolved(self, environment: str) -> dict:
        """Read an environment as Terragrunt resolves it, all functions and its root included."""
        file = self.environments / environment / "resolved.json"
        self.run("render-json", "--terragrunt-json-out", str(file), below=environment)
        return json.loads(file.read_text())


def laid_out(folder: Path) -> Layout:
    """Write it; a test is skipped where there is no Terragrunt."""
    if (program := built.newest("terragrunt-*/terragrunt")) is None:
        pytest.skip(GET)
    for artifact in artifacts_of("travel", "repository"):
        if artifact.path.startswith(("infra/envs/", "infra/terraform/", "infra/root.hcl")):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, HEADER), encoding="utf-8")
    return Layout(program, Terraform.of(folder / "infra"))


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Layout:
    return laid_out(tmp_path_factory.mktemp("layout"))


@pytest.fixture(scope="module")
def resolved(layout) -> dict[str, dict]:
    return {name: layout.resolved(name) for name in ENVIRONMENTS}


def test_all_three_environments_are_valid(layout):
    said = layout.run("run-all", "validate")
    valid = [line for line in said.splitlines() if "The configuration is valid." in line]
    assert len(valid) == len(ENVIRONMENTS)
    assert [name for name in ENVIRONMENTS if not any(f"[{name}]" in line for line in valid)] == []


def test_inputs_are_the_variables_of_the_root_no_more_and_no_fewer(layout):
    for name in ENVIRONMENTS:
        layout.run("validate-inputs", "--terragrunt-strict-validate", below=name)
    file = layout.environments / "dev/inputs.hcl"
    text = file.read_text()
    try:
        file.write_text(text.replace("  node_groups ", "  nod_groups "))
        said = layout.run("validate-inputs", "--terragrunt-strict-validate", below="dev", code=1)
    finally:
        file.write_text(text)
    assert "- nod_groups" in said, "it is unused"
    assert "- node_groups" in said, "it is missing"


def test_files_are_formatted_as_terragrunt_does(layout):
    layout.run("hclfmt", "--terragrunt-check", below="..")


def test_production_differs_from_development_by_inputs_and_by_what_follows_from_them(resolved):
    def apart(name):
        one = resolved[name]
        followed = {"inputs", "locals", "remote_state"}
        return {key: value for key, value in one.items() if key not in followed}

    assert apart("dev")["terraform"]["source"].endswith("/infra/terraform")
    assert apart("prod") == apart("stg") == apart("dev")
    assert resolved["prod"]["inputs"] != resolved["dev"]["inputs"]


@pytest.mark.parametrize(("name", "number"), [("dev", "1"), ("stg", "2"), ("prod", "3")])
def test_the_state_of_each_is_in_its_own_account_encrypted_and_locked(resolved, name, number):
    account = number * 12
    state = resolved[name]["remote_state"]
    assert state["backend"] == "s3"
    assert state["config"] == {
        "bucket": f"travel-terraform-state-{account}",
        "key": f"{name}/terraform.tfstate",
        "region": "eu-west-1",
        "encrypt": True,
        "use_lockfile": True,
        "disable_bucket_update": True,
        "assume_role": {"role_arn": f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"},
    }


def test_both_regions_of_production_are_planned_by_its_inputs(tmp_path):
    apart = laid_out(tmp_path)
    infra = apart.terraform.folder
    # No state is read and no role taken.
    (infra / "terraform/offline_override.tf").write_text(offline(*ALIASES))
    root = (infra / "root.hcl").read_text()
    start, end = root.index("remote_state {"), root.index("inputs = local.given")
    (infra / "root.hcl").write_text(root[:start] + root[end:])
    inputs = apart.environments / "prod/inputs.hcl"
    lines = inputs.read_text().splitlines(keepends=True)
    inputs.write_text("".join(line for line in lines if not line.startswith("  role ")))
    first = apart.run("plan", "-no-color", below="prod")
    second = apart.run(
        *("plan", "-no-color", "-var-file=secondary.tfvars"),
        below="prod",
        TF_WORKSPACE="eu-central-1",
    )
    made = plan_of("travel", "prod").cloud
    assert '"travel-prod-dr"' not in first
    for zone in made.subnets:
        assert f'"{zone.zone}"' in first
    for said in (first, second):
        assert "module.egress[0].aws_networkfirewall_firewall.this will be created" in said
        assert "0 to change, 0 to destroy" in said
    assert '"travel-prod-dr"' in second
    assert f'"{made.standby.network}"' in second
