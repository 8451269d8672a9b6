"""Prometheus' own program accepts the rules, and their unit tests pass: promtool."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.program_answers import ask, named
from tarmac.check.gates.views.programs import MORE_MEMORY, find, tree
from tarmac.check.gates.views.scope import paths

#: Lines that say only that something is wrong.
NO_NEWS = ("FAILED:", "SUCCESS")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield files of rules that promtool rejects, and tests that fail."""
    folder, program = tree(subject), find("promtool")
    rules = named(folder, "observability/rules/*.yaml")
    for verb, pattern in (("check", "rules"), ("test", "tests")):
        for path in named(folder, f"observability/{pattern}/*.yaml"):
            # A test names the rules that it is of.
            reads = [path] if verb == "check" else [path, *rules]
            argv = [program, verb, "rules", path]
            answer = ask(argv, folder, reads=reads, env=MORE_MEMORY)
            if answer.code == 0:
                continue
            # It says what is wrong on the other stream, or where lint is meant, on both.
            lines = [line.strip() for line in (answer.errors + answer.output).splitlines()]
            told = [line for line in lines if line and line not in NO_NEWS]
            yield Finding(path, f"{'; '.join(told[:4])}; see `promtool {verb} rules`", GATE.id)


GATE = Gate(
    id="VAL010",
    title="promtool accepts every file of rules, and their unit tests pass",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules: the "
    "server that loads a rule refuses the whole file for one of them.",
    check=check,
    program="promtool",
    scope=paths(
        "files of rules and tests", "observability/rules/*.yaml", "observability/tests/*.yaml"
    ),
    level=Level.TESTED,
)
