"""Asks git about a repository of the user's, which is only read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tarmac.base.errors import MissingTool

#: Set to 1, no repository of another machine is asked.
OFFLINE = "TARMAC_OFFLINE"
#: What git sets for its hooks: with GIT_DIR it takes any folder for the root of that repository.
OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def environ() -> dict[str, str]:
    """Return this process' variables, so that git takes no lock and translates nothing."""
    own = {name: value for name, value in os.environ.items() if name not in OF_HOOKS}
    return {**own, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def run(folder: Path, *words: str, otherwise: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run a command of git in a folder, whatever comes of it.

    Args:
        otherwise: what to do where there is no git, for the error.

    Raises:
        MissingTool: git is not here.
    """
    try:
        return subprocess.run(
            ["git", *words],
            cwd=folder,
            env=environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        what = f"git: not on PATH; install it{otherwise and f', or {otherwise}'}"
        raise MissingTool(what) from None


def said(ended: subprocess.CompletedProcess[bytes]) -> str:
    """Return what git said first of an error."""
    lines = ended.stderr.decode(errors="replace").strip().splitlines() or ["no output"]
    return lines[0].removeprefix("fatal: ")
