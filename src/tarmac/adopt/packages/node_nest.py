"""Nest's programs where one package has several of them, as nest-cli.json lists them.

The recogniser of Node's packages asks, and the survey, whose images they are. Nothing here says how
packages are installed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tarmac.adopt.survey.found import Folder
from tarmac.base.foreign.data import from_json


def programs(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield the programs that Nest has in folders of one package, each with its folder."""
    for name, one in _projects(folder).items():
        place = str(one.get("root") or f"apps/{name}") if isinstance(one, dict) else ""
        is_program = place and one.get("type") != "library" and re.fullmatch(r"[\w-]+", name)
        if is_program and "package.json" in folder.files and f"{place}/src/main.ts" in folder.files:
            yield name, place


def places(folder: Folder) -> set[str]:
    """List the folders of several such programs, as the repository has them; none for one alone."""
    found = [posixpath.join(folder.path, place) for _, place in programs(folder)]
    return set(found) if found[1:] else set()


def build_of(folder: Folder, said: str) -> str:
    """Say how Nest builds the one of several programs that a path names; "" for no such path.

    Its plain command builds but the first of them. The image may have the name in a variable.
    """
    named = re.search(r"(?:^|[\s/])dist/apps/([\w-]+|\$\{?\w+\}?)/", said)
    projects = _projects(folder)
    is_known = named and projects and ("$" in named[1] or named[1] in projects)
    return f"npx nest build {named[1]}" if named and is_known else ""


#: A script that starts a program again after each edit, and stays where that ends.
_WATCHES = re.compile(
    r"(?:npx )?nest start(?P<name> [a-z][\w-]*)?(?: --?(?:watch|w|preserveWatchOutput)\b)+"
)


def started_once(scripts: Mapping[str, str], name: str, words: Sequence[str] = ()) -> str:
    """Say how Nest starts what a script of its starts, without a watch; "" for another script.

    An edit is Tarmac's to see, and a program that ends is to be seen as one that has ended.

    Args:
        words: what the script is told besides: the name of the program.
    """
    match = _WATCHES.fullmatch(scripts.get(name, "").strip())
    told = [word for word in words if word not in ("--", "--watch")]
    is_plain = not any(word.startswith("-") for word in told) and len(told) < 2
    if match is None or not is_plain or {f"pre{name}", f"post{name}"} & scripts.keys():
        return ""
    return f"npx nest start{match['name'] or ''}{''.join(f' {word}' for word in told)}"


def files_of(folder: Folder, run: str) -> tuple[str, ...]:
    """List the files of the program that a command starts: without those of the ones beside it."""
    named = re.search(r"npx nest (?:build|start) ([\w-]+)", run)
    projects = _projects(folder)
    if named is None or named[1] not in projects:
        return ()
    others = tuple(
        f"{one.get('root') or f'apps/{name}'}/"
        for name, one in projects.items()
        if isinstance(one, dict) and one.get("type") != "library" and name != named[1]
    )
    return tuple(file for file in folder.files if not others or not file.startswith(others))


def _projects(folder: Folder) -> dict[str, Any]:
    found = (folder.mapping("nest-cli.json", from_json) or {}).get("projects")
    return found if isinstance(found, dict) else {}
