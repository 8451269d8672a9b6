"""A render that is killed at any of its steps leaves one whole tree, and the next one finishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from treed import Tree, contents, killed_at

from tarmac.render.tree import swap

WEB, DB, NEW = "k8s/web.yaml", "k8s/db/set.yaml", "k8s/new/job.yaml"
LINES = {f"key{number}": number for number in range(1, 21)}


def before(root: Path) -> Tree:
    """Make a tree with an own file, an ejected one, a patch, and an edit to keep."""
    tree = Tree(root)
    tree.model.mkdir(parents=True)
    tree.set({WEB: LINES, DB: {"a": 1}, "k8s/own.yaml": {"b": 1}})
    tree.render()
    tree.write("k8s/own.yaml", "mine\n")
    tree.render(eject=("k8s/own.yaml",))
    tree.write(".git/HEAD", "ref").chmod(0o444)
    tree.write(WEB, tree.read(WEB).replace("key10: 10", "key10: ten"))
    return tree


def change(tree: Tree) -> None:
    """Keep the edit, remove a file, add one."""
    tree.set({WEB: LINES, NEW: {"c": 1}, "k8s/own.yaml": {"b": 2}})
    tree.render(patch=(WEB,))


def first(root: Path) -> Tree:
    """Make a tree that is not rendered yet."""
    tree = Tree(root)
    tree.model.mkdir(parents=True)
    return tree


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two names"])
@pytest.mark.parametrize("begin", [before, first])
def test_killed_at_any_step_one_whole_tree_stands_and_the_next_render_finishes(
    tmp_path, monkeypatch, begin, exchange
):
    if not exchange:
        monkeypatch.setattr(swap, "_exchange", lambda *_: False)

    def run(tree: Tree) -> None:
        if begin is before:
            change(tree)
        else:
            tree.set({WEB: LINES, NEW: {"c": 1}})
            tree.render()

    done = begin(tmp_path / "done")
    old = contents(done.out)
    run(done)
    new = contents(done.out)
    whole = contents(done.root)
    assert old != new
    stood = set()
    for step in range(1, 500):
        tree = begin(tmp_path / str(step))
        if not killed_at(step, lambda tree=tree: run(tree)):
            break
        beside = swap.beside(tree.out) / "old"
        if not exchange and not tree.out.exists() and beside.exists():
            seen = contents(beside)  # between the two names: whole, and put back by the next
            stood.add("beside")
        else:
            seen = contents(tree.out)
        assert seen in (old, new), f"step {step}"
        stood.add("old" if seen == old else "new")
        run_again(tree, run, step)
        assert contents(tree.root) == whole, f"step {step}"
    assert step > 10
    expected = {"old", "new"} | ({"beside"} if begin is before and not exchange else set())
    assert stood == expected


def run_again(tree: Tree, run: Callable[[Tree], None], step: int) -> None:
    """Render again; once the patch is there, the edit needs no word more."""
    if tree.patch_of(WEB).exists():
        tree.set({WEB: LINES, NEW: {"c": 1}, "k8s/own.yaml": {"b": 2}})
        assert not tree.render().decision.refused, f"step {step}"
    else:
        run(tree)


def test_killed_while_nothing_changes_nothing_is_changed(tmp_path):
    tree = before(tmp_path)
    change(tree)
    old = contents(tree.out)
    for step in range(1, 100):
        if not killed_at(step, tree.render):
            break
        assert contents(tree.out) == old
    assert step > 3
    tree.render()
    assert [path.name for path in tree.out.parent.iterdir()] == ["production"]
