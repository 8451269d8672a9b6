"""A sample of all mutants: none survives unclassified, and no kind of file is judged worse.

`python tests/support/mutation_scores.py` measures all of it, by hand.
"""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from mutants import classes, scores, trees
from mutants.judging import ALONE, schemas_read_once
from mutants.making import MutantClass
from small_system import GATES

from tarmac.base.artifact import Artifact, Format

#: A judgement that lists its patterns one below the other is longer than it is wide.
LINES = 300


@pytest.fixture(scope="module", autouse=True)
def schemas():
    with schemas_read_once():
        yield


@pytest.fixture(scope="module", params=trees.SAMPLED)
def tree(request):
    """Measure the sample of a tree once."""
    found = list(scores.outcomes(trees.judge_of(request.param), trees.SAMPLED[request.param]))
    return request.param, found


def test_every_survivor_is_classified(tree):
    _, found = tree
    unknown = [
        f"{own}: {m.description}" for own, m, what, _ in found if what == scores.UNCLASSIFIED
    ]
    assert unknown == [], "find it by a gate, or classify it in tests/mutation/survivors.yaml"


def test_no_kind_of_file_is_judged_worse_than_before(tree):
    name, found = tree
    recorded = yaml.safe_load(scores.RECORDED.read_text())[name]
    now = {kind: score.percent or 0 for kind, score in scores.counted(found).items()}
    worse = {
        kind: (score, now.get(kind)) for kind, score in recorded.items() if now.get(kind, 0) < score
    }
    assert worse == {}, (
        "a gate finds less; python tests/support/mutation_scores.py --missed lists it"
    )


def test_every_kind_is_recorded(tree):
    name, found = tree
    recorded = yaml.safe_load(scores.RECORDED.read_text())[name]
    assert recorded.keys() == {own.kind for own, *_ in found}
    assert len(found) > 150


def test_good_files_have_no_findings():
    judge = trees.by_hand()
    assert {name: dict(said) for name, said in judge.before.items() if said} == {}


@pytest.mark.parametrize("gate", ALONE)
def test_a_gate_that_is_asked_of_single_files_says_the_same_of_all(gate):
    judge = trees.judge_of("hello-dd")
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "correct-horse"}}
    broken = [Artifact("secret.yaml", secret, format=Format.OBJECT)]
    broken += [
        file
        for number, _, mutant in scores.sample(judge, 20)
        for file in judge.files(number, mutant)
    ]
    alone = Counter(said for file in broken for said in judge.said(GATES[gate], judge.only(file)))
    together = Counter(judge.said(GATES[gate], judge.only(*broken)).keys())
    assert Counter(alone.keys()) == together
    assert together


def test_survivors_are_classified_in_few_lines():
    text = classes.FILE.read_text()
    assert len(text.splitlines()) <= LINES
    for entry in classes.judgements():
        assert entry.name in classes.CLASSES
        assert " " in entry.why


def test_the_first_judgement_counts_and_some_hold_for_files_alone():
    own = MutantClass("Deployment", "spec.replicas", "number-ten-times")
    assert classes.judgement_of(own, files=True).name == classes.HARMLESS
    assert classes.judgement_of(own, files=False).name == classes.MISSED


def test_the_page_has_a_row_for_each_kind_and_its_sums():
    tables = _tables(scores.PAGE.read_text().splitlines())
    assert len(tables) == 3
    for rows in tables:
        *kinds, everything = rows
        assert everything[0] == "**all**"
        for column in range(1, 7):
            assert sum(int(row[column]) for row in kinds) == int(everything[column])
        for row in rows:
            mutants, named, drifted, equivalent, harmless, missed = map(int, row[1:7])
            assert mutants == named + drifted + equivalent + harmless + missed
            harmful = named + drifted + missed
            for share, number in ((row[7], named), (row[8], named + drifted)):
                assert share == (f"{number * 100 // harmful} %" if harmful else "-")
    assert {int(row[3]) for rows in tables[1:] for row in rows} == {0}
    assert {row[0] for row in tables[2]} >= {"Deployment", "Terraform", "dashboard", "workflow"}


def _tables(lines):
    tables = []
    for line in lines:
        if line.startswith("| File |"):
            tables.append([])
        elif line.startswith("| ") and tables:
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return tables
