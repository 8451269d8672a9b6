"""An edit kept as a patch comes back exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.render.tree import patches
from tarmac.render.tree.patches import DoesNotApply

NAME, PATH = "patches/production/k8s/web.yaml.patch", "k8s/web.yaml"
#: Lines that a patch's own syntax could be mistaken for, and endings that are no newline.
LINES = st.sampled_from(
    [
        "a",
        "b",
        "",
        "- x",
        "-- y",
        "+++ z",
        "@@ -1 +1 @@",
        "\\ No newline",
        "c\r",
        "d\x0ce",
        "é\u2028",
    ]
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.lists(LINES, max_size=30),
    st.sampled_from(["", "\n"]),
)
BASE = "".join(f"line {number}\n" for number in range(1, 31))


def applied(patch: str, text: str) -> str:
    return patches.apply(patch, text, name=NAME, path=PATH)


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@given(TEXTS, TEXTS)
def test_a_patch_of_two_texts_makes_the_second_of_the_first(before, after):
    if before != after:
        assert applied(patches.make(PATH, before, after), before) == after


def test_a_patch_survives_lines_that_come_and_go_elsewhere():
    mine = edited(BASE, "line 20\n", "line twenty\n")
    patch = patches.make(PATH, BASE, mine)
    moved = "new\n" * 7 + edited(BASE, "line 2\n", "")
    assert applied(patch, moved) == edited(moved, "line 20\n", "line twenty\n")


def test_a_hunk_moves_with_those_before_it():
    mine = edited(edited(BASE, "line 5\n", "five\n"), "line 25\n", "twenty-five\n")
    patch = patches.make(PATH, BASE, mine)
    assert patch.count("@@ -") == 2
    assert applied(patch, "first\n" + BASE) == "first\n" + mine


def test_a_patch_whose_lines_changed_names_patch_file_and_hunk():
    mine = edited(edited(BASE, "line 5\n", "five\n"), "line 25\n", "twenty-five\n")
    patch = patches.make(PATH, BASE, mine)
    with pytest.raises(DoesNotApply) as error:
        applied(patch, edited(BASE, "line 25\n", "other\n"))
    assert str(error.value).startswith(f"{NAME}: hunk 2 of 2 (@@ -22,7 +22,7 @@) no longer applies")
    assert PATH in str(error.value)


def test_context_that_occurs_twice_is_made_longer_until_it_occurs_once():
    block = "- name: a\n  value: 1\n- name: b\n  value: 1\n- name: c\n  value: 1\n"
    text = f"first:\n{block}{block}second:\n{block}{block}"
    lines = text.splitlines(keepends=True)
    lines[17] = "  value: 2\n"
    mine = "".join(lines)
    patch = patches.make(PATH, text, mine)
    grown = "zero: 0\n" * 6 + text  # by the period of the block: line numbers alone would lie
    assert applied(patch, grown) == "zero: 0\n" * 6 + mine


def test_a_hunk_that_fits_in_several_places_is_not_guessed():
    patch = f"--- a/{PATH}\n+++ b/{PATH}\n@@ -9,2 +9,2 @@\n same\n-old\n+new\n"
    with pytest.raises(DoesNotApply, match=r"several places \(lines 1, 4\)"):
        applied(patch, "same\nold\nx\nsame\nold\n")


def test_a_patch_that_the_model_has_overtaken_says_so():
    mine = edited(BASE, "line 20\n", "line twenty\n")
    with pytest.raises(DoesNotApply, match="already contains its lines; delete it"):
        applied(patches.make(PATH, BASE, mine), mine)


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ("", "changes 0 files"),
        ("nothing of the kind\n", "changes 0 files"),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n", "not a unified diff"),
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
            "2 files",
        ),
    ],
)
def test_what_is_no_patch_of_one_file_is_refused(patch, reason):
    with pytest.raises(DoesNotApply, match=reason):
        applied(patch, BASE)
