"""The record of the book's proofs: what a run renews, what it leaves, and how a test counts."""

from __future__ import annotations

from types import SimpleNamespace

import book
import proving
import pytest

RUN = ("2026-11-26", "abc")


def report(nodeid, outcome, when="call", reason="no program"):
    return SimpleNamespace(
        nodeid=nodeid,
        when=when,
        passed=outcome == "passed",
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        longrepr=("t.py", 1, reason),
    )


@pytest.fixture
def collected(monkeypatch):
    entries = [{"proofs": [{"test": "t.py::a"}, {"test": "t.py::b[one]"}, {"gate": "NET001"}]}]
    monkeypatch.setattr(book, "entries", lambda: entries)
    return proving.Proving()


@pytest.mark.parametrize(
    ("reports", "found"),
    [
        ([("t.py::a", "passed")], {"t.py::a": "passed"}),
        ([("t.py::a[x]", "passed"), ("t.py::a[y]", "failed")], {"t.py::a": "failed"}),
        ([("t.py::a[x]", "passed"), ("t.py::a[y]", "skipped")], {"t.py::a": "skipped"}),
        ([("t.py::b[one]", "passed"), ("t.py::b[two]", "failed")], {"t.py::b[one]": "passed"}),
        ([("t.py::other", "passed")], {}),
    ],
)
def test_a_test_counts_as_the_worst_of_its_variants_and_unnamed_ones_do_not(
    collected, reports, found
):
    for nodeid, outcome in reports:
        when = "setup" if outcome == "skipped" else "call"
        collected.pytest_runtest_logreport(report(nodeid, outcome, when))
    assert {name: known.outcome for name, known in collected.found(*RUN).items()} == found


def test_a_failure_in_its_teardown_fails_a_test_that_passed(collected):
    collected.pytest_runtest_logreport(report("t.py::a", "passed"))
    collected.pytest_runtest_logreport(report("t.py::a", "failed", "teardown"))
    assert collected.found(*RUN)["t.py::a"].outcome == "failed"


@pytest.mark.parametrize(("outcome", "found"), [("passed", {}), ("failed", {"t.py::a": "failed"})])
def test_a_run_that_was_cut_short_shows_a_failure_but_no_pass(collected, outcome, found):
    collected.pytest_xdist_node_collection_finished(["t.py::a[x]", "t.py::a[y]", "t.py::b[one]"])
    for when in ("call", "teardown"):
        collected.pytest_runtest_logreport(report("t.py::b[one]", "passed", when))
        collected.pytest_runtest_logreport(report("t.py::a[x]", outcome, when))
    known = {name: known.outcome for name, known in collected.found(*RUN).items()}
    assert known == {"t.py::b[one]": "passed", **found}


def test_a_second_try_that_passes_is_what_counts(collected):
    for outcome in ("rerun", "passed"):
        collected.pytest_runtest_logreport(report("t.py::a", outcome))
    assert collected.found(*RUN)["t.py::a"].outcome == "passed"


def test_a_run_renews_what_it_ran_and_drops_what_is_no_longer_named():
    old = {name: book.Outcome("passed", "2026-01-01", "old") for name in ("a", "b", "gone")}
    ran = {"b": book.Outcome("failed", *RUN), "unnamed": book.Outcome("passed", *RUN)}
    merged = book.merged(old, ran, ["a", "b"])
    assert merged == {"a": old["a"], "b": ran["b"]}


def test_a_skipped_run_replaces_a_failure_but_no_pass():
    old = {
        "passes": book.Outcome("passed", "2026-01-01", "old"),
        "fails": book.Outcome("failed", "2026-01-01", "old"),
    }
    ran = {name: book.Outcome("skipped", *RUN) for name in ("passes", "fails", "new")}
    merged = book.merged(old, ran, ran)
    assert merged == {**ran, "passes": old["passes"]}


def test_a_record_reads_back_as_it_was_written(tmp_path, monkeypatch):
    record = {
        "t.py::a": book.Outcome("passed", *RUN),
        "t.py::b": book.Outcome("skipped", "2026-11-25", "def+"),
        "t.py::c[x: y]": book.Outcome("failed", *RUN),
    }
    monkeypatch.setattr(book, "RECORD", tmp_path / "proofs.yaml")
    assert book.read() == {}
    book.RECORD.write_text(book.written(record))
    assert book.read() == record
    days = [line for line in book.RECORD.read_text().splitlines() if line.startswith("2026")]
    assert days == ["2026-11-26 abc:", "2026-11-25 def+:"]
