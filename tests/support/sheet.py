"""The commands of the cheat sheet, one by one, with the folder that each is typed in."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import warm
from pages import PROGRAMS, ROOT

PAGE = ROOT / "docs/how-to/cheat-sheet.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SET = re.compile(r"([A-Z_]+)=(.*)")


@dataclass(frozen=True)
class Typed:
    """A command: where, with which variables, its words, and the remark beside it."""

    line: str
    folder: str
    variables: tuple[tuple[str, str], ...]
    argv: tuple[str, ...]
    remark: str


def typed() -> list[Typed]:
    """Read the page in its order."""
    found = []
    for block in _BLOCK.findall(PAGE.read_text()):
        folder = "."
        for line in filter(None, block.splitlines()):
            words = shlex.split(line, comments=True)
            if words[0] == "cd":
                folder = words[1]
                continue
            variables = []
            while set_here := _SET.fullmatch(words[0]):
                variables.append((set_here[1], set_here[2]))
                del words[0]
            remark = line.rpartition("  # ")[2].strip() if "  # " in line else ""
            found.append(Typed(line, folder, tuple(variables), tuple(words), remark))
    return found


def options(*valued: str, flags: tuple[str, ...] = ()) -> argparse.ArgumentParser:
    """Make a parser that refuses what is not named here; what is no option is in `words`."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    for option in valued:
        parser.add_argument(*option.split(), action="append", default=[])
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    parser.add_argument("words", nargs="*")
    return parser


def ran(argv: Sequence[str | Path], folder: Path, variables: Iterable[tuple[str, str]] = ()) -> str:
    """Run a command, which must end well; return what it printed."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(folder / ".home"), **dict(variables)}
    if argv[0] == "tarmac" and argv[1] in warm.VERBS:
        done = warm.tarmac(*map(str, argv[1:]), folder=folder, environ=env)
    else:
        done = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def laid_out(folder: Path) -> Path:
    """Copy the shop into a repository, rendered as the page says, its Compose secrets made up."""
    apart = shutil.ignore_patterns(".tarmac", "deploy")
    shutil.copytree(ROOT / "systems/shop", folder / "systems/shop", ignore=apart)
    for name in ("services", "kit", "uv.lock", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    ran(["git", "init", "--quiet"], folder)
    for command in typed():
        renders = command.argv[:2] == ("tarmac", "render") and "--check" not in command.argv
        if renders or command.argv[0] == "./secrets.sh":
            ran(command.argv, folder / command.folder, command.variables)
    return folder
