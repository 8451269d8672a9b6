"""Counts what the tests cost in CPU time, by folder, and reports what is over tests/tiers.yaml.

A pytest plugin that conftest.py loads. It counts the worker and the processes that it waited for,
not what runs on by itself (a supervisor's children). What a session's server took is known once it
has ended, with the last test, and counted for all of them together.

Seconds are those of the machine on which the budget was written: a loop of known length is timed
beside them, so a slower machine is given more. A faster one is not given less: the loop may run on
a quiet core, and tests run beside others.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

#: CPU seconds of `_loop` on the machine where the budgets were written.
LOOP_S = 0.055
#: A folder is reported when it takes its budget and this much of it more.
TOLERATED = 0.5
SHOWN = 20
#: What is counted for servers that last for a session, beside the folders.
SHARED = "servers of the session"
#: A session's fixture that took less started nothing.
LEAST_S = 0.05


def spent_s() -> float:
    """Return the CPU seconds of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _loop() -> None:
    total = 0
    for number in range(1_400_000):
        total += number & 7


def slowness(loop: Callable[[], None] = _loop) -> float:
    """Tell how much longer this machine takes than the one of the budgets; 1 for a faster one."""
    took = []
    for _ in range(3):
        began = time.process_time()
        loop()
        took.append(time.process_time() - began)
    return max(1.0, min(took) / LOOP_S)


def folder_of(nodeid: str) -> str:
    """Name the folder that a test's cost is counted for: `services/orders/tests` as `services`."""
    parts = nodeid.partition("::")[0].split("/")[:-1]
    return "services" if parts[:1] == ["services"] else "/".join(parts[:3])


def excess(spent: dict[str, float], budgets: dict[str, float], slower: float) -> list[str]:
    """Say of each folder that is over its budget by more than is tolerated what it took."""
    found = []
    for folder, cost_s in sorted(spent.items()):
        budget_s = budgets.get(folder)
        if budget_s is None:
            found.append(f"{folder}: has no budget; add one under `cpu_s` in tests/tiers.yaml")
        elif cost_s > (limit_s := budget_s * (1 + TOLERATED) * slower):
            found.append(
                f"{folder}: {cost_s:.0f} CPU seconds, limit {limit_s:.0f}; make its tests cheaper"
            )
    return found


class Cost:
    """Counts what each test took, in the process that runs it, and adds it up where it is told."""

    def __init__(self, budgets: dict[str, float], spent_s: Callable[[], float] = spent_s) -> None:
        self.budgets = budgets
        self.spent_s = spent_s
        self.began_s = 0.0
        #: When the last fixture was over, and what those of a session took, by where they are from.
        self.over_s = 0.0
        self.ended: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()
        self.shared: Counter[str] = Counter()
        self.over: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.began_s = self.over_s = self.spent_s()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        self.over_s = self.spent_s()

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        now_s = self.spent_s()
        # Folders without an __init__.py are no packages: such a fixture lasts as long as a session.
        if fixturedef.scope in ("session", "package"):
            self.ended[f"{fixturedef.baseid}: {fixturedef.argname}"] += now_s - self.over_s
        self.over_s = now_s

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        report: Any = yield
        if call.when == "teardown":
            own_s = self.spent_s() - self.began_s - self.ended.total()
            report.user_properties.append(("cpu_s", round(own_s, 3)))
            report.user_properties += [
                (f"{SHARED}: {name}", round(cost_s, 3))
                for name, cost_s in self.ended.items()
                if cost_s >= LEAST_S
            ]
            self.ended.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":
            return
        for name, value in report.user_properties:
            if name == "cpu_s" and isinstance(value, float):
                self.tests[report.nodeid] += value
            elif name.startswith(f"{SHARED}: ") and isinstance(value, float):
                self.shared[name.removeprefix(f"{SHARED}: ")] += value

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            return
        spent: Counter[str] = Counter()
        for nodeid, cost_s in self.tests.items():
            spent[folder_of(nodeid)] += cost_s
        spent[SHARED] = self.shared.total()
        self.over = excess(spent, self.budgets, slowness())
        self.folders = spent

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        if len(self.tests) >= 100:
            self._show(terminalreporter)
        for line in self.over:
            terminalreporter.write_line(f"over budget: {line}", yellow=True)
        return (yield)

    def _show(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        terminalreporter.section(f"CPU seconds: the {SHOWN} most expensive tests, and each folder")
        for nodeid, cost_s in self.tests.most_common(SHOWN):
            write(f"{cost_s:8.1f}  {nodeid}")
        write("")
        for name, cost_s in self.shared.most_common(SHOWN // 2):
            write(f"{cost_s:8.1f}  {SHARED}: {name}")
        write("")
        for folder, cost_s in self.folders.most_common():
            write(f"{cost_s:8.1f}  {folder} (budget {self.budgets.get(folder, 0):g})")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting, with the budgets of this repository."""
    import yaml  # noqa: PLC0415 - a plugin is imported before the environment is checked

    tiers = yaml.safe_load((Path(__file__).parents[1] / "tiers.yaml").read_text(encoding="utf-8"))
    config.pluginmanager.register(Cost(tiers["cpu_s"]), "cost-of-tests")
