"""Records what came of the tests that the book of proofs names: pytest's option `--record-proofs`.

A plugin that conftest.py loads. It writes tests/proofs.yaml when a run ends, in the process where
the reports come together; what was not run keeps what is recorded, and so does a test of which a
run that was cut short has left variants.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

import book
import pytest
from book import FAILED, PASSED, SKIPPED, Outcome
from presubmit import is_listed
from tiers import TIERS

#: What a run writes itself, and what is written from it: no test is of another one for these.
WRITTEN = ("docs", "README.md", "tests/proofs.yaml", "systems/*/proofs.yaml")


class Proving:
    """Collects the outcomes of a run."""

    def __init__(self) -> None:
        self.names = frozenset(book.named(book.entries()))
        self.variants: dict[str, dict[str, str]] = {}
        self.chosen: set[str] = set()
        self.ended: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.chosen.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self.chosen.update(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.ended.add(report.nodeid)
        for name in book.matching(report.nodeid, self.names):
            variants = self.variants.setdefault(name, {})
            if report.failed:
                variants[report.nodeid] = FAILED
            elif report.skipped:
                reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else "")
                if not is_listed(report.nodeid, reason, TIERS["skipped"]):
                    variants.setdefault(report.nodeid, SKIPPED)
            elif report.when == "call":
                variants.setdefault(report.nodeid, PASSED)

    def found(self, day: str, commit: str) -> book.Record:
        """Return what came of each test: the worst of its variants, if no more are to come."""
        unfinished = {
            name
            for nodeid in self.chosen - self.ended
            for name in book.matching(nodeid, self.names)
        }
        return {
            name: Outcome(
                next(worst for worst in (FAILED, SKIPPED, PASSED) if worst in outcomes),
                day,
                commit,
            )
            for name, variants in self.variants.items()
            if (outcomes := set(variants.values()))
            and (FAILED in outcomes or name not in unfinished)
        }

    def pytest_sessionfinish(self) -> None:
        ran = self.found(datetime.now(UTC).date().isoformat(), commit())
        record = book.merged(book.read(), ran, self.names)
        book.RECORD.write_text(book.written(record), encoding="utf-8")


def commit() -> str:
    """Name the commit that was tested; a plus says that files were changed since."""
    name = _git("rev-parse", "--short=9", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in WRITTEN))
    return f"{name}+" if changed else name


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=book.ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which a run is recorded."""
    parser.addoption(
        "--record-proofs",
        action="store_true",
        help="write what came of the tests that tests/requirements.yaml names",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect where the reports come together."""
    if config.getoption("record_proofs") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Proving(), "proofs-of-the-book")
