"""An alert that was never seen to fire may never fire."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._alerting import TESTS, cases, once
from tarmac.gates._gate import Gate, Subject
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield alerts that no unit test fires, and those that no test sees silent."""
    fired, silent = set[str](), set[str]()
    for case in cases(subject):
        (fired if case.get("exp_alerts") else silent).add(str(case.get("alertname")))
    for name, alert in once(subject).items():
        if name not in fired:
            yield Finding(
                alert.path,
                f"no test fires {name}: it may be one that cannot; add one to {TESTS} that expects "
                "it in `exp_alerts`",
            )
        elif name not in silent:
            yield Finding(
                alert.path,
                f"no test sees {name} silent: it may fire always; add one to {TESTS} with an empty "
                "`exp_alerts`",
            )


GATE = Gate(
    id="OBS012",
    title="Every alert has a unit test that fires it and one that does not",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules",
    check=check,
    looks_at="what the files in observability/tests/ expect of each alert, by its name. Whether "
    "they pass is for promtool to say.",
    targets=("cluster",),
)
