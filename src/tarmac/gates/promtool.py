"""Rules are read by Prometheus' own program, and their unit tests pass: promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._programs import LONGEST_S, find, named, tree
from tarmac.report import Finding, Level

#: Lines that say only that something is wrong.
NO_NEWS = ("FAILED:", "SUCCESS")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield files of rules that promtool does not read, and tests that fail."""
    folder, program = tree(subject), find("promtool")
    for verb, pattern in (("check", "rules"), ("test", "tests")):
        for path in named(folder, f"observability/{pattern}/*.yaml"):
            done = subprocess.run(
                [program, verb, "rules", path],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
            if done.returncode == 0:
                continue
            # It says what is wrong on the other stream, or where lint is meant, on both.
            lines = [each.strip() for each in (done.stderr + done.stdout).splitlines()]
            told = [each for each in lines if each and each not in NO_NEWS]
            yield Finding(path, f"{'; '.join(told[:4])}; see `promtool {verb} rules`", GATE.id)


GATE = Gate(
    id="VAL010",
    title="promtool takes every file of rules, and their unit tests pass",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules: the "
    "server that loads a rule refuses the whole file for one of them.",
    check=check,
    level=Level.TESTED,
)
