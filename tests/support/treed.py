"""A folder that is rendered into, and what can be done to it."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.render.tree import folder
from tarmac.render.tree.arguments import FileArguments
from tarmac.render.tree.folder import RenderOutcome, RenderSource

#: What the kernel is asked to do that changes a disk; a write to an open file is one with its open.
STEPS = (
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "fcntl.flock",
    "ctypes.dlsym",  # of the exchange: the next step is after it
)


@dataclass
class Tree:
    """A model's folder and the one that its files go to."""

    root: Path
    #: What is rendered, by the renderer's id.
    made: dict[str, list[Artifact]] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """The rendered folder."""
        return self.root / "deploy/production"

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.root / "model"

    def patch_of(self, path: str) -> Path:
        """Where the patch of a file lies."""
        return self.source.patch_of(path)

    @property
    def source(self) -> RenderSource:
        """The model."""
        return RenderSource("tarmac.yaml", self.model, "shop", "production", "tarmac render shop")

    def set(self, files: Mapping[str, Any], by: str = "services") -> None:
        """Have a renderer make these files."""
        self.made[by] = [Artifact(path, content) for path, content in files.items()]

    def render(self, only: str = "", **asked: tuple[str, ...]) -> RenderOutcome:
        """Render, as the verb does."""
        made = {only: self.made.get(only, [])} if only else self.made
        return folder.render(
            self.out, self.source, made, FileArguments(**asked), all_renderers=not only
        )

    def check(self) -> RenderOutcome:
        """Say what would be rendered."""
        return folder.check(self.out, self.source, self.made)

    def write(self, path: str, text: str) -> Path:
        """Do by hand what a user does."""
        file = self.out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, path: str) -> str:
        """Read a file of the folder."""
        return (self.out / path).read_text()


def contents(root: Path) -> dict[str, tuple[int, str]]:
    """Read a whole folder: each path's mode and content, a link's target, nothing of a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        text = ""
        if stat.S_ISLNK(mode):
            text = str(path.readlink())
        elif stat.S_ISREG(mode):
            text = path.read_text()
        found[path.relative_to(root).as_posix()] = (mode, text)
    return found


def swapped_at(step: int, folder: Path, target: Path, run: Callable[[], object]) -> bool:
    """Run something in a process of its own; a folder becomes a link before its Nth disk access.

    Args:
        folder: moved to `NAME.moved`, with a link in its place; nothing if it is not there then.
        target: where the link leads to.

    Returns:
        Whether there was such a step.
    """
    pid = os.fork()
    if pid == 0:
        left = step

        def count(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            # Python reads its own modules by their absolute paths.
            ours = event == "open" and not str(args[0]).endswith((".py", ".pyc"))
            if event in STEPS or ours:
                left -= 1
                if left == 0 and folder.is_dir():
                    folder.rename(folder.with_name(f"{folder.name}.moved"))
                    folder.symlink_to(target)

        sys.addaudithook(count)
        with contextlib.suppress(BaseException):
            run()
        os._exit(9 if left <= 0 else 0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 9), f"the render ended by {code}"
    return code == 9


def killed_at(step: int, run: Callable[[], object]) -> bool:
    """Run something in a process of its own that ends before its Nth change of the disk.

    Returns whether there was such a step.
    """
    pid = os.fork()
    if pid == 0:
        left = step

        def count(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            opened = event == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
            if event in STEPS or opened:
                left -= 1
                if left == 0:
                    os._exit(9)  # nothing is flushed, closed or cleared, as after `kill -9`

        sys.addaudithook(count)
        try:
            run()
        except BaseException:  # noqa: BLE001 - it must not go on as the test's own process
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 9), f"the render failed by itself ({code})"
    return code == 9
