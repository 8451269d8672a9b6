"""Repositories of git on this disk: one that others push to, and clones of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: Nobody's own settings take part, and nothing is asked.
ENV = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{who}_{what}": value
       for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "test"), ("EMAIL", "test@example.com"))},
}  # fmt: skip


def git(folder: Path, *args: str) -> str:
    """Run git in a folder; return what it says."""
    done = subprocess.run(
        ["git", *args], cwd=folder, env=ENV, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def remote(folder: Path) -> Path:
    """Make a repository without files of its own, to push to."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    return folder


def clone(origin: Path, folder: Path) -> Path:
    """Clone a repository."""
    git(origin, "clone", "--quiet", str(origin), str(folder))
    return folder


def push(folder: Path, message: str) -> str:
    """Commit all that changed, push it, and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    return git(folder, "rev-parse", "HEAD")
