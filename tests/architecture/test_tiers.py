"""The two tiers of the suite: what they name is there, and each system has a journey in both."""

from __future__ import annotations

import re

import pytest
import yaml
from cost import SHARED, folder_of


@pytest.fixture(scope="session")
def tiers(root):
    return yaml.safe_load((root / "tests/tiers.yaml").read_text())


def is_there(root, place):
    file, _, test = place.partition("[")[0].partition("::")
    path = root / file
    found = re.compile(rf"^(async )?def {test}\(", re.MULTILINE)
    return path.exists() and (not test or found.search(path.read_text()))


def test_every_place_that_the_tiers_name_is_there(root, tiers):
    together = [place for places in tiers["one_worker"].values() for place in places]
    slow = [place for places in tiers["slow"].values() for place in places]
    named = [*slow, *together, *tiers["slow_variants"]]
    assert [place for place in named if not is_there(root, place)] == []


def test_a_slow_place_has_one_topic_and_is_not_inside_another_slow_place(tiers):
    assert [places for places in tiers["slow"].values() if places != sorted(places)] == []
    slow = [place for places in tiers["slow"].values() for place in places]
    twice = [place for place in slow if slow.count(place) > 1]
    inside = [
        place for place in slow for other in slow if place.startswith((f"{other}/", f"{other}::"))
    ]
    assert (twice, inside) == ([], [])


def test_every_system_has_a_journey_that_both_tiers_run(root):
    found = {
        path.stem.removeprefix("test_").replace("_", "-")
        for path in (root / "tests/e2e").glob("test_*.py")
        if "@pytest.mark.journey" in path.read_text()
    }
    assert found >= {path.parent.name for path in root.glob("systems/*/tarmac.yaml")}


def test_every_folder_of_tests_has_a_budget(root, tiers):
    folders = {
        folder_of(path.relative_to(root).as_posix())
        for top in ("tests", "kit/tests", "services")
        for path in (root / top).rglob("test_*.py")
    }
    assert {*folders, SHARED} == tiers["cpu_s"].keys()


def test_make_test_is_the_presubmit_and_make_test_all_leaves_nothing_out(root):
    makefile = (root / "Makefile").read_text()
    recipes = dict(re.findall(r"^(test|test-all): .*\n\t(.*)$", makefile, re.MULTILINE))
    assert "--presubmit" in recipes["test"]
    assert ".ci/topics.py -- " in recipes["test-all"]


def test_the_presubmit_lists_each_skip_of_a_file_that_is_there(root, tiers):
    assert tiers["skipped"], "then the list can go"
    assert [file for file in tiers["skipped"] if not (root / file).is_file()] == []
