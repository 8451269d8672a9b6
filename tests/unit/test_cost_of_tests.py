"""What tests cost is counted by folder, and a folder that exceeds its budget by half is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cost import SHARED, Cost, excess, folder_of, slowness

BUDGETS = {"tests/unit": 20.0, "services": 60.0}


@pytest.mark.parametrize(
    ("nodeid", "folder"),
    [
        ("tests/unit/test_plan.py::test_it[a/b]", "tests/unit"),
        ("kit/tests/servers/test_jobs.py::test_it", "kit/tests/servers"),
        ("services/orders/tests/test_domain.py::test_it", "services"),
    ],
)
def test_a_tests_cost_is_counted_for_its_folder(nodeid, folder):
    assert folder_of(nodeid) == folder


def test_a_folder_may_exceed_its_budget_by_half_and_no_more():
    assert excess({"tests/unit": 29.9}, BUDGETS, 1.0) == []
    (found,) = excess({"tests/unit": 31.0, "services": 1.0}, BUDGETS, 1.0)
    assert found == "tests/unit: 31 CPU seconds, limit 30; make its tests cheaper"


def test_a_slower_machine_is_given_more():
    assert excess({"tests/unit": 31.0}, BUDGETS, 2.0) == []


def test_a_faster_machine_is_not_given_less():
    assert slowness(lambda: None) == 1.0


def test_a_folder_over_its_budget_is_reported_and_fails_nothing():
    cost = Cost({"tests/unit": 1.0, SHARED: 1.0})
    cost.tests["tests/unit/test_it.py::it"] = 3100.0
    session = SimpleNamespace(config=SimpleNamespace(), exitstatus=pytest.ExitCode.OK)
    cost.pytest_sessionfinish(session)
    lines = []
    summary = cost.pytest_terminal_summary(
        SimpleNamespace(write_line=lambda line, **_: lines.append(line))
    )
    next(summary)
    assert session.exitstatus == pytest.ExitCode.OK
    (line,) = lines
    assert line.startswith("over budget: tests/unit: 3100 CPU seconds, limit ")


def test_a_new_folder_needs_a_budget():
    (found,) = excess({"tests/new": 1.0}, BUDGETS, 1.0)
    assert found.startswith("tests/new: has no budget")


def test_what_a_sessions_server_took_is_not_what_the_last_test_took():
    seconds = iter([0.0, 2.0, 3.0, 43.0, 44.0])
    cost = Cost({}, lambda: next(seconds))
    protocol = cost.pytest_runtest_protocol(None)
    next(protocol)
    cost.pytest_runtest_teardown()
    fixtures = {"function": "client", "session": "server"}
    for scope, name in fixtures.items():
        made = SimpleNamespace(scope=scope, argname=name, baseid="tests/a")
        cost.pytest_fixture_post_finalizer(made)
    report = SimpleNamespace(when="teardown", nodeid="tests/b/test_it.py::it", user_properties=[])
    making = cost.pytest_runtest_makereport(None, report)
    next(making)
    with pytest.raises(StopIteration):
        making.send(report)
    assert report.user_properties == [("cpu_s", 4.0), (f"{SHARED}: tests/a: server", 40.0)]
    cost.pytest_runtest_logreport(report)
    assert cost.tests == {"tests/b/test_it.py::it": 4.0}
    assert cost.shared == {"tests/a: server": 40.0}
