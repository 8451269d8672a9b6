"""A rendered folder on a disk: edits by hand survive, and what is nobody's is not touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from treed import Tree, contents

from tarmac.base.errors import BadInput
from tarmac.render.tree.lock import FILE, parse

WEB, DB, JOB = "k8s/web/deployment.yaml", "k8s/db/set.yaml", "ops/run.sh"
LINES = {f"key{number}": number for number in range(1, 21)}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.model.mkdir()
    made.set({WEB: LINES, DB: {"kind": "StatefulSet"}})
    made.render()
    return made


def edit(tree: Tree, path: str = WEB, old: str = "key10: 10\n", new: str = "key10: ten\n") -> str:
    text = tree.read(path)
    assert old in text
    return tree.write(path, text.replace(old, new)).read_text()


def git(folder: Path, *args: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *name, *args], cwd=folder, check=True, capture_output=True)


def test_files_say_what_made_them_and_the_lock_knows_them_all(tree):
    assert tree.read(WEB).startswith("# Rendered by Tarmac from tarmac.yaml: tarmac render shop\n")
    assert sorted(parse(tree.read(FILE), FILE).files) == sorted([WEB, DB])
    assert sorted(p.name for p in tree.out.parent.iterdir()) == ["production"]


def test_rendering_again_changes_nothing_on_the_disk(tree):
    def stats():
        found = [(tree.out / path).stat() for path in (WEB, DB, FILE, "k8s", ".")]
        return [(status.st_ino, status.st_mtime_ns, status.st_ctime_ns) for status in found]

    before = stats()
    outcome = tree.render()
    assert (outcome.written, outcome.differs) == (False, False)
    assert stats() == before


def test_only_what_changed_is_written(tree):
    untouched = (tree.out / DB).stat()
    tree.set({WEB: {**LINES, "key21": 21}, DB: {"kind": "StatefulSet"}})
    assert tree.render().decision.changed == [WEB]
    after = (tree.out / DB).stat()
    assert (after.st_ino, after.st_mtime_ns) == (untouched.st_ino, untouched.st_mtime_ns)


def test_an_edited_file_stops_the_whole_render_and_every_such_file_is_named(tree):
    edit(tree)
    tree.write(DB, "mine\n")
    tree.set({WEB: LINES, DB: {}, "k8s/new.yaml": {}})
    before = contents(tree.root)
    outcome = tree.render()
    assert (outcome.written, outcome.decision.edited) == (False, [DB, WEB])
    assert contents(tree.root) == before


def test_a_file_in_the_way_that_nobody_rendered_is_refused(tree):
    tree.write("k8s/new.yaml", "mine\n")
    tree.set({WEB: LINES, DB: {"kind": "StatefulSet"}, "k8s/new.yaml": {"a": 1}})
    outcome = tree.render()
    assert (outcome.written, outcome.decision.in_the_way) == (False, ["k8s/new.yaml"])
    assert tree.read("k8s/new.yaml") == "mine\n"


def test_an_edit_kept_as_a_patch_survives_every_later_render(tree):
    mine = edit(tree)
    assert tree.render(patch=(WEB,)).written
    assert tree.read(WEB) == mine
    tree.set({WEB: {"first": 0, **LINES}, DB: {}})
    assert tree.render().decision.changed == [DB, WEB]
    assert "first: 0\n" in tree.read(WEB)
    assert "key10: ten\n" in tree.read(WEB)
    entry = parse(tree.read(FILE), FILE).files[WEB]
    assert entry.patch == f"patches/production/{WEB}.patch"


def test_a_patch_that_no_longer_applies_is_named_with_its_hunk_and_nothing_is_written(tree):
    edit(tree)
    tree.render(patch=(WEB,))
    tree.set({WEB: {**LINES, "key10": "other"}, DB: {"kind": "changed"}})
    before = contents(tree.root)
    with pytest.raises(BadInput) as error:
        tree.render()
    assert f"patches/production/{WEB}.patch: hunk 1 of 1 (@@ -8,7 +8,7 @@)" in str(error.value)
    assert contents(tree.root) == before


def test_a_deleted_patch_leads_back_to_what_is_rendered(tree):
    rendered = tree.read(WEB)
    edit(tree)
    tree.render(patch=(WEB,))
    tree.patch_of(WEB).unlink()
    assert tree.render().decision.changed == [WEB]
    assert tree.read(WEB) == rendered


def test_a_patch_of_what_is_not_rendered_is_an_error(tree):
    edit(tree)
    tree.render(patch=(WEB,))
    tree.set({DB: {}})
    with pytest.raises(BadInput, match="which is not rendered; delete it"):
        tree.render()


def test_a_second_edit_of_a_patched_file_goes_into_the_same_patch(tree):
    edit(tree)
    tree.render(patch=(WEB,))
    both = edit(tree, old="key18: 18\n", new="key18: eighteen\n")
    assert tree.render().decision.edited == [WEB]
    tree.render(patch=(WEB,))
    assert tree.read(WEB) == both
    assert tree.patch_of(WEB).read_text().count("@@ -") == 2
    assert not tree.check().differs


def test_an_edit_is_not_mixed_up_with_the_models_change(tree):
    edit(tree)
    tree.set({WEB: {**LINES, "key2": "two"}, DB: {}})
    before = contents(tree.root)
    with pytest.raises(BadInput, match="the model has changed since"):
        tree.render(patch=(WEB,))
    assert contents(tree.root) == before


def test_an_edit_after_the_models_change_is_found_by_the_committed_file(tree):
    git(tree.root, "init", "-q")
    git(tree.root, "add", ".")
    git(tree.root, "commit", "-qm", "rendered")
    edit(tree)
    tree.set({WEB: {**LINES, "key2": "two"}, DB: {}})
    assert tree.render(patch=(WEB,)).written
    assert "key2: two\n" in tree.read(WEB)
    assert "key10: ten\n" in tree.read(WEB)
    assert "key2" not in tree.patch_of(WEB).read_text()


def test_an_edit_and_a_change_of_the_same_line_are_a_conflict_that_is_said(tree):
    git(tree.root, "init", "-q")
    git(tree.root, "add", ".")
    edit(tree)
    tree.set({WEB: {**LINES, "key10": "other"}, DB: {}})
    with pytest.raises(
        BadInput, match=r"(?s)edited in lines that the model changed too.*-key10: 10\n\+key10: ten"
    ):
        tree.render(patch=(WEB,))


def test_an_ejected_file_stays_as_it_is_until_it_is_discarded(tree):
    mine = edit(tree)
    assert tree.render(eject=(WEB,)).decision.ejected == [WEB]
    tree.set({WEB: {"other": 1}, DB: {}})
    outcome = tree.render()
    assert (outcome.decision.ejected, outcome.decision.outdated) == ([WEB], [WEB])
    assert tree.read(WEB) == mine
    tree.write(WEB, "anything\n")
    assert tree.render().decision.ejected == [WEB]
    assert tree.render(discard=(WEB,)).decision.changed == [WEB]
    assert tree.read(WEB).endswith("other: 1\n")
    assert not tree.check().differs


def test_an_ejected_file_can_become_a_patch(tree):
    mine = edit(tree)
    tree.render(eject=(WEB,))
    assert tree.render(patch=(WEB,)).written
    assert tree.read(WEB) == mine
    assert not parse(tree.read(FILE), FILE).files[WEB].ejected


def test_a_patch_of_an_ejected_file_is_said_to_have_no_effect(tree):
    edit(tree)
    tree.render(patch=(WEB,))
    outcome = tree.render(eject=(WEB,))
    assert outcome.written
    assert outcome.notes == (f"patches/production/{WEB}.patch has no effect: {WEB} is ejected",)


def test_a_folder_stands_for_all_files_in_it(tree):
    rendered = contents(tree.out)
    edit(tree)
    tree.write(DB, "mine\n")
    tree.render(discard=("k8s",))
    assert contents(tree.out) == rendered


def test_a_file_may_be_named_as_the_shell_completes_it(tree, monkeypatch):
    edit(tree)
    monkeypatch.chdir(tree.root)
    assert tree.render(discard=(f"./deploy/production/{WEB}",)).decision.changed == [WEB]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"patch": (WEB,)}, "nothing to keep"),
        ({"discard": (WEB,)}, "nothing to discard"),
        ({"eject": ("k8s/web/deploymnt.yaml",)}, "is not rendered; did you mean"),
        ({"discard": ("../..",)}, "is not rendered"),
        ({"patch": (DB,), "discard": (DB,)}, "choose one"),
    ],
)
def test_what_means_no_file_is_refused(tree, asked, reason):
    tree.write(DB, "mine\n")
    with pytest.raises(BadInput, match=reason):
        tree.render(**asked)
    assert tree.read(DB) == "mine\n"


def test_an_edit_that_is_no_text_cannot_be_a_patch(tree):
    (tree.out / WEB).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not text and cannot be patched"):
        tree.render(patch=(WEB,))


def test_a_file_no_longer_rendered_goes_with_the_folders_that_it_leaves_empty(tree):
    tree.set({WEB: LINES})
    assert tree.render().decision.removed == [DB]
    assert not (tree.out / "k8s/db").exists()


def test_an_edited_file_no_longer_rendered_is_refused_like_any_edit(tree):
    tree.write(DB, "mine\n")
    tree.set({WEB: LINES})
    outcome = tree.render()
    assert (outcome.written, outcome.decision.orphaned) == (False, [DB])
    assert tree.render(discard=(DB,)).decision.removed == [DB]
    assert not (tree.out / "k8s/db").exists()


def test_a_users_own_files_links_and_empty_folders_stay_where_they_are(tree):
    tree.write(".git/objects/ab/cd", "object").chmod(0o444)
    (tree.out / ".git/refs/tags").mkdir(parents=True)
    tree.write("k8s/db/notes.txt", "mine")
    (tree.out / "k8s/latest").symlink_to("../elsewhere/gone")
    (tree.out / "k8s/db").chmod(0o2750)
    before = contents(tree.out)
    inodes = {path: (tree.out / path).lstat().st_ino for path in before}
    tree.set({WEB: {"changed": 1}, "k8s/new.yaml": {}})
    assert tree.render().decision.removed == [DB]
    after = contents(tree.out)
    ours = {WEB, DB, FILE, "k8s/new.yaml"}
    assert {p: v for p, v in after.items() if p not in ours} == {
        p: v for p, v in before.items() if p not in ours
    }
    assert {path: (tree.out / path).lstat().st_ino for path in after if path not in ours} == {
        path: inode for path, inode in inodes.items() if path not in ours
    }


def test_only_some_renderers_leave_the_others_files_and_lines_alone(tree):
    tree.set({"slo.yaml": {"a": 1}, "old.yaml": {}}, by="slo")
    tree.render()
    tree.write(WEB, "mine\n")
    tree.set({"slo.yaml": {"a": 2}}, by="slo")
    outcome = tree.render(only="slo")
    assert (outcome.decision.changed, outcome.decision.removed) == (["slo.yaml"], ["old.yaml"])
    assert tree.read(WEB) == "mine\n"
    assert sorted(parse(tree.read(FILE), FILE).files) == sorted([WEB, DB, "slo.yaml"])
    assert tree.render().decision.edited == [WEB]


def test_a_check_writes_nothing_and_names_all_that_differs(tree):
    assert not tree.check().differs
    tree.write(WEB, "mine\n")
    tree.set({WEB: LINES, "k8s/new.yaml": {}})
    before = contents(tree.root)
    made = tree.check().decision
    assert (made.added, made.removed, made.edited) == (["k8s/new.yaml"], [DB], [WEB])
    assert contents(tree.root) == before


def test_a_check_of_a_folder_that_is_not_there_makes_none(tmp_path):
    tree = Tree(tmp_path)
    tree.model.mkdir()
    tree.set({WEB: {}})
    assert tree.check().decision.added == [WEB]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_lock_that_is_not_what_would_be_written_is_a_difference(tree):
    (tree.out / FILE).unlink()
    assert tree.check().differs
    assert tree.render().written
    assert not tree.check().differs
