"""Runs the slow tests, one topic after another, and writes what came of each: `make test-all`.

    .venv/bin/python .ci/topics.py [TOPIC ...] [-- PYTEST-OPTION ...]

Without a topic: the presubmit, then every topic of tests/tiers.yaml. A red topic leaves the others'
results. The table is printed and kept in dist/tests.md, with the name of each test that was not
run, and why; exit code 1 if a test failed. What came of the tests that tests/requirements.yaml
names is recorded in tests/proofs.yaml; `make docs` writes the pages from it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from flakes import FILE as FLAKES  # noqa: E402 - after its folder is on the path
from presubmit import is_listed  # noqa: E402 - as above
from tiers import TIERS, paths, topics  # noqa: E402 - as above

REPORT = ROOT / "dist/tests.md"
PRESUBMIT = "presubmit"
#: pytest's exit codes: all passed, some failed.
FINISHED = (0, 1)


@dataclass(frozen=True)
class Run:
    """What came of one topic."""

    topic: str
    code: int
    minutes: float
    passed: int = 0
    failed: int = 0
    again: int = 0
    skipped: int = 0
    #: Tests that were skipped for want of something, with the reason.
    not_run: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """A row of the table."""
        failed = str(self.failed) if self.code in FINISHED else f"ended with {self.code}"
        cells = (self.passed, failed, self.again, len(self.not_run), self.skipped)
        row = " | ".join(map(str, cells))
        return f"| {self.topic} | {row} | {self.minutes:.1f} |"


def run(topic: str, options: Sequence[str]) -> Run:
    """Run one topic's tests and read what came of them."""
    folder = ROOT / "dist/tests"
    folder.mkdir(parents=True, exist_ok=True)
    xml = folder / f"{topic}.xml"
    xml.unlink(missing_ok=True)
    chosen = ["--presubmit"] if topic == PRESUBMIT else ["--topic", topic, *paths(topic)]
    before, began = _lines(FLAKES), time.monotonic()
    command = [".venv/bin/pytest", "--record-proofs", *options, f"--junitxml={xml}", *chosen]
    print(f"\n{topic}: {' '.join(command)}", flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    minutes = (time.monotonic() - began) / 60
    if not xml.exists():
        return Run(topic, code, minutes)
    return counted(topic, xml, code, minutes, _lines(FLAKES) - before)


def counted(topic: str, xml: Path, code: int, minutes: float, again: int) -> Run:
    """Count a JUnit report."""
    passed = failed = skipped = 0
    not_run: list[str] = []
    for suite in JUnitXml.fromfile(str(xml)):
        for case in suite:
            kinds = [type(result) for result in case.result]
            if Failure in kinds or Error in kinds:
                failed += 1
            elif Skipped in kinds:
                reason = str(next(r for r in case.result if isinstance(r, Skipped)).message)
                file = f"{case.classname.replace('.', '/')}.py"
                if is_listed(file, reason, TIERS["skipped"]):
                    skipped += 1
                else:
                    not_run.append(f"{case.classname}::{case.name}: {reason}")
            else:
                passed += 1
    return Run(topic, code, minutes, passed, failed, again, skipped, tuple(not_run))


def written(runs: Sequence[Run]) -> str:
    """Write the table in Markdown, and below it the tests that were not run."""
    head = "| Topic | Passed | Failed | Tried again | Not run | Skipped | Minutes |"
    lines = [head, "|---|---|---|---|---|---|---|", *(run.line for run in runs)]
    for run in runs:
        if run.not_run:
            lines += ["", f"Not run in {run.topic}:", "", *(f"- {test}" for test in run.not_run)]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run the named topics, or all; return 1 if a test failed, 2 for an unknown topic."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    named, options = arguments[:at], arguments[at + 1 :]
    known = [PRESUBMIT, *topics()]
    if unknown := [topic for topic in named if topic not in known]:
        print(f"no topic '{unknown[0]}'; one of: {', '.join(known)}", file=sys.stderr)
        return 2
    runs: list[Run] = []
    for topic in named or known:
        runs.append(run(topic, options))
        REPORT.write_text(written(runs), encoding="utf-8")
    print(f"\n{written(runs)}\n{REPORT.relative_to(ROOT)}")
    return 0 if all(run.code == 0 for run in runs) else 1


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
