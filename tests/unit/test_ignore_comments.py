"""Comments that suppress a finding in its place: what each is for, and what is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest

from tarmac.base.report import Finding, Level, Result, Status
from tarmac.check.verify import ignore_comments
from tarmac.check.verify.ignore_comments import IgnoreComment, IgnoreComments

TODAY = date(2026, 11, 20)
KNOWN = ("NET001", "REL001")


def parsed(text, name="a.yaml"):
    found = list(ignore_comments.parse(name, text))
    assert all(isinstance(entry, IgnoreComment) for entry in found), found
    return IgnoreComments(tuple(found))


def result(*findings, status=Status.FAIL, gate="NET001"):
    return Result(f"gate:{gate}", "t", "kubernetes", status, Level.TESTED, "files", "", findings)


def at(line, gate="NET001", name="a.yaml"):
    return Finding(f"{name}:{line}" if line else name, "wrong; correct it", gate)


def hidden_lines(text, name="a.yaml"):
    """List the lines on which a finding of NET001 is hidden; 0 is one without a line."""
    lines = range(text.count("\n") + 1)
    findings = [at(line, name=name) for line in lines]
    left = ignore_comments.apply(result(*findings), parsed(text, name), TODAY).findings
    return [line for line, finding in zip(lines, findings, strict=True) if finding not in left]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb: 2  # tarmac: ignore[NET001] old\nc: 3\n", [2]),
        ("a: 1\n# tarmac: ignore[NET001] old\nb: 2\nc: 3\n", [3]),
        ("a: 1\n# tarmac: ignore[NET001] old\nb:\n  c: 3\n\n  d: 4\ne: 5\n", [3, 4, 5, 6]),
        ("a:\n  # tarmac: ignore[NET001] old\n  - b: 1\n    c: 2\n  - d: 3\n", [3, 4]),
        ("a: 0\n# tarmac: ignore[NET001] old\nb:\n- c: 1\n- d: 2\ne: 3\n", [3, 4, 5]),
        ("a: 0\n# tarmac: ignore[NET001] old\n# and more\nb: 1\nc: 1\n", [4]),
        ("# tarmac: ignore[NET001] old\n\na: 1\nb: 2\n", [0, 3]),
        ("# of mine\n---\n# tarmac: ignore[NET001] old\na: 1\n", [0, 4]),
        ("a: 1 # tarmac: ignore[NET001] old\n", [1]),
        ("a: 1\n---\n# tarmac: ignore[NET001] old\n---\nb: 1\n", [5]),
        ("a: 'no#tarmac: ignore[NET001] old'\n", []),
        ("a: 1\n# tarmac: ignore[NET001] at the end\n", []),
        ("a: 1 // tarmac: ignore[NET001] no comment in YAML\n", []),
    ],
)
def test_a_comment_is_for_its_line_or_for_the_block_below_it(text, lines):
    assert hidden_lines(text) == lines


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "Dockerfile",
            "FROM a\n# tarmac: ignore[NET001] old\nRUN b \\\n  c \\\nd\nUSER e\n",
            [3, 4, 5],
        ),
        ("a.tf", 'a "b" {\n  // tarmac: ignore[NET001] old\n  c {\n    d = 1\n  }\n}\n', [3, 4]),
        ("a.tf", "a = 1 # tarmac: ignore[NET001] old\n", [1]),
        ("run.sh", "#!/bin/sh\n# tarmac: ignore[NET001] old\nset -e\nexit\n", [0, 3]),
        ("a.rego", "package a\n# tarmac: ignore[NET001] old\nb {\n\tc\n}\n", [3, 4]),
        ("a.json", '{"a": "# tarmac: ignore[NET001] old"}\n', []),
    ],
)
def test_each_language_has_its_own_comments(name, text, lines):
    assert hidden_lines(text, name) == lines


def test_a_file_has_comments_of_its_own_only():
    comments = parsed("a: 1  # tarmac: ignore[NET001] old\n")
    other = result(at(1, name="b.yaml"), at(1, "REL001"))
    assert ignore_comments.apply(other, comments, TODAY) == other


def test_a_result_without_errors_left_passes_and_what_was_not_judged_stays_so():
    comments = parsed("a: 1  # tarmac: ignore[NET001, REL001] the old port\n")
    assert ignore_comments.apply(result(at(1)), comments, TODAY).status is Status.PASS
    assert ignore_comments.apply(result(at(1), at(2)), comments, TODAY).status is Status.FAIL
    broken = result(at(1), status=Status.ERROR)
    assert ignore_comments.apply(broken, comments, TODAY).status is Status.ERROR
    assert list(ignore_comments.suppressed(comments, TODAY)) == [(at(1), "the old port")]


def told(text, *results):
    found = ignore_comments.parse("a.yaml", text)
    entries, invalid = [], []
    for entry in found:
        (invalid if isinstance(entry, Finding) else entries).append(entry)
    comments = IgnoreComments(tuple(entries), tuple(invalid))
    left = [ignore_comments.apply(one, comments, TODAY) for one in results]
    assert [len(one.findings) for one in left] == [len(one.findings) for one in results]
    return [
        ("warning: " * remark.warning) + str(remark)
        for remark in ignore_comments.remarks(comments, TODAY, left, KNOWN)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ignore[NET001]", "a.yaml:1: the suppression of NET001 has no reason; write one"),
        (
            "ignore[NET001] until=2026-11-19 old",
            "a.yaml:1: the suppression of NET001 expired on 2026-11-19; fix the finding",
        ),
        ("ignore the port", "a.yaml:1: an ignore comment names no gate"),
        ("ignore[] the port", "a.yaml:1: an ignore comment names no gate"),
        ("ignore[NET001] until=soon old", "a.yaml:1: 'until=soon old' has no day after until="),
        ("ignore[NET01] old", "warning: a.yaml:1: the suppression of NET01 names no gate; did you"),
    ],
)
def test_what_is_wrong_with_a_comment_is_reported_and_it_hides_nothing(text, said):
    (remark,) = told(f"a: 1  # tarmac: {text}\n", result(at(1)))
    assert remark.startswith(said)


def test_the_last_day_counts():
    comments = parsed("a: 1  # tarmac: ignore[NET001] until=2026-11-20 the old port\n")
    assert comments.entries[0].reason == "the old port"
    assert ignore_comments.apply(result(at(1)), comments, TODAY).findings == ()


def test_a_comment_that_matches_no_finding_is_a_warning_where_its_gate_ran():
    unused = "warning: a.yaml:1: the suppression of REL001 matches no finding; remove it"
    text = "a: 1  # tarmac: ignore[REL001] old\n"
    passed = result(status=Status.PASS, gate="REL001")
    assert told(text, passed) == [unused]
    assert told(text, result(status=Status.SKIPPED, gate="REL001")) == []
    assert told(text) == []


def test_a_file_of_nothing_but_comments_is_read_in_one_pass():
    many = 20_000
    text = "# tarmac: ignore[NET001] old\n" * many
    assert len(parsed(text).entries) == many


def test_files_that_cannot_be_read_have_no_comments(tmp_path):
    good, bad = tmp_path / "a.yaml", tmp_path / "b.yaml"
    good.write_text("a: 1  # tarmac: ignore[NET001] old\n")
    bad.write_bytes(b"\xff\xfe\0 # tarmac: ignore[NET001] old\n")
    found = ignore_comments.read({"a.yaml": good, "b.yaml": bad}, tmp_path)
    assert [entry.place for entry in found.entries] == ["a.yaml:1"]
