"""What a change of the model does to what Terraform makes is told with its risk."""

from __future__ import annotations

import re

import pytest
from compared import comparison, edited
from rendered import ROOT

from tarmac.change.compare.change import Risk
from tarmac.change.cost.estimate import month

FILE = "systems/shop/tarmac.yaml"
MODEL = (ROOT / FILE).read_text(encoding="utf-8")
HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW


def of_travel(old: str, new: str) -> list[tuple[Risk, str]]:
    """Edit travel's production, which has a firewall, and return what is said of it."""
    file = "systems/travel/tarmac.yaml"
    model = (ROOT / file).read_text(encoding="utf-8")
    assert model.count(old) == 1
    sides = ({file: text.encode()} for text in (model, model.replace(old, new)))
    found = comparison(*sides, disk=True, render=lambda _: ()).changes
    return [(change.told.risk, change.told.fact) for change in found]


def told(old: str, new: str) -> list[tuple[Risk, str]]:
    """Edit the last of what is there, which is production's, and return what is said of it."""
    assert MODEL.count(old)
    head, _, tail = MODEL.rpartition(old)
    sides = ({FILE: text.encode()} for text in (MODEL, f"{head}{new}{tail}"))
    found = comparison(*sides, disk=True, render=lambda _: ()).changes
    return [(change.told.risk, change.told.fact) for change in found]


BUCKET = "production-velero-backups-123456789012"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "aurora: {instance: db.r6g.large, backups: 35}",
            "aurora: {instance: db.r6g.xlarge, backups: 7}",
            [
                (MEDIUM, "server aurora class `db.r6g.large` -> `db.r6g.xlarge`"),
                (MEDIUM, "server aurora days of backups `35` -> `7`"),
            ],
        ),
        (
            "elasticache: {instance: cache.r6g.large, instances: 3}",
            'elasticache: {instance: cache.r6g.large, version: "7.0"}',
            [
                (HIGH, "server elasticache version `7.1` -> `7.0`"),
                (MEDIUM, "server elasticache instances `3` -> `2`"),
            ],
        ),
        (
            "      project: ecommerce\n",
            "      project: ecommerce\n      egress: {hosts: [api.stripe.com]}\n",
            [(MEDIUM, "firewall on the way out will be made")],
        ),
        (
            "      project: ecommerce\n",
            "      project: ecommerce\n      protected: false\n",
            [
                (HIGH, "protected true -> false"),
                (MEDIUM, "NAT gateways `3` -> `1`"),
            ],
        ),
        (
            "roles: {user-service: {name: user-service-role}}",
            "roles: {user-service: {allows: {'ses:SendEmail': ['arn:aws:ses:us-east-1::x']}}}",
            [
                (HIGH, "may ses:SendEmail on arn:aws:ses:us-east-1::x in AWS"),
                (
                    MEDIUM,
                    "role in AWS `user-service-role-dr` -> `ecommerce-production-user-service-dr`",
                ),
                (MEDIUM, "role in AWS `user-service-role` -> `ecommerce-production-user-service`"),
            ],
        ),
        (
            "      project: ecommerce\n",
            "      project: shop\n",
            [
                (HIGH, "project `ecommerce` -> `shop`"),
                (HIGH, f"bucket ecommerce-{BUCKET} days of objects goes (was `37`)"),
                (LOW, f"bucket shop-{BUCKET} days of objects: `37` will be made"),
            ],
        ),
        (
            "api_networks: [203.0.113.0/24]",
            "api_networks: [203.0.113.0/24, 198.51.100.0/24]",
            [(HIGH, "API server from 198.51.100.0/24 allowed")],
        ),
        (
            "general: {min: 3, desired: 5, max: 20}",
            "general: {min: 3, desired: 5, max: 30, disk: 100Gi}",
            [
                (MEDIUM, "nodes general `m5.large, 50 GiB` -> `m5.large, 100 GiB`"),
                (LOW, "nodes general counts `3, 5, 20` -> `3, 5, 30`"),
            ],
        ),
    ],
)
def test_a_change_of_infrastructure_is_reported_with_its_risk(old, new, expected):
    found = told(old, new)
    assert sorted(found, key=str) == sorted(expected, key=str)


