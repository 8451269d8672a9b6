"""An alert that was never seen to fire may never fire."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.alert_rules import TESTS, cases, once
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield alerts that no unit test fires, and those that no test expects silent."""
    fired, silent = set[str](), set[str]()
    for case in cases(subject):
        (fired if case.fires else silent).add(case.alert)
    for name, alert in once(subject).items():
        if name not in fired:
            yield Finding(
                alert.path,
                f"no test fires {name}: it may never fire; add one to {TESTS} that expects "
                "it in `exp_alerts`",
            )
        elif name not in silent:
            yield Finding(
                alert.path,
                f"no test expects {name} silent: it may always fire; add one to {TESTS} with an "
                "empty `exp_alerts`",
            )


GATE = Gate(
    id="OBS012",
    title="Every alert has a test that fires it and one that does not",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules",
    check=check,
    scope=counted("alerts", once),
    reads="what the files in observability/tests/ expect of each alert, by its name. Whether "
    "they pass, promtool checks.",
    targets=("cluster",),
)
