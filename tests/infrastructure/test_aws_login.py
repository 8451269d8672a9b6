"""`tarmac doctor --cloud` asks the real AWS CLI, which asks an emulated AWS who it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from emulated_aws import ACCOUNT, EmulatedAws, emulated_aws
from rendered import ROOT

#: The CLI is started a dozen times.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

TARMAC = Path(sys.executable).with_name("tarmac")


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aws")
    with emulated_aws(folder / "moto.log") as found:
        yield found


def doctor(aws: EmulatedAws, folder: Path, system: str, environment: str, **env: str):
    """Run the verb with the CLI of moto's Python, settings of AWS in an own home."""
    program = folder / "aws"
    # Of itself the CLI asks another address for RDS in us-east-1, whatever its environment says.
    program.write_text(f'#!/bin/sh\nexec {aws.python} -m awscli --endpoint-url {aws.url} "$@"\n')
    program.chmod(0o755)
    return subprocess.run(
        [TARMAC, "doctor", system, "--cloud", "--env", environment, "--json"],
        cwd=ROOT,
        env={"HOME": str(folder), "PATH": f"{folder}:/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_identity_region_and_output_of_a_profile_are_shown(aws: EmulatedAws, tmp_path: Path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[default]\nregion = us-east-1\noutput = json\n")
    done = doctor(aws, tmp_path, "shop", "production", **aws.env)
    found = {check["name"]: check["found"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["AWS identity"].startswith("arn:aws:sts::" + ACCOUNT)
    assert (found["AWS region"], found["AWS output"]) == ("us-east-1", "json")


def test_a_region_is_asked_for_its_types_and_names(aws: EmulatedAws, tmp_path: Path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[default]\nregion = us-east-1\noutput = json\n")
    done = doctor(aws, tmp_path, "shop", "production", **aws.env)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for region in ("us-east-1", "eu-west-1"):
        assert found[f"nodes in {region}"]["state"] == "ok"
        assert found[f"nodes in {region}"]["found"] == found[f"nodes in {region}"]["floor"]
        assert found[f"aurora in {region}"]["found"] == "db.r6g.large"
        # moto has no list of caches.
        assert found[f"elasticache in {region}"]["state"] == "no answer"
    free = [check for name, check in found.items() if name.startswith("bucket ")]
    assert {check["found"] for check in free} == {"free"}


def test_another_environments_account_is_told_apart(aws: EmulatedAws, tmp_path: Path):
    done = doctor(aws, tmp_path, "travel", "prod", **aws.env)
    states = {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert states == {"AWS identity": "another one", "AWS region": "absent", "AWS output": "ok"}


def test_the_clis_refusal_is_shown_where_nobody_is_signed_in(aws: EmulatedAws, tmp_path: Path):
    nobody = {name: value for name, value in aws.env.items() if "KEY" not in name}
    done = doctor(aws, tmp_path, "shop", "production", **nobody)
    [check] = json.loads(done.stdout)["checks"]
    assert done.returncode == 1
    assert "Unable to locate credentials" in check["advice"]
