"""travel's organization and the baseline of its accounts, planned and applied to an emulated AWS.

moto keeps accounts apart and lets a role be taken. Of permission sets, of Security Hub and of
trails in another account it has too little: these are planned only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulated_aws import SETTINGS, EmulatedAws, emulated_aws
from rendered import ROOT, plan_of, system_of
from terraformed import HEADER, STATE_HERE, Planned, Terraform, providers

from tarmac.base.artifact import write
from tarmac.render.infrastructure.organization import RENDERER

pytestmark = pytest.mark.timeout(900)

ACCOUNTS = {"dev", "stg", "prod", "shared-services"}
PROD = "333333333333"
#: What moto does not have.
GAPS = """\
resource "aws_securityhub_account" "this" {
  count = 0
}

resource "aws_securityhub_standards_subscription" "this" {
  count = 0
}
"""
#: It looks for a trail's tags in another account.
TRAIL_GAPS = """\
resource "aws_cloudtrail" "this" {
  count = 0
}
"""
#: Its client puts the account before the host, and 127.0.0.1 has no names below it.
ROOT_GAPS = """\
resource "aws_s3_account_public_access_block" "this" {
  count = 0
}
"""
LACKING = {"modules/audit": GAPS, "modules/trail": TRAIL_GAPS, ".": ROOT_GAPS}


@dataclass(frozen=True)
class Made:
    """What was planned, and then applied."""

    aws: EmulatedAws
    folder: Path
    organization: Planned
    account: Planned


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("organization")
    for artifact in RENDERER.render(plan_of("travel", "prod")):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, HEADER), encoding="utf-8")
    for root, aliases in (("organization", ()), ("account", ("second",))):
        override = folder / "infra" / root / "emulator_override.tf"
        override.write_text(STATE_HERE + providers(SETTINGS, *aliases))
    # What it does not have is said at once: a client would ask for minutes.
    with emulated_aws(folder / "moto.log") as aws:
        env = {**aws.env, "AWS_MAX_ATTEMPTS": "1"}
        first = Terraform.of(folder / "infra/organization", **env)
        first.run("init", "-input=false")
        organization = first.plan()
        (folder / "people.tfvars").write_text("access = {}\n")
        people = f"-var-file={folder / 'people.tfvars'}"
        first.run("apply", "-input=false", "-auto-approve", people)
        baseline = Terraform.of(folder / "infra/account", **env)
        baseline.run("init", "-input=false")
        account = baseline.plan("-var-file=prod.tfvars")
        for module, gaps in LACKING.items():
            (folder / "infra/account" / module / "lacking_override.tf").write_text(gaps)
        given = ("-var-file=prod.tfvars", "-var=automation=null")
        baseline.run("apply", "-input=false", "-auto-approve", *given)
        yield Made(aws, folder, organization, account)


def statement(policy):
    [one] = json.loads(policy["content"])["Statement"]
    return one


def test_each_environment_has_an_account_in_a_unit_of_its_own(made):
    planned = made.organization
    accounts = planned.of("aws_organizations_account").values()
    assert {one["name"] for one in accounts} == {f"travel-{name}" for name in ACCOUNTS}
    assert len({one["email"] for one in accounts}) == 4
    units = planned.of("aws_organizations_organizational_unit").values()
    assert {one["name"] for one in units} == ACCOUNTS
    [found] = made.aws.ask(("organizations", "list_accounts", {}))
    assert {f"travel-{name}" for name in ACCOUNTS} <= {one["Name"] for one in found["Accounts"]}


def test_no_unit_leaves_works_in_other_regions_or_switches_its_audit_off(made):
    policies = {
        one["name"]: one for one in made.organization.of("aws_organizations_policy").values()
    }
    assert set(policies) == {"leave-organization", "regions", "audit"}
    assert statement(policies["leave-organization"])["Action"] == "organizations:LeaveOrganization"
    limit = statement(policies["regions"])
    assert limit["Condition"]["StringNotEquals"] == {
        "aws:RequestedRegion": ["eu-west-1", "eu-central-1"]
    }
    assert "ec2:*" not in limit["NotAction"]
    assert {statement(one)["Effect"] for one in policies.values()} == {"Deny"}
    assert len(made.organization.of("aws_organizations_policy_attachment")) == 3 * 4
    [roots] = made.aws.ask(("organizations", "list_roots", {}))
    parent = {"ParentId": roots["Roots"][0]["Id"]}
    [units] = made.aws.ask(("organizations", "list_organizational_units_for_parent", parent))
    for unit in units["OrganizationalUnits"]:
        asked = {"TargetId": unit["Id"], "Filter": "SERVICE_CONTROL_POLICY"}
        [held] = made.aws.ask(("organizations", "list_policies_for_target", asked))
        assert set(policies) <= {one["Name"] for one in held["Policies"]}


def test_people_come_by_groups_with_a_set_of_permissions_for_hours(made):
    planned = made.organization
    sets = {one["name"]: one for one in planned.of("aws_ssoadmin_permission_set").values()}
    access = system_of("travel").file.organization.access
    assert {name: one["session_duration"] for name, one in sets.items()} == {
        name: f"PT{one.hours}H" for name, one in access.items()
    }
    groups = planned.of("aws_identitystore_group").values()
    assert {one["display_name"] for one in groups} == set(access)
    assigned = planned.of("aws_ssoadmin_account_assignment")
    assert len(assigned) == sum(len(one.accounts) for one in access.values())
    assert {one["principal_type"] for one in assigned.values()} == {"GROUP"}


def test_each_region_of_an_account_has_recorder_rules_hub_standard_and_detector(made):
    for kind in (
        "aws_config_configuration_recorder",
        "aws_config_delivery_channel",
        "aws_securityhub_account",
        "aws_securityhub_standards_subscription",
        "aws_guardduty_detector",
    ):
        assert len(made.account.of(kind)) == 2, kind
    standards = made.account.of("aws_securityhub_standards_subscription").values()
    regions = {one["standards_arn"].split(":")[3] for one in standards}
    assert regions == {"eu-west-1", "eu-central-1"}
    started = made.account.of("aws_config_configuration_recorder_status").values()
    assert [one["is_enabled"] for one in started] == [True, True]
    assert {one["enable"] for one in made.account.of("aws_guardduty_detector").values()} == {True}
    assert len(made.account.of("aws_config_config_rule")) == 6 + 4
    assert made.account.one("aws_iam_account_password_policy")["minimum_password_length"] == 16


def test_the_trail_is_of_all_regions_and_goes_to_an_encrypted_bucket_of_the_account(made):
    trail = made.account.one("aws_cloudtrail")
    assert (trail["is_multi_region_trail"], trail["enable_log_file_validation"]) == (True, True)
    assert made.account.one("aws_s3_bucket")["bucket"] == f"travel-prod-audit-{PROD}"
    [rule] = made.account.one("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    [given] = rule["apply_server_side_encryption_by_default"]
    assert given["sse_algorithm"] == "aws:kms"


def test_the_baseline_was_made_in_the_account_itself_by_its_role(made):
    state = json.loads(Terraform.of(made.folder / "infra/account").run("show", "-json"))
    made_by = {
        one["type"]: one["values"]["arn"]
        for module in state["values"]["root_module"]["child_modules"]
        for one in module["resources"]
        if one["type"] in ("aws_guardduty_detector", "aws_kms_key")
    }
    assert {arn.split(":")[4] for arn in made_by.values()} == {PROD}


@pytest.mark.parametrize(("environment", "number"), [("dev", "1"), ("stg", "2"), ("prod", "3")])
def test_an_environments_provider_and_state_enter_its_own_account(environment, number):
    role = f"arn:aws:iam::{number * 12}:role/OrganizationAccountAccessRole"
    assert plan_of("travel", environment).cloud.role == role
    versions = (ROOT / "src/tarmac/assets/terraform/versions.tf").read_text()
    assert versions.count("role_arn = assume_role.value") == versions.count("\nprovider ") == 3


def test_roots_are_formatted_and_valid_and_modules_keep_what_their_tests_say(made):
    for root, planned in (("organization", made.organization), ("account", made.account)):
        terraform = Terraform.of(made.folder / "infra" / root)
        assert terraform.run("fmt", "-check", "-recursive") == ""
        assert planned.is_valid, planned.said
    for module in LACKING:
        (made.folder / "infra/account" / module / "lacking_override.tf").unlink()
    assert "0 failed" in Terraform.of(made.folder / "infra/account").run("test")
