"""The rules of objectives pass their own unit tests, which fail once a rule is changed."""

from __future__ import annotations

import copy
import subprocess

import pytest
import yaml
from gated import written
from rendered import ENVIRONMENTS, artifact_of, artifacts_of

from tarmac.errors import TarmacError
from tarmac.gates import _programs
from tarmac.report import Skip

RULES, TESTS = "observability/rules/slo.yaml", "observability/tests/"
WATCHED = [each for each in ENVIRONMENTS if any(a.path == RULES for a in artifacts_of(*each))]
#: One environment of each system; a system's others differ by names only.
SYSTEMS = list({system: (system, environment) for system, environment in WATCHED}.values())


@pytest.fixture(scope="session")
def promtool():
    try:
        return _programs.find("promtool")
    except (Skip, TarmacError) as missing:
        pytest.skip(str(missing))


def unit_tests(system, environment):
    made = artifacts_of(system, environment)
    return [a for a in made if a.path.startswith(f"{TESTS}slo")]


def asked(promtool, folder, path):
    argv = [promtool, "test", "rules", str(folder / path)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_every_environment_with_prometheus_has_rules_and_tests():
    assert {system for system, _ in WATCHED} == {"shop", "starter", "trading", "travel"}
    assert all(len(unit_tests(*each)) == 4 for each in WATCHED)


@pytest.mark.parametrize(("system", "environment"), SYSTEMS)
def test_the_object_and_the_plain_file_hold_the_same_groups(system, environment):
    found = artifact_of(system, environment, "k8s/monitoring/prometheusrule-slo.yaml").data["spec"]
    assert found == artifact_of(system, environment, RULES).data
    assert [each["name"] for each in found["groups"]] == ["slo-rules", "slo-alerts"]
    assert found["groups"][0]["interval"] == "30s"


@pytest.mark.parametrize(("system", "environment"), SYSTEMS)
@pytest.mark.parametrize("name", ["slo", "slo-6h", "slo-1d", "slo-3d"])
def test_rules_pass_their_unit_tests(system, environment, name, promtool, tmp_path):
    rules = artifact_of(system, environment, RULES)
    folder = written([rules, *unit_tests(system, environment)], tmp_path)
    done = asked(promtool, folder, f"{TESTS}{name}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


#: What is changed in the shop's rules: where, from what to what, and the file that must notice.
CHANGED = {
    "a threshold": ("SLOBurnRateHigh", "expr", "< 0.999", "< 0.998", "slo"),
    "a time to wait": ("SLOBurnRateHigh", "for", "5m", "6m", "slo"),
    "a budget's threshold": ("ErrorBudgetExhausted", "expr", "< 0.1", "< 0.2", "slo"),
    "a latency alert's window": ("HighLatency", "expr", "rate5m", "rate1h", "slo"),
    "a burn rate": ("ErrorBudgetBurn", "expr", "14.4 *", "13.4 *", "slo"),
    "a short window": ("ErrorBudgetBurn", "expr", "ratio_rate5m", "ratio_rate30m", "slo"),
    "a recorded window": ("slo:api_availability:ratio_rate5m", "expr", "[5m]", "[15m]", "slo"),
    "what is bad": ("slo:api_availability:ratio_rate1h", "expr", "5..", "6..", "slo"),
    "a bucket": ("slo:api_latency:ratio_rate5m", "expr", '"0.2"', '"0.3"', "slo"),
    "a divisor": ("slo:api_availability:ratio_rate5m", "expr", "1e-9", "0", "slo"),
    "a slow burn rate": ("ErrorBudgetBurn", "expr", "> 6 *", "> 7 *", "slo-6h"),
    "a window of days": ("slo:api_availability:ratio_rate1d", "expr", "[1d]", "[2d]", "slo-1d"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_rule_fails_its_unit_tests(change, promtool, tmp_path):
    name, key, old, new, file = CHANGED[change]
    rules = copy.deepcopy(artifact_of("shop", "production", RULES).data)
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    named = [e for e in every if name in (e.get("record"), e.get("alert")) and old in e[key]]
    assert named
    named[0][key] = named[0][key].replace(old, new)
    folder = written(unit_tests("shop", "production"), tmp_path)
    (folder / "observability/rules").mkdir()
    (folder / RULES).write_text(yaml.safe_dump(rules))
    done = asked(promtool, folder, f"{TESTS}{file}.yaml")
    assert done.returncode != 0, f"{change} was not noticed"
    assert "FAILED" in done.stdout + done.stderr
