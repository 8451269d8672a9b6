"""What an `up` keeps of the one before it."""

from __future__ import annotations

from tarmac.run.local.state.options import Options

FILE = "/x/tarmac.yaml"


def test_options_are_the_same_after_they_were_written_and_read():
    options = Options(FILE, part=("a",), only=("b",), whole=False, profiles=("p",), stopped=("c",))
    assert Options.of(options.as_data()) == options


def test_a_part_is_added_to_the_part_that_runs():
    first = Options(FILE, whole=False, part=("a",), groups=("g",), profiles=("p",))
    second = Options(FILE, whole=False, part=("b",), only=("c",)).after(first, runs=True)
    assert (second.whole, second.part, second.groups) == (False, ("a", "b"), ("g",))
    assert (second.only, second.profiles) == (("c",), ("p",))


def test_a_part_takes_nothing_away_from_the_whole():
    assert Options(FILE, whole=False, part=("b",)).after(Options(FILE), runs=True).whole


def test_after_a_stop_a_part_begins_anew():
    first = Options(FILE, whole=False, part=("a",), stopped=("x",))
    second = Options(FILE, whole=False, part=("b",)).after(first, runs=False)
    assert (second.part, second.stopped) == (("b",), ())


def test_stopped_services_stay_stopped_until_they_are_named_or_all_is_wanted():
    first = Options(FILE, stopped=("a", "b"))
    assert Options(FILE, whole=False, part=("a",)).after(first, runs=True).stopped == ("b",)
    assert Options(FILE).after(first, runs=True).stopped == ()


def test_a_folder_stays_in_a_repositorys_place_until_another_or_an_empty_one_is_given():
    first = Options(FILE, sources={"pay": "/a", "ads": "/b"})
    assert Options.of(first.as_data()) == first
    for runs in (True, False):
        assert Options(FILE).after(first, runs=runs).sources == first.sources
        changed = Options(FILE, sources={"pay": "/c", "ads": ""}).after(first, runs=runs)
        assert changed.sources == {"pay": "/c"}
    assert Options(FILE, sources={"pay": ""}).after(None, runs=False).sources == {}


def test_a_service_stays_unmanaged_until_another_without_is_given_or_it_is_named():
    first = Options(FILE, without=("a", "b"))
    for runs in (True, False):
        assert Options(FILE).after(first, runs=runs).without == ("a", "b")
        assert Options(FILE, without=("b",)).after(first, runs=runs).without == ("b",)
        named = Options(FILE, whole=False, part=("a",)).after(first, runs=runs)
        assert named.without == ("b",)


def test_names_that_the_file_has_lost_are_forgotten_and_new_ones_are_kept():
    before = Options(FILE, without=("gone",), part=("gone", "a"))
    after = Options(FILE, without=("gone", "typo"), part=("gone", "a"))
    found = after.without_lost(before, {"a"})
    assert (found.without, found.part) == (("typo",), ("a",))
    assert after.without_lost(None, {"a"}) == after
