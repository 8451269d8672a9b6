"""The one writer: below its root, through no link, each file whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from tarmac.base import writing
from tarmac.base.errors import BadInput


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".git").mkdir()
    with writing.opened(folder) as opened:
        yield opened


def test_a_file_is_written_with_its_folders_and_replaced_with_its_mode(root):
    writing.write(root, "a/b/c.txt", "é\n", mode=0o755)
    writing.write(root, "a/b/c.txt", b"new")
    file = root.folder / "a/b/c.txt"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o755)
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may give files away")
def test_a_file_that_root_replaces_stays_its_owners(root):
    file = root.folder / "a.txt"
    file.write_text("")
    file.chmod(0o640)
    os.chown(file, 23456, 23457)
    writing.write(root, "a.txt", "new")
    status = file.stat()
    assert (status.st_uid, status.st_gid) == (23456, 23457)
    assert stat.S_IMODE(status.st_mode) == 0o640


def test_a_new_file_has_the_mode_that_the_process_gives(root):
    before = os.umask(0o027)
    try:
        writing.write(root, "a.txt", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((root.folder / "a.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["file", "nothing", "link"])
def test_a_link_in_the_files_place_is_refused(root, outside, target):
    (outside / "file").write_text("theirs")
    (root.folder / "link").symlink_to("link")
    (root.folder / "a.txt").symlink_to("link" if target == "link" else outside / target)
    with pytest.raises(
        BadInput, match=r"a\.txt: is a link, and Tarmac does not write through links"
    ):
        writing.write(root, "a.txt", "ours")
    assert writing.write_new(root, "a.txt", "ours") is False
    assert [path.read_text() for path in outside.iterdir()] == ["theirs"]


def test_a_link_can_be_replaced_and_what_it_leads_to_stays(root, outside):
    (outside / "file").write_text("theirs")
    (root.folder / "a.txt").symlink_to(outside / "file")
    writing.write(root, "a.txt", "ours", replaces_link=True)
    assert (root.folder / "a.txt").read_text() == "ours"
    assert (outside / "file").read_text() == "theirs"


@pytest.mark.parametrize("path", ["deploy/a.txt", "deploy/b/a.txt", "c/deploy/a.txt"])
@pytest.mark.parametrize("leads", ["outside", "inside", "nowhere", "itself"])
def test_a_link_in_a_folders_place_is_refused(root, outside, path, leads):
    (root.folder / "c").mkdir()
    (root.folder / "inside").mkdir()
    link = root.folder / path.partition("deploy")[0] / "deploy"
    targets = {"outside": outside, "inside": root.folder / "inside", "nowhere": "none/there"}
    link.symlink_to(targets.get(leads, "deploy"))
    for act in (
        lambda: writing.write(root, path, ""),
        lambda: writing.write_new(root, path, ""),
        lambda: writing.make_folder(root, path),
        lambda: writing.remove(root, path),
        lambda: writing.write_file(root.folder / path, ""),
        lambda: writing.make_at(root.folder / path),
        lambda: writing.refuse_links(root.folder / path),
    ):
        with pytest.raises(BadInput, match="deploy: is a link, and Tarmac does not write through"):
            act()
    assert not any(outside.iterdir())
    assert not any((root.folder / "inside").iterdir())


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc/a", "", "a//b", "./a", "a/"])
def test_a_path_that_could_leave_the_root_is_refused(root, path):
    with pytest.raises(BadInput, match="is outside the output folder"):
        writing.write(root, path, "")
    assert [path.name for path in root.folder.iterdir()] == [".git"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x" * 5000, "a name of 5000 characters, where 255 bytes are the most"),
        ("é" * 200, "a name of 200 characters, where 255 bytes are the most"),
        ("a\x1b]0;b", r"a\\x1b]0;b: a name with control characters"),
        ("a\nb", r"a\\nb: a name with control characters"),
        ("a\0b", r"a\\x00b: a name with control characters"),
        ("a\x9bb", r"a\\x9bb: a name with control characters"),
    ],
)
def test_a_name_that_no_file_should_have_is_refused_in_one_line(root, name, what):
    for act in (writing.write, writing.write_new, writing.make_folder):
        arguments = (root, f"a/{name}") if act is writing.make_folder else (root, f"a/{name}", "")
        with pytest.raises(BadInput, match=what.replace("]", r"\]")) as raised:
            act(*arguments)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 600


def test_a_folder_or_a_pipe_in_the_files_place_is_refused(root):
    os.mkfifo(root.folder / "pipe")
    for name in ("pipe", ".git"):
        with pytest.raises(BadInput, match=f"{name}: is not a regular file; remove it"):
            writing.write(root, name, "")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(root, monkeypatch):
    writing.write(root, "a.txt", "old")

    def full(*_args, **_known):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        writing.write(root, "a.txt", "new")
    assert (root.folder / "a.txt").read_text() == "old"
    assert sorted(path.name for path in root.folder.iterdir()) == [".git", "a.txt"]


def test_a_part_that_a_killed_writer_left_is_no_way_out(root, outside):
    (root.folder / f".a.txt.{os.getpid()}.part").symlink_to(outside / "new")
    writing.write(root, "a.txt", "ours")
    assert (root.folder / "a.txt").read_text() == "ours"
    assert not any(outside.iterdir())


def test_a_part_of_a_process_that_has_ended_is_removed_and_a_running_ones_stays(root):
    parent, gone = os.getppid(), 2**22 + 1  # Linux gives no higher one than 2**22
    for pid in (parent, gone, "x"):
        (root.folder / f".a.txt.{pid}.part").touch()
    writing.write(root, "a.txt", "ours")
    left = {path.name for path in root.folder.iterdir()}
    assert left == {".git", "a.txt", f".a.txt.{parent}.part", ".a.txt.x.part"}


def test_removing_a_file_removes_the_folders_that_are_empty_then(root):
    writing.write(root, "a/b/c.txt", "")
    writing.write(root, "a/d.txt", "")
    writing.remove(root, "a/b/c.txt")
    writing.remove(root, "a/b/c.txt")
    assert sorted(path.name for path in root.folder.rglob("*")) == [".git", "a", "d.txt"]


def test_a_file_outside_of_every_repository_is_written_where_a_link_leads(tmp_path, outside):
    (tmp_path / "link").symlink_to(outside)
    writing.write_file(tmp_path / "link/new/a.txt", "ours")
    assert (outside / "new/a.txt").read_text() == "ours"
    (outside / "b.txt").symlink_to("c.txt")
    with pytest.raises(BadInput, match="is a link"):
        writing.write_file(tmp_path / "link/b.txt", "ours")


def test_links_that_lead_to_the_repository_are_followed(root, tmp_path):
    (tmp_path / "work").symlink_to(root.folder)
    writing.write_file(tmp_path / "work/deploy/a.txt", "ours")
    assert (root.folder / "deploy/a.txt").read_text() == "ours"


def test_a_repository_of_a_home_folder_is_not_the_root(tmp_path, outside, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").symlink_to(outside)
    writing.write_file(tmp_path / "work/a.txt", "ours")
    assert (outside / "a.txt").read_text() == "ours"


def test_many_files_are_written_at_once_and_what_killed_writers_left_is_removed(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "one").write_text("before")
    (folder / "one").chmod(0o640)
    (folder / f".one.{2**22 + 1}.part").write_text("left by a killed writer")
    (folder / f".other.{2**22 + 1}.part").write_text("of another file")
    with writing.opened(tmp_path) as root:
        writing.write_all(root, "a/b", {"one": "1", "two": b"2"})
    assert (folder / "one").read_text() == "1"
    assert (folder / "one").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.iterdir()) == [
        f".other.{2**22 + 1}.part",
        "one",
        "two",
    ]


def test_of_many_files_none_is_written_through_a_link_or_outside(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    with writing.opened(tmp_path) as root:
        with pytest.raises(BadInput, match="is a link"):
            writing.write_all(root, "a", {"link": "1"})
        with pytest.raises(BadInput, match="not the name of a file"):
            writing.write_all(root, "a", {"b/c": "1"})
    assert not (tmp_path / "elsewhere").exists()
