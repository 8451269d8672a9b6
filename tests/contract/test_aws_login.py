"""The AWS login is compared with what an environment needs: `doctor --cloud` and `deploy`.

`aws` is a script here that answers as the CLI does; tests/infrastructure asks the CLI itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rendered import ROOT, plan_of

from tarmac.run import aws_offers
from tarmac.run.aws_login import ExpectedLogin, checks, wanted
from tarmac.run.local.supervisor.checkup import Check

TARMAC = Path(sys.executable).with_name("tarmac")
OWN, OTHER = "123456789012", "999999999999"
PRODUCTION = ExpectedLogin("production", OWN, "us-east-1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that alone is on PATH."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def sign_in(folder: Path, account: str, region: str = "us-east-1") -> None:
    """Write an `aws` that is signed in to an account."""
    answer = {"UserId": "AIDA", "Account": account, "Arn": f"arn:aws:iam::{account}:user/ann"}
    cases = (
        f"'sts get-caller-identity --region') echo '{json.dumps(answer)}' ;;",
        f"'configure get region') {f'echo {region}' if region else 'exit 1'} ;;",
    )
    write(folder, "\n".join(('case "$1 $2 $3" in', *cases, "*) exit 1 ;;", "esac")))


def write(folder: Path, body: str) -> None:
    file = folder / "aws"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def found(needed: ExpectedLogin = PRODUCTION) -> dict[str, Check]:
    return {check.name: check for check in checks(needed)}


def run(*argv: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(folder), "PATH": str(folder)}
    return subprocess.run(
        [TARMAC, *argv], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_the_right_login_passes(folder: Path):
    sign_in(folder, OWN)
    assert {check.state for check in found().values()} == {"ok"}
    assert found()["AWS identity"].found == f"arn:aws:iam::{OWN}:user/ann"
    assert found()["AWS region"].found == "us-east-1"
    assert found()["AWS output"].found == "json"


def test_another_account_and_region_fail_with_what_to_do(folder: Path):
    sign_in(folder, OTHER, "eu-west-1")
    identity, region = found()["AWS identity"], found()["AWS region"]
    assert identity.fails
    assert region.fails
    assert identity.state == region.state == "another one"
    assert f"account {OTHER}" in identity.advice
    assert "AWS_PROFILE" in identity.advice
    assert "AWS_REGION=us-east-1" in region.advice


def test_a_variable_decides_the_region_as_for_the_cli(folder: Path, monkeypatch):
    sign_in(folder, OWN, "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert not found()["AWS region"].fails


def test_a_region_that_is_not_set_is_absent(folder: Path):
    sign_in(folder, OWN, "")
    assert (found()["AWS region"].state, found()["AWS region"].fails) == ("absent", True)


def test_the_clis_own_words_are_shown_where_nobody_is_signed_in(folder: Path):
    write(folder, "echo; echo 'Unable to locate credentials.' >&2; exit 253")
    [check] = found().values()
    assert check.fails
    assert (check.state, check.advice) == ("no answer", "Unable to locate credentials.")


def test_an_answer_without_an_account_is_refused(folder: Path):
    write(folder, "echo '[]'")
    assert "names no account" in found()["AWS identity"].advice


def test_without_the_cli_it_says_how_to_get_it(folder: Path):
    assert "brew install awscli" in found()["aws"].advice


@pytest.mark.parametrize(
    ("system", "environment", "needed"),
    [
        ("shop", "production", ExpectedLogin("production", OWN, "us-east-1")),
        ("travel", "prod", ExpectedLogin("prod", "333333333333", "eu-west-1")),
        ("shop", "kind", None),
    ],
)
def test_an_environments_account_is_that_of_its_registry(system, environment, needed):
    assert wanted(plan_of(system, environment)) == needed


def test_doctor_exits_by_the_login(folder: Path):
    sign_in(folder, OTHER)
    done = run("doctor", "shop", "--cloud", "--env", "production", folder=folder)
    assert done.returncode == 1
    assert f"the login is of account {OTHER}" in done.stdout


OFFERED = {
    "ec2 describe-instance-type-offerings": '["m5.large", "m5.xlarge"]',
    "rds describe-orderable-db-instance-options": "[]",
    "elasticache describe-reserved-cache-nodes-offerings": '["cache.r6g.large"]',
}
FORBIDDEN = "An error occurred (403) when calling the HeadBucket operation: Forbidden"


def offer(folder: Path, **answers: str) -> dict[str, Check]:
    """Write an `aws` that lists this, and return what is found of the shop's production."""
    cases = [f"'{command}') echo '{answer}' ;;" for command, answer in (OFFERED | answers).items()]
    cases.append(f"'s3api head-bucket') echo '{FORBIDDEN}' >&2; exit 254 ;;")
    refused = "echo 'An error occurred (AccessDenied): not you' >&2; exit 254"
    write(folder, "\n".join(('case "$1 $2" in', *cases, f"*) {refused} ;;", "esac")))
    return {check.name: check for check in aws_offers.checks(plan_of("shop", "production"))}


def test_a_class_that_a_region_lacks_is_named_before_terraform_finds_out(folder: Path):
    checks = offer(folder)
    lacking = checks["aurora in eu-west-1"]
    assert (lacking.state, lacking.fails, lacking.floor) == ("absent", True, "db.r6g.large")
    assert lacking.advice == (
        "eu-west-1 has no db.r6g.large; write another one in `infrastructure`"
    )
    assert checks["elasticache in us-east-1"].state == "ok"
    nodes = checks["nodes in us-east-1"]
    assert nodes.fails
    assert "m5.large" in nodes.found
    assert "no m5a.large" in nodes.advice


def test_a_name_that_another_account_has_is_taken(folder: Path):
    taken = offer(folder)[f"bucket ecommerce-terraform-state-{OWN}"]
    assert (taken.state, taken.fails) == ("taken", True)
    assert "write another name" in taken.advice


def test_what_a_login_may_not_ask_is_told_and_fails_nothing(folder: Path):
    write(folder, "echo 'An error occurred (AccessDenied): not you' >&2; exit 254")
    found = aws_offers.checks(plan_of("shop", "production"))
    assert {(check.state, check.fails) for check in found} == {("no answer", False)}
    assert {check.advice for check in found} == {"An error occurred (AccessDenied): not you"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--cloud", "--env", "kind"), "systems/shop/tarmac.yaml: environment kind is not in AWS"),
        (("--env", "kind"), "--env goes with --cloud; add it"),
    ],
)
def test_doctor_refuses_what_it_cannot_compare(folder: Path, argv, said):
    done = run("doctor", "shop", *argv, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_nothing_is_deployed_into_another_account(folder: Path):
    sign_in(folder, OTHER)
    done = run("deploy", "trading", "--env", "production", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"aws: the login is of account {OTHER}" in done.stderr


def test_a_deployment_says_that_the_account_was_not_checked(folder: Path):
    done = run("deploy", "trading", "--env", "production", folder=folder)
    assert "the AWS account was not checked: aws: not on PATH" in done.stdout
    assert "kubectl is not on PATH" in done.stderr
