"""The tests that are rendered with alerts: promtool passes them, and no rule changes unseen."""

from __future__ import annotations

import copy
import re

import pytest
from promtooled import failures, written
from rendered import ENVIRONMENTS, artifacts_of, plan_of, watched_artifacts_of

from tarmac.render.observability.alerting.catalogue import alerts

#: Each system in its largest environment; the others' rules differ by names and numbers of stores.
LARGEST = [
    ("shop", "production"),
    ("starter", "production"),
    ("trading", "production"),
    ("travel", "prod"),
]
WATCHED = [environment for environment in ENVIRONMENTS if alerts(plan_of(*environment))]
#: Trees with every alert that there is: also the shop's with Redis and NATS in the cluster.
TREES = {
    **{system: artifacts_of(system, environment) for system, environment in LARGEST},
    "shop, all in the cluster": watched_artifacts_of("shop"),
}


def topics(tree):
    """Yield the rules and tests of each topic."""
    found = {artifact.path: artifact for artifact in tree}
    for path, artifact in found.items():
        if path.startswith("observability/rules/alerts-"):
            yield artifact.data, found[path.replace("/rules/", "/tests/")].data


def of(*rules):
    return {"groups": [{"name": "one", "rules": list(rules)}]}


def by_name(tree):
    """Yield the rules of each alert, one for each service or store, with their tests."""
    for rules, tests in topics(tree):
        every = [rule for group in rules["groups"] for rule in group["rules"]]
        for name in dict.fromkeys(rule["alert"] for rule in every):
            own = [
                test
                for test in tests["tests"]
                if {case["alertname"] for case in test["alert_rule_test"]} == {name}
            ]
            yield [rule for rule in every if rule["alert"] == name], {**tests, "tests": own}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_every_alert_fires_at_its_minute_clears_and_is_silent_below(tmp_path, tree):
    """Each beside those of its name alone, since a test asks for no other.

    promtool evaluates all rules of a file for each test. Gate VAL010 runs whole files in
    tests/gates/test_programs.py.
    """
    found = list(by_name(tree))
    assert sum(len(tests["tests"]) for _, tests in found) == sum(
        len(tests["tests"]) for _, tests in topics(tree)
    )
    paths = [
        written(tmp_path / str(number), of(*rules), tests)
        for number, (rules, tests) in enumerate(found)
    ]
    assert paths
    assert failures(*paths) == {}


@pytest.mark.parametrize(("system", "environment"), WATCHED)
def test_every_rule_has_a_test_that_fires_it_and_one_that_does_not(system, environment):
    for rules, tests in topics(artifacts_of(system, environment)):
        wanted = [
            (rule["alert"], rule["labels"].get("service"))
            for group in rules["groups"]
            for rule in group["rules"]
        ]
        fired = [
            (case["alertname"], expected["exp_labels"])
            for test in tests["tests"]
            for case in test["alert_rule_test"]
            for expected in case["exp_alerts"]
        ]
        for alert, service in wanted:
            same = [labels for name, labels in fired if name == alert]
            assert any(service in (None, labels["service"]) for labels in same), alert
        silent = [
            test["alert_rule_test"][0]["alertname"]
            for test in tests["tests"]
            if not any(case["exp_alerts"] for case in test["alert_rule_test"])
        ]
        assert sorted(silent) == sorted(alert for alert, _ in wanted)


#: A comparison with a number, or with another series.
COMPARED = re.compile(r"\s(==|>=|<=|>|<) (-?[\d.]+|\w+\{[^}]*\})")


def later(rule):
    minutes = int(rule["for"].removesuffix("m"))
    return {**rule, "for": f"{minutes + 1}m"}


def never(rule):
    return {**rule, "expr": f"({rule['expr']}) and on() (vector(1) == 0)"}


