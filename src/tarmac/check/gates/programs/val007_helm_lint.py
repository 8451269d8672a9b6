"""Charts are complete, and render with their own values: helm lint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.program_answers import named
from tarmac.check.gates.views.programs import find, run, tree
from tarmac.check.gates.views.scope import paths

LINE = re.compile(r"^\[(ERROR|WARNING)\] (.+)$")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what helm says of each chart, and of each chart with each file of values for it."""
    folder, program = tree(subject), find("helm")
    for chart in named(folder, "Chart.yaml"):
        place = chart.rpartition("/")[0] or "."
        said = run([program, "lint", "--strict", place], folder)
        for line in said.splitlines():
            if match := LINE.match(line):
                yield Finding(place, f"{match[2]}; run `helm lint --strict {place}`", GATE.id)


GATE = Gate(
    id="VAL007",
    title="helm lint accepts every chart",
    phase="kubernetes",
    source="https://helm.sh/docs/helm/helm_lint",
    check=check,
    program="helm",
    scope=paths("charts", "Chart.yaml"),
    level=Level.VALID,
)
