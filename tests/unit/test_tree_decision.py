"""What becomes of a file, by the lock, the disk and what is rendered: no edit is ever lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.errors import BadInput
from tarmac.render.tree import lock
from tarmac.render.tree.decision import (
    DesiredFile,
    ExistingFile,
    FileRequest,
    TreeDecision,
    check_paths,
    collisions,
    decide,
)
from tarmac.render.tree.lock import LockEntry, TreeLock, digest

PATH = "k8s/web.yaml"
OLD, NEW, MINE = b"old", b"new", b"mine"


def locked(**entries: LockEntry) -> TreeLock:
    return TreeLock("tarmac.yaml", "shop", "production", entries)


def of(entry: LockEntry | None) -> TreeLock:
    return TreeLock("tarmac.yaml", "shop", "production", {PATH: entry} if entry else {})


def decided(
    entry: LockEntry | None, want: bytes | None, here: bytes | None, **more
) -> tuple[str, TreeDecision]:
    wanted = {PATH: DesiredFile(PATH, "services", want)} if want is not None else {}
    present = {PATH: ExistingFile(digest(here))} if here is not None else {}
    made = decide(of(entry), wanted, present, **more)
    lists = ("added", "changed", "removed", "unchanged", "edited", "in_the_way", "ejected")
    return next((name for name in lists if PATH in getattr(made, name)), "nothing"), made


RENDERED = LockEntry("services", digest(OLD))
OWN = LockEntry("services", digest(OLD), ejected=True)


@pytest.mark.parametrize(
    ("entry", "want", "here", "expected"),
    [
        (None, NEW, None, "added"),
        (RENDERED, NEW, OLD, "changed"),
        (RENDERED, OLD, OLD, "unchanged"),
        (RENDERED, None, OLD, "removed"),
        (RENDERED, NEW, None, "added"),  # deleted by hand: nothing is lost by its return
        (RENDERED, None, None, "nothing"),
        (RENDERED, NEW, MINE, "edited"),
        (RENDERED, OLD, MINE, "edited"),
        (RENDERED, None, MINE, "edited"),
        (RENDERED, NEW, NEW, "unchanged"),  # cut short after the exchange, or merged
        (None, NEW, MINE, "in_the_way"),
        (None, NEW, NEW, "unchanged"),  # the lock was lost
        (OWN, NEW, MINE, "ejected"),
        (OWN, None, MINE, "ejected"),
        (OWN, NEW, None, "ejected"),
    ],
)
def test_a_file_is(entry, want, here, expected):
    assert decided(entry, want, here)[0] == expected


@pytest.mark.parametrize("entry", [None, RENDERED, OWN])
@pytest.mark.parametrize("want", [None, OLD, NEW])
def test_discarding_an_edit_leads_back_to_what_is_rendered(entry, want):
    if entry or want:
        what, made = decided(entry, want, MINE, asked=FileRequest(discard=frozenset([PATH])))
        assert what == ("changed" if want else "removed")
        assert not made.refused
        assert made.lock.files == ({PATH: LockEntry("services", digest(want))} if want else {})


def test_an_ejected_file_is_left_alone_from_now_on():
    _, made = decided(RENDERED, NEW, MINE, asked=FileRequest(eject=frozenset([PATH])))
    assert made.lock.files[PATH] == LockEntry("services", digest(NEW), ejected=True)
    what, later = decided(made.lock.files[PATH], NEW, MINE)
    assert (what, later.outdated, later.lock.files) == ("ejected", [], made.lock.files)


def test_an_ejected_file_says_when_its_rendered_text_has_changed():
    assert decided(OWN, NEW, MINE)[1].outdated == [PATH]
    assert decided(OWN, OLD, MINE)[1].outdated == []


def test_other_renderers_files_and_lines_stay_as_they_are():
    other = LockEntry("gateway", digest(OLD))
    what, made = decided(other, None, MINE, ids={"services"})
    assert (what, made.lock.files, made.refused) == ("nothing", {PATH: other}, [])
    assert decided(RENDERED, None, OLD, ids={"services"})[0] == "removed"


def test_an_executable_bit_that_is_missing_is_a_change():
    wanted = {PATH: DesiredFile(PATH, "scripts", OLD, executable=True)}
    made = decide(of(RENDERED), wanted, {PATH: ExistingFile(digest(OLD))})
    assert made.changed == [PATH]


@given(
    st.sampled_from([None, RENDERED, OWN]),
    st.sampled_from([None, OLD, NEW]),
    st.sampled_from([None, OLD, NEW, MINE]),
)
def test_what_is_neither_the_locks_nor_the_renderers_is_never_written(entry, want, here):
    _, made = decided(entry, want, here)
    hashes = {entry.sha256 if entry and not entry.ejected else None, digest(want) if want else None}
    if here is not None and digest(here) not in hashes:
        assert PATH not in (*made.written, *made.removed)


def test_the_lock_reads_back_as_it_was_written_a_line_for_each_file():
    full = locked(
        b=LockEntry("services", digest(OLD), digest(NEW), "patches/production/b.patch"),
        a=OWN,
    )
    assert lock.parse(full.text, "tarmac.lock") == full
    assert [line.split('"')[1] for line in full.text.splitlines()[6:8]] == ["a", "b"]
    assert json.loads(full.text)["tarmac"] == 1
    assert lock.parse(of(None).text, "tarmac.lock") == of(None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a valid lock file"),
        ("[]", "is not a valid lock file"),
        ('{"tarmac": 1}', "is not a valid lock file"),
        ('{"tarmac": 9}', "another version of Tarmac"),
        ("{\n<<<<<<< HEAD\n", "merge conflict markers"),
    ],
)
def test_a_broken_lock_is_an_error_that_says_what_to_do(text, reason):
    with pytest.raises(BadInput, match=f"deploy/tarmac.lock: .*{reason}"):
        lock.parse(text, "deploy/tarmac.lock")


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/x", "a/../../x", "a//b", "./a", "", "a/", ".git/hooks/x", "a\\b", "tarmac.lock"],
)
def test_a_path_that_is_not_ours_to_write_is_refused(path):
    with pytest.raises(BadInput):
        check_paths([path])


def test_two_paths_that_differ_by_case_alone_are_refused():
    with pytest.raises(BadInput, match="case-insensitive disk"):
        check_paths(["k8s/Web.yaml", "k8s/web.yaml"])
    check_paths(["k8s/web.yaml", "k8s/web/a.yaml", "Dockerfile"])


def test_a_file_where_a_folder_must_be_and_a_folder_where_a_file_must_be_collide():
    assert list(collisions(["a", "a/b"], ["a/b"])) == [("a/b", "a")]
    assert list(collisions(["a", "a/b/c"], ["a"])) == [("a", "a/b/c")]
    assert list(collisions(["a/b", "ab", "a/c"], ["a/b"])) == []