def always(rule):
    """Take away what it is compared with: it fires on whatever is measured, or never ends."""
    given = COMPARED.sub("", rule["expr"])
    return {**rule, "expr": given if given != rule["expr"] else given.replace("absent", "count")}


def milder(rule):
    other = {"critical": "warning", "warning": "critical"}[rule["labels"]["severity"]]
    return {**rule, "labels": {**rule["labels"], "severity": other}}


def untold(rule):
    return {**rule, "annotations": {**rule["annotations"], "summary": "Something is wrong"}}


def by_alert():
    """Find of each alert of all systems one rule, with its own tests."""
    found = {}
    for tree in TREES.values():
        for (rule, *_), tests in by_name(tree):
            service = rule["labels"].get("service", "")
            own = [test for test in tests["tests"] if service in test["name"]]
            found.setdefault(rule["alert"], (rule, {**tests, "tests": own}))
    return found


BY_ALERT = by_alert()


def test_what_roadmaps_want_to_be_told_of_is_among_them():
    assert len(BY_ALERT) >= 28
    assert {
        "PodRestarts", "CrashLoop", "StoreDown", "StoreDisconnected", "BreakerOpen", "QueueLag",
        "OutboxLate", "MessagesParked", "JobsParked", "ReplicationSlotGrows", "DiskFilling",
        "CertificateExpires", "CanaryAborted", "ScaledToMost", "ServiceDown", "StoreUnmeasured",
        "CacheFull", "CacheEvicts", "CostSpike", "CostIdle", "BudgetOverrun",
    } <= BY_ALERT.keys()  # fmt: skip


def test_a_jump_of_the_cost_of_nodes_by_a_quarter_fires_after_half_an_hour():
    rule, tests = BY_ALERT["CostSpike"]
    [cost] = tests["tests"][0]["input_series"]
    assert rule["expr"].endswith("> 20")
    assert (rule["for"], cost["values"]) == ("30m", "10+0x119 12.5+0x32 10+0x0")


@pytest.mark.parametrize("alert", BY_ALERT)
def test_a_rule_that_is_changed_fails_its_tests(tmp_path, alert):
    rule, tests = BY_ALERT[alert]
    paths = [written(tmp_path / "as it is", of(rule), tests)]
    for change in (later, never, always, milder, untold):
        changed = change(copy.deepcopy(rule))
        assert changed != rule, change
        paths.append(written(tmp_path / change.__name__, of(changed), tests))
    said = failures(*paths)
    assert list(said) == [str(path) for path in paths[1:]]
    assert all("FAILED" in text for text in said.values()), said


@pytest.mark.parametrize("kind", ["database", "documents"])
def test_a_database_that_is_stopped_fires_and_its_restart_clears(tmp_path, kind):
    """OBS-16: as the services' own readiness sees it, whoever keeps the server."""
    rules, tests = next(
        (rules, tests)
        for rules, tests in topics(TREES["starter"])
        if rules["groups"][0]["name"] == "tarmac-stores"
    )
    service, store = {
        "database": ("order-service", "orders-db"),
        "documents": ("user-service", "users-db"),
    }[kind]
    [rule] = [
        rule
        for rule in rules["groups"][0]["rules"]
        if rule["alert"] == "StoreDown" and rule["labels"]["service"] == store
    ]
    pods = ",".join(('namespace="starter"', f'service="{service}"', f'check="{kind}"'))
    series = [
        {"series": f'health_check_passing{{{pods},pod="a"}}', "values": "1x9 0x9 1x9"},
        {"series": f'health_check_passing{{{pods},pod="b"}}', "values": "1x9 0x9 1x9"},
    ]
    fired = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    cases = [
        {"eval_time": f"{minute}m", "alertname": "StoreDown", "exp_alerts": expected}
        for minute, expected in ((9, []), (11, []), (12, [fired]), (19, [fired]), (20, []))
    ]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": cases}
    assert failures(written(tmp_path, of(rule), {**tests, "tests": [test]})) == {}
