"""The tests that are rendered with alerts: promtool passes them, and no rule changes unseen."""

from __future__ import annotations

import copy
import re
import subprocess

import pytest
import yaml
from rendered import ENVIRONMENTS, artifacts_of, plan_of, watched_artifacts_of

from tarmac.gates._programs import find
from tarmac.render._alerts import alerts
from tarmac.report import Skip

#: Each system in its largest environment; the others' rules differ by names and numbers of stores.
LARGEST = [
    ("shop", "production"),
    ("starter", "production"),
    ("trading", "production"),
    ("travel", "prod"),
]
WATCHED = [each for each in ENVIRONMENTS if alerts(plan_of(*each))]
#: Trees with every alert that there is: also the shop's with Redis and NATS in the cluster.
TREES = {
    **{system: artifacts_of(system, environment) for system, environment in LARGEST},
    "shop, all in the cluster": watched_artifacts_of("shop"),
}


@pytest.fixture(scope="module")
def promtool():
    try:
        return find("promtool")
    except Skip as reason:
        pytest.skip(str(reason))


def tried(promtool, folder, rules, tests):
    """Run tests on rules in a folder of their own; return what promtool says."""
    for name, data in (("rules", rules), ("tests", tests)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "alerts.yaml").write_text(yaml.safe_dump(data))
    written = {**tests, "rule_files": ["../rules/alerts.yaml"]}
    (folder / "tests/alerts.yaml").write_text(yaml.safe_dump(written))
    argv = [promtool, "test", "rules", str(folder / "tests/alerts.yaml")]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def topics(tree):
    """Yield the rules and tests of each topic."""
    found = {each.path: each for each in tree}
    for path, each in found.items():
        if path.startswith("observability/rules/alerts-"):
            yield each.data, found[path.replace("/rules/", "/tests/")].data


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_every_alert_fires_at_its_minute_clears_and_is_silent_below(promtool, tmp_path, tree):
    found = list(topics(tree))
    assert found
    for rules, tests in found:
        done = tried(promtool, tmp_path, rules, tests)
        assert done.returncode == 0, done.stdout + done.stderr


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
        for rules, tests in topics(tree):
            for rule in (rule for group in rules["groups"] for rule in group["rules"]):
                own = [
                    test
                    for test in tests["tests"]
                    if {case["alertname"] for case in test["alert_rule_test"]} == {rule["alert"]}
                    and rule["labels"].get("service", "") in test["name"]
                ]
                found.setdefault(rule["alert"], (rule, {**tests, "tests": own}))
    return found


BY_ALERT = by_alert()


def test_what_roadmaps_want_to_be_told_of_is_among_them():
    assert len(BY_ALERT) >= 28
    assert {
        "PodRestarts", "CrashLoop", "StoreDown", "StoreDisconnected", "BreakerOpen", "QueueLag",
        "OutboxLate", "MessagesParked", "JobsParked", "ReplicationSlotGrows", "DiskFilling",
        "CertificateExpires", "CanaryAborted", "ScaledToMost", "ServiceDown", "StoreUnmeasured",
        "CacheFull", "CacheEvicts",
    } <= BY_ALERT.keys()  # fmt: skip


@pytest.mark.parametrize("alert", BY_ALERT)
def test_a_rule_that_is_changed_fails_its_tests(promtool, tmp_path, alert):
    rule, tests = BY_ALERT[alert]
    assert tried(promtool, tmp_path, of(rule), tests).returncode == 0
    for change in (later, never, always, milder, untold):
        changed = change(copy.deepcopy(rule))
        assert changed != rule, change
        done = tried(promtool, tmp_path, of(changed), tests)
        assert done.returncode != 0, (change, changed["expr"])
        assert "FAILED" in done.stdout + done.stderr, done.stdout + done.stderr


def of(rule):
    return {"groups": [{"name": "one", "rules": [rule]}]}


@pytest.mark.parametrize("kind", ["database", "documents"])
def test_a_database_that_is_stopped_fires_and_its_restart_clears(promtool, tmp_path, kind):
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
    done = tried(promtool, tmp_path, of(rule), {**tests, "tests": [test]})
    assert done.returncode == 0, done.stdout + done.stderr
