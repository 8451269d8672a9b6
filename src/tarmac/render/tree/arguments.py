"""The arguments for single files of a folder: which files they select."""

from __future__ import annotations

import os.path
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.render.tree.decision import FileRequest, TreeDecision


@dataclass(frozen=True)
class FileArguments:
    """Files, or folders of them, as they were typed."""

    patch: tuple[str, ...] = ()
    eject: tuple[str, ...] = ()
    discard: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patch or self.eject or self.discard)


def select(
    request: FileArguments,
    folder: Path,
    made: TreeDecision,
    rendered: Collection[str],
    present: Collection[str],
) -> FileRequest:
    """Find the selected files.

    Args:
        made: what would be decided without the request.
        rendered: paths of what the renderers make.
        present: paths where something stands.

    Raises:
        BadInput: a name that means no file, or one of which nothing can be said.
    """
    known = {*rendered, *present}
    edited = {*made.edited, *made.in_the_way, *made.ejected}
    problems: list[Problem] = []

    def find(names: tuple[str, ...], among: Collection[str], otherwise: str) -> frozenset[str]:
        found: set[str] = set()
        for name in names:
            path = _inside(name, folder, known)
            meant = {file for file in among if _is_in(file, path)}
            if not meant:
                unknown = not any(_is_in(file, path) for file in known)
                what = f"is not rendered; {did_you_mean(path, known)}" if unknown else otherwise
                problems.append(Problem(name, what))
            found |= meant
        return frozenset(found)

    asked = FileRequest(
        patch=find(
            request.patch,
            edited & set(rendered),
            "no rendered file there was edited; nothing to keep",
        ),
        eject=find(request.eject, set(present), "does not exist; name an existing file"),
        discard=find(request.discard, edited, "was not edited, so there is nothing to discard"),
    )
    twice = asked.patch & asked.eject | asked.patch & asked.discard | asked.eject & asked.discard
    problems += [
        Problem(path, "--patch, --eject or --discard: choose one") for path in sorted(twice)
    ]
    if problems:
        raise BadInput(problems)
    return asked


def _inside(name: str, folder: Path, known: Collection[str]) -> str:
    """Read a name relative to the folder, or as it is completed by a shell."""
    path = os.path.normpath(name)
    typed = Path(os.path.realpath(Path(name).parent)) / Path(path).name
    if not any(_is_in(file, path) for file in known) and typed.is_relative_to(folder):
        path = typed.relative_to(folder).as_posix()
    return path


def _is_in(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")