#: Of production; without Terraform nothing makes its budget of AWS either.
BEGINS = MODEL.rindex("    infrastructure:\n")
WITHOUT_INFRASTRUCTURE = (
    (MODEL[BEGINS : MODEL.index("    broker: rabbitmq\n", BEGINS)], ""),
    (", email: billing@ecommerce.example.com", ""),
    # Nothing can stand by for it then.
    (re.search(r"^  dr: .*\n", MODEL, re.MULTILINE)[0], ""),
)


def test_removing_the_size_of_a_server_warns_about_its_data():
    text = edited(MODEL, *WITHOUT_INFRASTRUCTURE)
    sides = ({FILE: old.encode()} for old in (MODEL, text))
    found = comparison(*sides, disk=True, render=lambda _: ()).changes
    lost = [change for change in found if "server aurora" in change.fact]
    assert {change.told.risk for change in lost} == {HIGH}


def cost(old: str, new: str) -> list[tuple[str, Risk, str, tuple[str, ...]]]:
    """Return what is said of the costs of an edit."""
    sides = ({FILE: text.encode()} for text in (old, new))
    found = comparison(*sides, disk=True, render=lambda _: (), price=month).changes
    return [
        (change.verb, change.told.risk, change.told.fact, change.environments)
        for change in found
        if change.what == "cost"
    ]


@pytest.mark.parametrize(
    ("old", "new", "risk", "less"),
    [
        ("desired: 5", "desired: 6", LOW, False),
        ("desired: 5", "desired: 12", MEDIUM, False),
        ("cache.r6g.large, instances: 3", "cache.r6g.large, instances: 1", LOW, True),
    ],
)
def test_the_monthly_cost_of_a_change_is_reported_and_a_large_one_comes_first(old, new, risk, less):
    ((verb, said_risk, fact, environments),) = cost(MODEL, edited(MODEL, (old, new)))
    assert (verb, said_risk, environments) == ("changed", risk, ("production",))
    before, after, more = map(
        int, re.match(r"cost (\d+) -> (\d+) USD a month \(([+-]\d+), \d+%\)", fact).groups()
    )
    assert after - before == more
    assert (more < 0) is less


def test_an_environment_that_is_new_in_a_cloud_costs_all_of_it():
    without = edited(MODEL, *WITHOUT_INFRASTRUCTURE)
    ((verb, risk, fact, _),) = cost(without, MODEL)
    assert (verb, risk) == ("added", MEDIUM)
    assert fact.startswith("cost 0 -> ")
    ((verb, _, fact, _),) = cost(MODEL, without)
    assert verb == "removed"
    assert " -> 0 USD" in fact


@pytest.mark.parametrize(
    "edit", [("db.r6g.large", "db.r99.large"), ("quota: {cpu: 60", "quota: {cpu: 61")]
)
def test_equal_or_unknown_costs_are_not_reported(edit):
    assert cost(MODEL, edited(MODEL, edit)) == []


def test_equal_values_of_terraform_are_not_reported_again():
    new = edited(MODEL, ("general: {min: 3, desired: 5,", "general: {min: 3, desired: 6,"))
    sides = ({FILE: text.encode()} for text in (MODEL, new))
    found = comparison(*sides, disk=True).changes
    assert [change.told.fact for change in found] == [
        "nodes general counts `3, 5, 20` -> `3, 6, 20`"
    ]


WALL = "firewall on the way out"
HOSTS = "hosts: [acme-v02.api.letsencrypt.org, hooks.slack.com, events.pagerduty.com]"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            HOSTS,
            "hosts: [acme-v02.api.letsencrypt.org, hooks.slack.com, api.stripe.com]",
            (
                MEDIUM,
                f"{WALL} lets out to api.stripe.com; no longer to events.pagerduty.com",
            ),
        ),
        (f"      egress: {{{HOSTS}}}\n", "", (HIGH, f"{WALL} goes")),
    ],
)
def test_changes_of_a_firewall_and_its_removal_are_reported(old, new, expected):
    assert of_travel(old, new) == [expected]
