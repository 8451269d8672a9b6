"""The count of deployments in a day passes its own unit tests, which fail once it is changed."""

from __future__ import annotations

import copy
import subprocess

import pytest
import yaml
from gated import written
from rendered import ENVIRONMENTS, artifact_of, artifacts_of

from tarmac.gates import _programs
from tarmac.report import Skip

RULES, TESTS = "observability/rules/deployments.yaml", "observability/tests/deployments.yaml"
WATCHED = [each for each in ENVIRONMENTS if any(a.path == RULES for a in artifacts_of(*each))]
#: What makes a service's sets of pods, by the environment that says who tries its versions.
OWNERS = {("shop", "production"): {"Deployment"}, ("travel", "prod"): {"Rollout", "Deployment"}}


@pytest.fixture(scope="session")
def promtool():
    try:
        return _programs.find("promtool")
    except Skip as missing:
        pytest.skip(str(missing))


def asked(promtool, environment, rules, folder):
    written([artifact_of(*environment, TESTS)], folder)
    (folder / RULES).parent.mkdir(parents=True)
    (folder / RULES).write_text(yaml.safe_dump(rules))
    argv = [promtool, "test", "rules", str(folder / TESTS)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_every_environment_with_prometheus_counts_deployments():
    assert {system for system, _ in WATCHED} == {"shop", "starter", "trading", "travel"}
    for each in WATCHED:
        kept = artifact_of(*each, "k8s/monitoring/prometheusrule-deployments.yaml").data["spec"]
        assert kept == artifact_of(*each, RULES).data


@pytest.mark.parametrize("environment", OWNERS, ids="-".join)
def test_sets_are_counted_by_whoever_makes_them(environment, promtool, tmp_path):
    rules = artifact_of(*environment, RULES).data
    written_in = yaml.safe_dump(rules, width=10000)
    assert {kind for kind in ("Rollout", "Deployment") if f'="{kind}"' in written_in} == OWNERS[
        environment
    ]
    done = asked(promtool, environment, rules, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


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
def test_a_changed_rule_fails_its_unit_tests(change, promtool, tmp_path):
    old, new = CHANGED[change]
    environment = ("shop", "production")
    rules = copy.deepcopy(artifact_of(*environment, RULES).data)
    [rule] = rules["groups"][0]["rules"]
    assert old in rule["expr"]
    rule["expr"] = rule["expr"].replace(old, new)
    done = asked(promtool, environment, rules, tmp_path)
    assert done.returncode != 0, f"{change} was not noticed"
    assert "FAILED" in done.stdout + done.stderr
