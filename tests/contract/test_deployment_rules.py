"""The count of deployments in a day passes its own unit tests, which fail once it is changed."""

from __future__ import annotations

import copy

import pytest
import yaml
from promtooled import failures, written
from rendered import ENVIRONMENTS, artifact_of, artifacts_of

RULES, TESTS = "observability/rules/deployments.yaml", "observability/tests/deployments.yaml"
#: What makes a service's sets of pods, by the environment that says who tries its versions.
OWNERS = {("shop", "production"): {"Deployment"}, ("travel", "prod"): {"Rollout", "Deployment"}}


def said(environment, rules, folder):
    """Run the unit tests on rules; return what promtool says of those that fail."""
    return "".join(failures(written(folder, rules, artifact_of(*environment, TESTS).data)).values())


def test_every_environment_with_prometheus_counts_deployments():
    watched_by = [one for one in ENVIRONMENTS if any(a.path == RULES for a in artifacts_of(*one))]
    assert {system for system, _ in watched_by} == {"shop", "starter", "trading", "travel"}
    for watched in watched_by:
        kept = artifact_of(*watched, "k8s/monitoring/prometheusrule-deployments.yaml").data["spec"]
        assert kept == artifact_of(*watched, RULES).data


@pytest.mark.parametrize("environment", OWNERS, ids="-".join)
def test_sets_are_counted_by_whoever_makes_them(environment, tmp_path):
    rules = artifact_of(*environment, RULES).data
    written_in = yaml.safe_dump(rules, width=10000)
    assert {kind for kind in ("Rollout", "Deployment") if f'="{kind}"' in written_in} == OWNERS[
        environment
    ]
    assert said(environment, rules, tmp_path) == ""


#: What is changed in the rule: from what, to what.
CHANGED = {
    "the day that is looked back on": ("[1d]", "[5m]"),
    "the day that counts": ("86400", "43200"),
    "who owns a set": ('owner_kind="Deployment"', 'owner_kind=~"Deployment|StatefulSet"'),
    "whose name it is": ("storefront|", "storefront|xstorefront|"),
    "a name that begins alike": ("storefront|", "storefront.*|"),
    "one that two exporters tell of": (
        "replicaset, owner_name)",
        "replicaset, owner_name, instance)",
    ),
    "nought of what was left alone": ("or 0 *", "or 1 *"),
    "what is asked at all": ("count by", "max by"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_rule_fails_its_unit_tests(change, tmp_path):
    old, new = CHANGED[change]
    environment = ("shop", "production")
    rules = copy.deepcopy(artifact_of(*environment, RULES).data)
    [rule] = rules["groups"][0]["rules"]
    assert old in rule["expr"]
    rule["expr"] = rule["expr"].replace(old, new)
    assert "FAILED" in said(environment, rules, tmp_path), f"{change} was not noticed"
