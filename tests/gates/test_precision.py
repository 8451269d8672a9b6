"""Public repositories' errors are judged, and nearly all of them are true."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from precision import PAGE, VERDICTS, JudgedRepository, Judgement, differences, judged, page, shares
from small_system import GATES

#: What reads files, before any gate.
READING = "files"
REPOSITORY = JudgedRepository(
    "a/b", "c", (Judgement("NET001", "k8s/*.yaml", 2, "true", "so", "port 80"),)
)


def finding(where="k8s/a.yaml:3", what="asks port 80", gate="NET001", *, warning=False):
    return {"where": where, "what": what, "gate": gate, "warning": warning}


def test_every_judgement_has_a_gate_a_verdict_and_a_reason():
    found = [judgement for one in judged() for judgement in one.judgements]
    assert len(found) > 10
    for judgement in found:
        assert judgement.gate in {*GATES, READING}
        assert judgement.verdict in VERDICTS
        assert " " in judgement.why
        assert judgement.number > 0


def judged_often():
    """List judgements of gates of which there are enough to tell."""
    found = [judgement for one in judged() for judgement in one.judgements]
    numbers = Counter(gate for one in found for gate in [one.gate] * one.number)
    return [one for one in found if numbers[one.gate] > 3]


def test_nine_of_ten_errors_are_true_and_seven_of_ten_of_every_gate():
    found = shares(judged())
    assert found.pop("") >= 0.9
    several = {one.gate for one in judged_often()}
    assert {
        gate: share
        for gate, share in found.items()
        if share < 0.7 and gate in several & GATES.keys()
    } == {}


def test_forty_repositories_are_each_judged_once_at_a_commit():
    repositories = judged()
    assert len({one.name for one in repositories}) == len(repositories) >= 40
    assert all(re.fullmatch("[0-9a-f]{12}", one.commit) for one in repositories)


def test_the_page_says_what_was_judged():
    text = PAGE.read_text()
    warnings = {
        name: int(number) for name, number in re.findall(r"\| \[(.+?)\](?:.*?\|){6} (\d+) \|", text)
    }
    assert page(judged(), warnings) == text


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([finding(), finding("k8s/b.yaml")], []),
        ([finding()] * 2 + [finding(what="asks port 81", warning=True)], []),
        ([finding()], ["a/b: NET001 at k8s/*.yaml: 1 findings, and 2 are judged"]),
        (
            [finding()] * 2 + [finding(what="asks port 81")],
            ["a/b: k8s/a.yaml:3: NET001: asks port 81"],
        ),
    ],
)
def test_what_is_found_and_not_judged_or_no_longer_found_is_told(findings, said):
    assert list(differences(REPOSITORY, findings)) == said
