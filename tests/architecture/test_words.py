"""Words are the field's: what is not written, and what is written instead, stands in words.yaml."""

from __future__ import annotations

import pytest
import words

ADVICE = "write the word on the right; docs/style.md and docs/glossary.md say why"


def test_no_file_has_a_word_that_the_field_does_not_use():
    assert [line for lines in words.found().values() for line in lines] == [], ADVICE


@pytest.mark.parametrize(
    "text",
    [
        "It is parked.",
        "parked_total = 1",
        "class ParkedJob:",
        "a message is\n# set aside for later",
        "nobody listens",
        "a process who listens",
        "box 3 of the checklist",
        "class Kept:",
        "class _Refused(Exception):",
    ],
)
def test_a_word_is_found_in_prose_and_in_names(text):
    assert words.in_text("a.py", text)


@pytest.mark.parametrize(
    "text",
    [
        "a dead-letter queue",
        "a user who signs up",
        "letter-spacing: 1px",
        "the inbox and the outbox",
        "class EvidenceStore:",
        "class Seed:",
    ],
)
def test_a_standard_word_is_left_alone(text):
    assert words.in_text("a.py", text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/a.py", "a wire that is\n# no edge"),
        ("docs/a.md", "0 is no limit"),
        ("src/a.py", '"""Have a node take no more pods."""'),
        ("kit/a.py", "packed otherwise than by gzip"),
        ("tests/gates/NET001/bad.yaml", "which is no duration"),
    ],
)
def test_a_sentence_that_is_read_twice_is_found(path, text):
    assert words.in_text(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/a.py", "there is no edge, and it is no longer rendered"),
        ("kit/a.py", "0 is no limit"),
        ("src/a.py", '"""Make a node have pods."""'),
        ("tests/gates/NET001/bad.yaml", "It is parked."),
    ],
)
def test_a_rule_of_grammar_leaves_other_folders_and_plain_sentences_alone(path, text):
    assert words.in_text(path, text) == []


def test_what_stands_apart_in_a_file_is_not_looked_at_there():
    assert words.in_text("CHANGELOG.md", "`parked` is\ndead-lettered, not parked") == [
        "CHANGELOG.md:2: parked -> dead-lettered"
    ]
    assert words.in_text("tests/requirements.yaml", "- test: a.py::test_parked") == []


def test_a_find_says_where_it_is_and_what_to_write_instead():
    assert words.in_text("a.py", "x\nparked = 1\n") == ["a.py:2: parked -> dead-lettered"]
