"""A folder that becomes a link at any moment of a render leads no change outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from treed import Tree, contents, swapped_at

from tarmac.render.tree import folder, swap

LINES = {f"key{number}": number for number in range(1, 21)}
WEB, OLD, NEW = "k8s/web.yaml", "k8s/old.yaml", "k8s/new.yaml"
#: Folders of the repository on the way of a render: rendered ones, and where the new one is built.
ON_THE_WAY = (
    "deploy",
    "deploy/production",
    "deploy/production/k8s",
    "deploy/.production.tarmac",
    "deploy/.production.tarmac/tree",
    "deploy/.production.tarmac/tree/k8s",
    "model/patches",
)


def before(root: Path) -> Tree:
    """Make a repository with a tree, an own file in it, and an edit to keep as a patch."""
    tree = Tree(root / "repository")
    tree.model.mkdir(parents=True)
    (tree.root / ".git").mkdir()
    tree.set({WEB: LINES, OLD: {"a": 1}})
    tree.render()
    tree.write("k8s/own.yaml", "mine\n")
    tree.write(WEB, tree.read(WEB).replace("key10: 10", "key10: ten"))
    tree.set({WEB: LINES, NEW: {"c": 1}})
    return tree


def outside(root: Path) -> Path:
    """Make a folder elsewhere with the names that a render writes and removes."""
    there = root / "outside"
    for inner in ("", "production/", "tree/", "production/k8s/", "tree/k8s/", "k8s/"):
        (there / inner).mkdir(parents=True, exist_ok=True)
        for name in ("web.yaml", "old.yaml", "part", "lock", ".gitignore", "tarmac.lock"):
            (there / inner / name).write_text("theirs\n")
    return there


@pytest.mark.parametrize("among_others", [False, True], ids=["whole folder", "among others"])
@pytest.mark.parametrize("name", ON_THE_WAY)
def test_a_folder_swapped_for_a_link_at_any_step_leads_nothing_outside(
    tmp_path, name, among_others
):
    step = 0
    for step in range(1, 1000):
        tree = before(tmp_path / str(step))
        there = outside(tmp_path / str(step))
        theirs = contents(there)
        source = tree.source if not among_others else others(tree)

        def render(tree=tree, source=source):
            folder.render(tree.out, source, tree.made, folder.FileArguments(patch=(WEB,)))

        if not swapped_at(step, tree.root / name, there, render):
            break
        assert contents(there) == theirs, f"step {step}"
    assert step > 10


def others(tree: Tree) -> folder.RenderSource:
    """Make the source of a render among others' files."""
    return folder.replace(tree.source, among_others=True)


def test_the_old_tree_goes_where_the_swapped_folder_went(tmp_path, monkeypatch):
    tree, there = before(tmp_path), outside(tmp_path)
    exchange, theirs = swap._exchange, contents(there)

    def swapped(*names):
        deploy = tree.out.parent
        if not deploy.is_symlink():
            deploy.rename(tree.root / "moved")
            deploy.symlink_to(there)
        return exchange(*names)

    monkeypatch.setattr(swap, "_exchange", swapped)
    tree.render(patch=(WEB,))
    assert contents(there) == theirs
    assert "key10: ten" in (tree.root / "moved/production" / WEB).read_text()
    assert not (tree.root / "moved/production" / OLD).exists()
