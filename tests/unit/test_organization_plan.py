"""The accounts of an organization follow from the model, and what does not fit is refused."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from rendered import plan_of

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy

SYSTEM = """
tarmac: 1
system: demo
services:
  web: {{run: [bin/web], port: 8080}}
environments:
  dev: {{cloud: aws, region: eu-west-1, zones: 2, infrastructure: {{}},
    registry: 111111111111.dkr.ecr.eu-west-1.amazonaws.com/demo}}
organization:
  region: eu-west-1
  accounts: {{dev: {{email: dev@example.com{dev}}}, shared: {{email: {shared}@example.com}}}}
  access: {{readers: {{policies: [ViewOnlyAccess], accounts: [{enters}]}}}}
"""


def planned(dev: str = "", shared: str = "shared", enters: str = "dev"):
    return deploy(demo(SYSTEM.format(dev=dev, shared=shared, enters=enters)), "dev", KINDS)


def test_an_account_has_the_number_and_regions_of_its_environment():
    plan = planned()
    found = {one.name: (one.number, one.regions) for one in plan.organization.accounts}
    assert found == {"dev": ("111111111111", ("eu-west-1",)), "shared": (None, ("eu-west-1",))}
    assert plan.cloud.role == "arn:aws:iam::111111111111:role/OrganizationAccountAccessRole"


def test_the_regions_of_a_policy_are_those_of_all_environments():
    assert plan_of("travel", "dev").organization.regions == ("eu-west-1", "eu-central-1")


def test_a_system_without_accounts_enters_none():
    plan = plan_of("shop", "production")
    assert (plan.organization, plan.cloud.role) == (None, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dev": ', id: "222222222222"'}, "is not the account of environment 'dev'"),
        ({"shared": "dev"}, "dev@example.com is the address of 'dev', too"),
        ({"enters": "prod"}, "group readers enters unknown account 'prod'"),
    ],
)
def test_what_does_not_fit_is_refused(given, said):
    with pytest.raises(BadInput, match=said):
        planned(**given)
