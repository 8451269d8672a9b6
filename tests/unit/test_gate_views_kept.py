"""What views keep: once for the same files or object, never for others that are equal."""

from __future__ import annotations

from datetime import date

import pytest

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Folder
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.shapes import kept as keeping
from tarmac.check.gates.views.shapes.kept import kept


def folder(*paths):
    return Folder(tuple(Artifact(path, "") for path in paths), date(2026, 1, 1))


def test_a_view_looks_into_the_same_files_once_and_into_others_anew():
    asked = []

    @once
    def paths(files):
        asked.append(files)
        yield from (artifact.path for artifact in files.artifacts)

    @once
    def lengths(files):
        yield from (len(artifact.path) for artifact in files.artifacts)

    one, other = folder("a", "bc"), folder("a", "bc")
    assert [paths(one), paths(one), paths(other)] == [("a", "bc")] * 3
    assert len(asked) == 2
    assert lengths(one) == (1, 2)


def test_an_object_is_asked_once_and_an_equal_one_anew():
    asked = []

    @kept
    def size(data):
        asked.append(data)
        return len(data)

    one, other = {"a": 1}, {"a": 1}
    assert [size(one), size(one), size(other), size({})] == [1, 1, 1, 0]
    assert asked == [one, other, {}]


def test_an_object_is_never_taken_for_one_that_has_ended(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 3)

    @kept
    def value(data):
        return data["n"]

    assert [value({"n": number}) for number in range(50)] == list(range(50))


def test_an_object_of_too_many_takes_the_place_of_the_oldest_one_alone(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 3)
    asked = []

    @kept
    def number(data):
        asked.append(data["n"])
        return data["n"]

    objects = [{"n": count} for count in range(4)]
    for one in (*objects, *reversed(objects)):
        number(one)
    assert asked == [0, 1, 2, 3, 0]


def test_a_failure_is_not_kept():
    @kept
    def broken(data):
        raise ValueError(data)

    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            broken("x")
