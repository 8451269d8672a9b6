"""The measured repositories: the page about them says what the data says, and all are in both."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml
from corpus_edits import MOST_LINES, changed_lines, edited

CORPUS = Path(__file__).parents[1] / "foreign/corpus"


def module():
    spec = importlib.util.spec_from_file_location("measure", CORPUS / "measure.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_every_repository_of_the_corpus_says_what_became_of_it_when_it_was_started():
    corpus = yaml.safe_load((CORPUS / "corpus.yaml").read_text())
    started = yaml.safe_load((CORPUS / "started.yaml").read_text())
    assert {entry["repository"] for entry in corpus} == started.keys()
    assert {entry["outcome"] for entry in started.values()} == {"healthy", "failed", "absent"}
    assert all(entry.get("why") for entry in started.values() if entry["outcome"] != "healthy"), (
        "what is not healthy says why"
    )


def test_the_page_shows_what_the_data_says():
    page = (CORPUS.parents[2] / "docs/evidence/corpus.md").read_text()
    assert page.endswith(module().started() + module().unseen())


def test_an_edit_of_the_corpus_is_small_and_makes_healthy_what_failed():
    started = yaml.safe_load((CORPUS / "started.yaml").read_text())
    edits = [entry for entry in started.values() if "edit" in entry]
    assert edits
    for entry in edits:
        assert entry["outcome"] == "failed"
        assert 0 < changed_lines(entry["edit"]) <= MOST_LINES


def test_an_edit_replaces_whole_lines_and_refuses_one_that_is_not_there():
    edit = {"  b: 1": ["  b: 2", "  c: 3"]}
    assert edited("a:\n  b: 1\n", edit) == "a:\n  b: 2\n  c: 3\n"
    assert changed_lines(edit) == 2
    with pytest.raises(LookupError, match="0 lines are '  b: 1'"):
        edited("a:\n  b: 12\n", edit)


def test_a_repository_counts_once_as_one_that_was_not_met_before():
    names = [one["repository"] for one in yaml.safe_load((CORPUS / "unseen.yaml").read_text())]
    assert sorted(names) == sorted(set(names))
