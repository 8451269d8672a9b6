"""Alerts as data: placeholders are filled, errors are located, a kind of store brings its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from rendered import ENVIRONMENTS, plan_of, watched_plan_of

from tarmac.base.errors import BadInput
from tarmac.render import texts
from tarmac.render.observability.alerting import alert_tests
from tarmac.render.observability.alerting.catalogue import FOLDER, alerts
from tarmac.render.observability.alerting.slo_rules import BURN

VALUES = {"namespace": "prod", "users": ({"user": "web"}, {"user": "cart"}), "none": ()}


def every_plan():
    yield from (plan_of(*environment) for environment in ENVIRONMENTS)
    yield from (watched_plan_of(system) for system in ("shop", "starter", "trading"))


def of_kind(plan, folder):
    """Give a plan whose stores' exporters bring the files of a folder."""
    workloads = tuple(
        replace(workload, exporter=replace(workload.exporter, assets=folder))
        if workload.exporter
        else workload
        for workload in plan.workloads
    )
    return replace(plan, workloads=workloads)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ('up{namespace="<namespace>"} < 1', 'up{namespace="prod"} < 1'),
        ("kubectl delete pod <NAME>", "kubectl delete pod <NAME>"),
        (["a", {"repeat": "users", "text": "of <user>"}], ["a", "of web", "of cart"]),
        (["a", {"repeat": "none", "text": "of <user>"}], ["a"]),
        ([{"repeat": "users", "a": "<user>"}], [{"a": "web"}, {"a": "cart"}]),
        ({"repeat": "users", "<user>": "in <namespace>"}, {"web": "in prod", "cart": "in prod"}),
        ({"a": {"b": ["<namespace>", 5, None]}}, {"a": {"b": ["prod", 5, None]}}),
    ],
)  # fmt: skip
def test_placeholders_are_filled_and_items_repeated(node, expected):
    assert texts.filled(node, VALUES, "x") == expected


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("<namspace>", "no value for the placeholder <namspace>; use one of namespace"),
        ("<users>", "no value for the placeholder <users>; use one of namespace"),
        ([{"repeat": "x"}], "no value for the placeholder x; use one of none, users"),
    ],
)  # fmt: skip
def test_a_placeholder_without_a_value_is_located(node, said):
    with pytest.raises(BadInput, match=r"file\.yaml: Down") as failed:
        texts.filled(node, VALUES, "file.yaml: Down")
    assert said in str(failed.value)


def test_every_alert_of_the_files_is_some_environments():
    made = {
        alert.name for plan in every_plan() for group in alerts(plan).values() for alert in group
    }
    folders = [FOLDER, FOLDER.parent / "stores" / "redis"]
    files = [file for folder in folders for file in folder.iterdir() if file.name.endswith(".yaml")]
    written = {
        item["alert"] for file in files for item in texts.read(file).get("alerts", ()) if item
    }
    assert made == written
    assert BURN not in made


def test_no_placeholder_is_left_in_anything_that_is_rendered():
    for plan in every_plan():
        for group in alerts(plan).values():
            for alert in group:
                found = [alert.expr, alert.summary, alert.description, str(alert.runbook)]
                found += [str(test) for test in alert_tests.tests(plan, alert)]
                assert not [text for text in found if texts.PLACEHOLDER.search(text)], alert.name


ITEM = {
    "alert": "TooFull",
    "severity": "warning",
    "expr": 'memcached_items{namespace="<namespace>",service=~"<stores>"} > 5',
    "for_m": 5,
    "summary": "{{ $labels.service }} is full",
    "description": "It has {{ $value | humanize }} items.",
    "test": {
        "series": [{"series": 'items{service="<example>"}', "fine": 0, "bad": 6, "edge": 5}],
        "labels": {"service": "<example>"},
        "shown": "6",
    },
    "runbook": {
        "meaning": "It is full.",
        "impact": "None.",
        "diagnosis": [{"show": "Items", "promql": "memcached_items"}],
        "causes": ["More data."],
        "mitigation": ["More memory."],
        "escalation": "It crashes.",
    },
}  # fmt: skip


def test_a_kind_of_store_brings_alerts_in_its_own_folder(tmp_path):
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump({"alerts": [ITEM]}))
    plan = of_kind(watched_plan_of("shop"), tmp_path)
    (own,) = [alert for alert in alerts(plan)["tarmac-stores"] if alert.name == "TooFull"]
    stores = "|".join(store.name for store in plan.stores if store.exporter)
    assert own.expr == f'memcached_items{{namespace="shop",service=~"{stores}"}} > 5'
    assert own.test.labels == {"service": stores.split("|")[0]}
    assert own.runbook.diagnosis[0].language == "promql"


def test_a_kind_without_alerts_of_its_own_has_none(tmp_path):
    plan = of_kind(watched_plan_of("shop"), tmp_path)
    assert "CacheFull" not in {alert.name for alert in alerts(plan)["tarmac-stores"]}


def test_a_mistake_in_a_kinds_alert_is_located(tmp_path):
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump({"alerts": [{**ITEM, "expr": "<store>"}]}))
    with pytest.raises(
        BadInput, match=r"alerts.yaml: TooFull: no value for the placeholder <store>"
    ):
        alerts(of_kind(watched_plan_of("shop"), tmp_path))
