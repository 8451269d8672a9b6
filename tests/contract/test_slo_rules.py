"""The rules of objectives pass their own unit tests, which fail once a rule is changed."""

from __future__ import annotations

import copy
from pathlib import PurePosixPath

import pytest
from gated import written
from promtooled import failures
from promtooled import written as written_alone
from rendered import ENVIRONMENTS, artifact_of, artifacts_of

FOLDER = "observability"
RULES, TESTS = f"{FOLDER}/rules/slo-", f"{FOLDER}/tests/slo-"
OBJECT = "k8s/monitoring/prometheusrule-slo.yaml"


def rules_of(system, environment):
    """List the files of rules, one for each objective."""
    return [a for a in artifacts_of(system, environment) if a.path.startswith(RULES)]


def unit_tests(system, environment):
    return [a for a in artifacts_of(system, environment) if a.path.startswith(TESTS)]


WATCHED = [environment for environment in ENVIRONMENTS if rules_of(*environment)]
#: One environment of each system; a system's others differ by names only.
SYSTEMS = list({system: (system, environment) for system, environment in WATCHED}.values())


def test_every_environment_with_prometheus_has_rules_and_tests():
    assert {system for system, _ in WATCHED} == {"shop", "starter", "trading", "travel"}
    for watched in WATCHED:
        names = {PurePosixPath(artifact.path).stem for artifact in rules_of(*watched)}
        assert {PurePosixPath(test.path).stem for test in unit_tests(*watched)} == {
            f"{name}{ending}" for name in names for ending in ("", "-6h", "-1d", "-3d")
        }


@pytest.mark.parametrize(("system", "environment"), SYSTEMS)
def test_the_object_and_the_plain_file_hold_the_same_groups(system, environment):
    found = artifact_of(system, environment, OBJECT).data["spec"]["groups"]
    assert [group["name"] for group in found] == ["slo-rules", "slo-alerts"]
    assert found[0]["interval"] == "30s"
    plain = [rules.data["groups"] for rules in rules_of(system, environment)]
    objectives = {rule["labels"]["objective"] for group in found for rule in group["rules"]}
    assert len(plain) == len(objectives) >= 2
    for groups in plain:
        objective = groups[0]["rules"][0]["labels"]["objective"]
        assert groups == [
            {**group, "rules": [r for r in group["rules"] if r["labels"]["objective"] == objective]}
            for group in found
        ]


@pytest.mark.parametrize(("system", "environment"), SYSTEMS)
def test_rules_pass_their_unit_tests(system, environment, tmp_path):
    tests = unit_tests(system, environment)
    folder = written([*rules_of(system, environment), *tests], tmp_path)
    assert failures(*(folder / test.path for test in tests)) == {}


#: What is changed in the shop's rules: where, from what to what, and the test that notices.
A, L = "of api_availability", "of api_latency"
FAST, RATE_5M = f"{A} in 1h and 5m fires", "slo:api_availability:ratio_rate5m"
CHANGED = {
    "a threshold": ("SLOBurnRateHigh", "expr", "< 0.999", "< 0.998", f"{A} fires 8m"),
    "a time to wait": ("SLOBurnRateHigh", "for", "5m", "6m", f"{A} fires 8m"),
    "a budget's threshold": ("ErrorBudgetExhausted", "expr", "< 0.1", "< 0.2", f"{A} fires 42m"),
    "a latency alert's window": ("HighLatency", "expr", "rate5m", "rate1h", f"{L} fires 8m"),
    "a burn rate": ("ErrorBudgetBurn", "expr", "14.4 *", "13.4 *", FAST),
    "a short window": ("ErrorBudgetBurn", "expr", "ratio_rate5m", "ratio_rate30m", FAST),
    "a recorded window": (RATE_5M, "expr", "[5m]", "[15m]", f"{A} fires 8m"),
    "what is bad": ("slo:api_availability:ratio_rate1h", "expr", "5..", "6..", FAST),
    "a bucket": ("slo:api_latency:ratio_rate5m", "expr", '"0.2"', '"0.3"', f"{L} fires 8m"),
    "a divisor": (RATE_5M, "expr", "1e-9", "0", "api_availability without a request"),
    "a slow burn rate": ("ErrorBudgetBurn", "expr", "> 6 *", "> 7 *", f"{A} in 6h and 30m fires"),
    "a slow window": ("ErrorBudgetBurn", "expr", "rate30m", "rate1h", f"{A} in 6h and 30m fires"),
    "a window of days": (
        "slo:api_availability:ratio_rate1d",
        "expr",
        "[1d]",
        "[2d]",
        f"{A} in 1d and 2h fires",
    ),
    "the slowest burn rate": (
        "ErrorBudgetBurn",
        "expr",
        "> 1 *",
        "> 1.2 *",
        f"{A} in 3d and 6h fires",
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_rule_fails_its_unit_tests(change, tmp_path):
    name, key, old, new, noticing = CHANGED[change]
    # The file's others pass or not with it: each of them takes promtool a tenth of a second.
    [tests] = [
        {**artifact.data, "tests": [test]}
        for artifact in unit_tests("shop", "production")
        for test in artifact.data["tests"]
        if noticing in test["name"]
    ]
    [file] = tests["rule_files"]
    rules = copy.deepcopy(artifact_of("shop", "production", file.replace("..", FOLDER)).data)
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    named = [
        rule
        for rule in every
        if name in (rule.get("record"), rule.get("alert")) and old in rule[key]
    ]
    assert named
    named[0][key] = named[0][key].replace(old, new)
    path = written_alone(tmp_path, rules, tests)
    assert "FAILED" in failures(path).get(str(path), ""), f"{change} was not noticed"


@pytest.mark.parametrize(("requests", "fires"), [(3, False), (30, True)])
def test_a_third_of_three_requests_fires_nothing_and_of_thirty_all(requests, fires, tmp_path):
    [rules] = [r for r in rules_of("starter", "production") if "user-service" in r.path]
    own = 'namespace="starter",service="user-service",route="/users"'

    def counted(status, count):
        rising = f"0x9 {count}x50"
        return {"series": f'http_requests_total{{{own},status="{status}"}}', "values": rising}

    asked = 'count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}) or vector(0)'
    test = {
        "interval": "30s",
        "input_series": [counted("200", requests * 2 // 3), counted("500", requests // 3)],
        "promql_expr_test": [
            {
                "expr": f"({asked}) > bool 0",
                "eval_time": "6m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }
    [form] = [
        t
        for t in unit_tests("starter", "production")
        if t.path.endswith("slo-user-service-availability.yaml")
    ]
    tests = {**form.data, "tests": [test]}
    path = written_alone(tmp_path, rules.data, tests)
    assert failures(path) == {}
