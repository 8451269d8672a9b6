"""A rendered folder on a disk with links, other programs, other renders and no room."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from growth import MOST, counted
from treed import Tree, contents

from tarmac.base import writing
from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, TarmacError
from tarmac.render.tree import folder, swap
from tarmac.render.tree.lock import FILE

WEB, DB, JOB = "k8s/web/deployment.yaml", "k8s/db/set.yaml", "ops/run.sh"
LINES = {f"key{number}": number for number in range(1, 21)}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.model.mkdir()
    made.set({WEB: LINES, DB: {"kind": "StatefulSet"}})
    made.render()
    return made


def test_executable_bits_are_set_kept_and_mended(tree):
    script = Artifact(JOB, "#!/bin/sh\ntrue\n", executable=True)
    tree.made["scripts"] = [script]
    tree.render()
    assert os.access(tree.out / JOB, os.X_OK)
    assert tree.read(JOB).startswith("#!/bin/sh\n# Rendered by Tarmac")
    (tree.out / JOB).chmod(0o600)
    assert tree.check().decision.changed == [JOB]
    tree.render()
    assert (tree.out / JOB).stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_deleted_comes_back(tree):
    (tree.out / WEB).unlink()
    assert tree.render().decision.added == [WEB]


@pytest.mark.parametrize("path", ["../out.yaml", "/tmp/out.yaml", ".git/config"])
def test_an_artifact_that_leaves_the_folder_is_refused(tree, path):
    tree.set({path: {}})
    before = contents(tree.root)
    with pytest.raises(BadInput, match="is outside the rendered folder"):
        tree.render()
    assert contents(tree.root) == before


def test_nothing_is_written_through_a_link(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree.out / "ops").symlink_to(outside)
    tree.set({WEB: LINES, DB: {"kind": "StatefulSet"}, "ops/x.yaml": {}})
    with pytest.raises(BadInput, match="'ops' is in the way"):
        tree.render()
    assert list(outside.iterdir()) == []


def test_a_link_in_a_files_place_counts_as_an_edit(tree, tmp_path):
    (tmp_path / "outside").write_text("secret")
    (tree.out / WEB).unlink()
    (tree.out / WEB).symlink_to(tmp_path / "outside")
    assert tree.render().decision.edited == [WEB]
    with pytest.raises(BadInput, match="is not text and cannot be patched"):
        tree.render(patch=(WEB,))
    tree.render(discard=(WEB,))
    assert not (tree.out / WEB).is_symlink()
    assert (tmp_path / "outside").read_text() == "secret"


def test_a_file_may_become_a_folder_and_a_folder_a_file(tree):
    tree.set({"k8s": {"now": "a file"}, "ops/a": {}})
    tree.render()
    assert tree.read("k8s").endswith("now: a file\n")
    tree.set({"k8s/web": {}, "ops": {}})
    tree.render()
    assert sorted(contents(tree.out)) == ["k8s", "k8s/web", "ops", FILE]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("model", "holds the model"),
        (".", "holds the model"),
        ("model/patches/production", "is the folder of patches"),
        ("deploy/production/k8s/web/deployment.yaml", "is a file"),
    ],
)
def test_a_folder_that_is_no_place_to_render_into_is_refused(tree, name, reason):
    before = contents(tree.root)
    for run in (folder.render, folder.check):
        with pytest.raises(BadInput, match=reason):
            run(tree.root / name, tree.source, tree.made)
    assert contents(tree.root) == before


def test_a_folder_that_holds_another_system_or_no_lock_is_refused(tree):
    text = tree.read(FILE)
    (tree.out / FILE).write_text(text.replace('"shop"', '"travel"'))
    with pytest.raises(BadInput, match="holds travel for production"):
        tree.render()
    (tree.out / FILE).write_text(text.replace('"by"', '"to"'))
    with pytest.raises(BadInput, match=f"{FILE}: is not a valid lock file"):
        tree.render()


def test_a_linked_folder_is_rendered_where_it_leads(tree, tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link/production"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "real")
    folder.render(link, tree.source, tree.made)
    assert link.is_symlink()
    assert (tmp_path / "real" / WEB).exists()


def test_a_second_render_at_the_same_time_is_refused(tree):
    work = swap.beside(tree.out)
    work.mkdir()
    tree.set({WEB: {}})
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for run in (tree.render, tree.check):
            with pytest.raises(swap.FolderBusy, match="another render is writing there"):
                run()
    assert tree.render().written  # its holder is gone, and so is what it left
    assert not work.exists()


def test_a_file_saved_while_it_is_rendered_is_not_lost(tree, monkeypatch):
    tree.set({WEB: {"changed": 1}, DB: {"kind": "StatefulSet"}})
    built = swap.build

    def build(*args):
        built(*args)
        tree.write(DB, "saved meanwhile\n")

    monkeypatch.setattr(swap, "build", build)
    with pytest.raises(TarmacError, match="changed during the render"):
        tree.render()
    assert tree.read(DB) == "saved meanwhile\n"
    assert "key10" in tree.read(WEB)
    assert not swap.beside(tree.out).exists()


def test_what_a_server_writes_into_its_own_folder_meanwhile_is_not_lost(tree, monkeypatch):
    data = tree.write("data/table", "rows")
    held = os.open(data.parent, os.O_RDONLY)
    tree.set({WEB: {"changed": 1}, DB: {"kind": "StatefulSet"}})
    exchange, times = swap._exchange, []

    def exchanged(*names):
        os.close(os.open(f"log{len(times)}", os.O_CREAT | os.O_WRONLY, dir_fd=held))
        times.append(names)
        return exchange(*names)

    monkeypatch.setattr(swap, "_exchange", exchanged)
    assert tree.render().written
    assert len(times) == 2
    assert sorted(path.name for path in data.parent.iterdir()) == ["log0", "log1", "table"]
    assert os.path.samestat(os.fstat(held), data.parent.stat())
    os.close(held)


def test_what_is_saved_between_the_two_exchanges_is_not_lost(tree, monkeypatch):
    tree.set({WEB: {"changed": 1}, DB: {"kind": "StatefulSet"}})
    same = swap._make_same

    def saved(*args):
        same(*args)
        tree.write("notes.txt", "saved meanwhile\n")

    monkeypatch.setattr(swap, "_make_same", saved)
    assert tree.render().written
    assert tree.read("notes.txt") == "saved meanwhile\n"
    assert not tree.check().differs


def test_a_disk_without_links_or_exchange_is_rendered_to_as_well(tree, monkeypatch):
    def none(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", none)
    monkeypatch.setattr(swap, "_exchange", lambda *_: False)
    tree.write("own", "mine").chmod(0o640)
    tree.set({WEB: {"changed": 1}, DB: {"kind": "StatefulSet"}})
    assert tree.render().decision.changed == [WEB]
    assert tree.read("own") == "mine"
    assert (tree.out / "own").stat().st_mode & 0o777 == 0o640
    assert not swap.beside(tree.out).exists()


def test_a_folder_full_of_something_else_is_refused(tree):
    (tree.out / FILE).unlink()
    (tree.out / "projects").mkdir()
    for number in range(folder.MOST_OTHERS + 1):
        (tree.out / f"projects/{number}").touch()
    with pytest.raises(BadInput, match="files that were not rendered; render into a subfolder"):
        tree.render()


def test_a_lock_that_is_no_text_is_said(tree):
    (tree.out / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not a valid lock file"):
        tree.render()


def test_a_folder_that_cannot_be_made_is_said(tree):
    tree.write("own", "a file")
    for run in (folder.render, folder.check):
        with pytest.raises(TarmacError, match="own"):
            run(tree.out / "own/deep/er", tree.source, tree.made)


def test_a_full_disk_leaves_the_old_tree(tree, monkeypatch):
    before = contents(tree.root)
    tree.set({WEB: {"changed": 1}})

    fill = writing.fill

    def full(folder, name, *args, **known):
        fill(folder, name, *args, **known)
        if name == Path(WEB).name:
            raise OSError(28, "No space left on device", name)

    monkeypatch.setattr(writing, "fill", full)
    with pytest.raises(TarmacError, match=r"nothing is written: No space left .*deployment\.yaml"):
        tree.render()
    assert contents(tree.root) == before


def test_twice_the_files_are_twice_the_work(tmp_path):
    work = []
    for count in (100, 200):
        tree = Tree(tmp_path / str(count))
        tree.model.mkdir(parents=True)
        tree.set({f"k8s/{number}/old.yaml": {"a": number} for number in range(count)})
        tree.render()
        for number in range(count):
            tree.write(f"k8s/{number}/own.yaml", "mine\n")
        tree.set({f"k8s/{number}/new.yaml": {"a": number} for number in range(count)})
        work.append(counted(tree.render))
    assert work[1] / work[0] < MOST
