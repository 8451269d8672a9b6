"""The steps by which a recovery plan brings databases back, typed one after another.

The commands are those of `tarmac report trading --kind recovery`; the AWS CLI and Terraform are
real, and moto stands for AWS: it has no rows, so what is shown is that each command is taken, that
the restored server has the old one's name and settings, and that Terraform takes it for its own.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from emulated_aws import SETTINGS, EmulatedAws, emulated_aws, fit
from rendered import ROOT, plan_of
from terraformed import Terraform, providers, tree

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

TARMAC = Path(sys.executable).with_name("tarmac")
REGION = "us-east-1"
#: A production's servers and what they need around them, without all that is no database.
SERVERS = """
module "postgres" {{
  source   = "./modules/postgres"
  for_each = {{ {server} = {settings} }}

  name       = "{name}"
  settings   = each.value
  protected  = true
  vpc_id     = aws_vpc.this.id
  zones      = ["us-east-1a", "us-east-1b"]
  subnet_ids = aws_subnet.this[*].id
  clients    = {{ nodes = aws_security_group.nodes.id }}
}}

resource "aws_vpc" "this" {{
  cidr_block = "10.0.0.0/16"
}}

resource "aws_subnet" "this" {{
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = "10.0.${{count.index}}.0/24"
  availability_zone = ["us-east-1a", "us-east-1b"][count.index]
}}

resource "aws_security_group" "nodes" {{
  name   = "nodes"
  vpc_id = aws_vpc.this.id
}}
"""


@dataclass(frozen=True)
class Recovered:
    """A server of a production, before and after the steps of its plan."""

    before: dict[str, Any]
    #: The old one and the restored one, once they have changed names.
    lost: dict[str, Any]
    restored: dict[str, Any]
    #: What came of the plan that comes after the import.
    planned: str


def instance(aws: EmulatedAws, name: str) -> dict[str, Any]:
    """Read an instance."""
    call = ("rds", "describe_db_instances", {"DBInstanceIdentifier": name})
    (found,) = aws.ask(call)[0]["DBInstances"]
    return dict(found)


def steps() -> list[str]:
    """List the commands by which the plan brings the databases of trading back."""
    argv = [TARMAC, "report", "trading", "--kind", "recovery"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    section = done.stdout.partition("## Restore: data")[2].partition("\n## ")[0]
    return re.findall(r"^   - `(.*)`$", section, re.MULTILINE)


@pytest.fixture(scope="module")
def recovered(tmp_path_factory) -> Iterator[Recovered]:
    folder = tmp_path_factory.mktemp("recovered")
    rendered = tree("trading", "production", folder)
    fit(rendered)
    root = folder / "root"
    root.mkdir()
    (rendered / "modules").rename(root / "modules")
    cloud = plan_of("trading", "production").cloud
    assert cloud is not None
    (server,) = (one for one in cloud.servers if one.module == "postgres")
    name = f"trading-production-{server.name}"
    settings = (
        f'{{ version = "{server.version}", instance = "{server.size.instance}", '
        f"instances = {server.size.instances}, backup_days = 14, disk_gb = {server.disk_gb} }}"
    )
    text = SERVERS.format(server=server.name, name=name, settings=settings)
    text += providers(f'\n  region = "{REGION}"{SETTINGS}')
    (root / "main.tf").write_text(text)
    with emulated_aws(folder / "moto.log") as aws:
        terraform = Terraform.of(root, **aws.env)
        terraform.run("init", "-input=false")
        terraform.run("apply", "-input=false", "-auto-approve")
        before = instance(aws, name)
        yield typed(aws, terraform, before)


def typed(aws: EmulatedAws, terraform: Terraform, before: dict[str, Any]) -> Recovered:
    """Type the commands for AWS, then those for Terraform."""
    groups = " ".join(group["VpcSecurityGroupId"] for group in before["VpcSecurityGroups"])
    name = before["DBInstanceIdentifier"]
    commands = [
        shlex.split(one.replace("GROUPS", groups).replace("TIME", "2026-01-02T03:04:05Z"))
        for one in steps()
    ]
    assert {program for program, *_ in commands} == {"kubectl", "aws", "terraform", "tarmac"}
    cli = [str(aws.python), "-m", "awscli", "--endpoint-url", aws.url]
    env = {**terraform.env, **aws.env, "AWS_DEFAULT_REGION": REGION}
    for command in commands:
        if command[0] == "aws":
            argv = [*cli, *command[1:]]
            done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stderr}"
    restored, lost = instance(aws, name), instance(aws, f"{name}-lost")
    # All of its instances have one resource id, by which Terraform would find two.
    free = {"DBInstanceIdentifier": f"{name}-lost", "DeletionProtection": False}
    gone = {"DBInstanceIdentifier": f"{name}-lost", "SkipFinalSnapshot": True}
    aws.ask(("rds", "modify_db_instance", free), ("rds", "delete_db_instance", gone))
    planned = ""
    for program, *rest in commands:
        if program == "terraform":
            verb, *more = rest
            more += ["-input=false"] if verb == "plan" else []
            more += ["-auto-approve"] if verb == "apply" else []
            said = terraform.run(verb, *more)
            planned = said if verb == "plan" else planned
    return Recovered(before, lost, restored, planned)


def test_the_restored_server_has_the_name_and_the_settings_of_the_lost_one(recovered: Recovered):
    before, restored = recovered.before, recovered.restored
    assert recovered.lost["InstanceCreateTime"] == before["InstanceCreateTime"]
    for setting in (
        "Endpoint",
        "DBSubnetGroup",
        "DBParameterGroups",
        "VpcSecurityGroups",
        "MultiAZ",
        "DeletionProtection",
        "CopyTagsToSnapshot",
        "IAMDatabaseAuthenticationEnabled",
        "DBInstanceClass",
        "BackupRetentionPeriod",
        "StorageEncrypted",
    ):
        assert restored.get(setting) == before.get(setting), setting


def test_terraform_takes_it_for_its_own_and_replaces_nothing(recovered: Recovered):
    # What it changes is what moto does not give back.
    assert re.search(
        r"^Plan: 0 to add, \d+ to change, 0 to destroy", recovered.planned, re.MULTILINE
    )
    assert "must be replaced" not in recovered.planned
