"""Where templates come from: Tarmac's own ones, a team's folder, or a team's Git repository."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files, git
from tarmac.change.create import template
from tarmac.change.create.template import Template
from tarmac.render.assets import asset, assets

OWN = "templates/service"
#: A template has some dozens of files.
MOST_FILES = 2000
_URL = re.compile(r"(?:[a-z][a-z+]*://|[\w.-]+@[\w.-]+:)\S+")
#: A revision stands behind the last @, but not behind that of a user.
_REVISION = re.compile(r"(.+?[^/@]/.+?|.+:.+?)@([\w./-]+)")


def names() -> tuple[str, ...]:
    """List Tarmac's own templates."""
    paths = (path.removeprefix(f"{OWN}/").split("/") for path in assets(OWN))
    return tuple(path[0] for path in paths if path[1:] == [template.FILE])


def read(source: str) -> Template:
    """Read a template.

    Args:
        source: one of Tarmac's own by its name, else a folder, or a Git URL, which may end in
            `@REVISION`.

    Raises:
        BadInput: it is not there, or not a template.
        MissingTool: git is not here.
    """
    if _URL.fullmatch(source):
        return _of_git(source)
    return own(source) if source in names() else _of_folder(Path(source), source)


def own(name: str) -> Template:
    """Read one of Tarmac's own templates. Raises BadInput."""
    texts = {path.removeprefix(f"{OWN}/"): asset(path) for path in assets(OWN)}
    return template.read(name, texts)


def _of_git(source: str) -> Template:
    found = _REVISION.fullmatch(source)
    url, revision = (found[1], found[2]) if found else (source, "")
    with tempfile.TemporaryDirectory(prefix="tarmac-template-") as folder:
        words = ["clone", "--quiet", "--", url, "template"]
        done = git.run(Path(folder), *words)
        if done.returncode == 0 and revision:
            words = ["checkout", "--quiet", "--detach", revision]
            done = git.run(Path(folder) / "template", *words)
        if done.returncode != 0:
            what = f"git {words[0]} failed ({git.said(done)}); correct the address or the revision"
            raise BadInput([Problem(source, what)])
        return _of_folder(Path(folder) / "template", source)


def _of_folder(folder: Path, source: str) -> Template:
    if not folder.is_dir():
        hint = f"name a folder, a Git URL, or one of {', '.join(names())}"
        raise BadInput([Problem(source, f"no such template; {hint}")])
    name = folder.resolve().name
    found = template.read(name, dict(_texts(folder, name)))
    if found.data.beside:
        what = "`beside` is for Tarmac's own templates; put the files into `base`"
        raise BadInput([Problem(f"{source}/{template.FILE}", what)])
    return found


def _texts(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    count = 0
    for above, folders, entries in os.walk(folder):
        folders[:] = sorted(set(folders) - {".git"})
        for entry in sorted(entries):
            path = Path(above) / entry
            count += 1
            if count > MOST_FILES:
                what = f"more than {MOST_FILES} files; name the template's own folder"
                raise BadInput([Problem(str(folder), what)])
            below = path.relative_to(folder).as_posix()
            try:
                raw = files.content(path, root=folder)
            except OSError as error:
                raise BadInput([Problem(str(path), files.unread(error))]) from None
            yield f"{name}/{below}", files.decoded(raw, str(path))
