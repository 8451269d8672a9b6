"""Renders at the same time do not mix, and who reads meanwhile reads whole files."""

from __future__ import annotations

import contextlib
import os
import re
import time
import traceback

from treed import Tree

from tarmac.render.tree import swap

FILES = [f"k8s/{number}/object.yaml" for number in range(12)]
WRITERS, TIMES = 3, 5


def write(tree: Tree, writer: int) -> None:
    """Render again and again; each time all files say by whom."""
    done = 0
    while done < TIMES:
        tree.set({path: {"by": writer, "time": done} for path in FILES})
        try:
            tree.render()
        except swap.FolderBusy:
            time.sleep(0.002)
            continue
        done += 1


def test_renders_at_once_are_told_apart_and_no_file_is_ever_seen_in_part(tmp_path):
    tree = Tree(tmp_path)
    tree.model.mkdir()
    tree.set({path: {"by": -1, "time": 0} for path in FILES})
    tree.render()
    pids = []
    for writer in range(WRITERS):
        if (pid := os.fork()) == 0:
            code = 1
            try:
                write(tree, writer)
                code = 0
            except BaseException:  # noqa: BLE001 - it must not go on as the test's own process
                traceback.print_exc()
            finally:
                os._exit(code)
        pids.append(pid)
    seen = set()
    left = set(pids)
    while left:
        for path in FILES:
            with contextlib.suppress(FileNotFoundError):  # replaced while its name was looked up
                seen.add(tree.read(path))
        for pid in list(left):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                assert status == 0
                left.remove(pid)
    whole = re.compile(r"# Rendered by [^\n]+\nby: -?\d\ntime: \d\n")
    assert [text for text in seen if not whole.fullmatch(text)] == []
    assert len(seen) > 1
    assert len({tree.read(path) for path in FILES}) == 1
    assert not tree.check().decision.refused
    assert [path.name for path in tree.out.parent.iterdir()] == ["production"]
