"""The patches of a folder: their paths, how an edit becomes one, and their results."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.render.tree import history, patches
from tarmac.render.tree.decision import DesiredFile
from tarmac.render.tree.lock import LockEntry, digest

END = ".patch"


def name_of(folder: str, path: str) -> str:
    """Name the path of the patch of a file; both relative to the same folder."""
    return f"{folder}/{path}{END}"


def read(folder: Path) -> dict[str, str]:
    """Read the patches in a folder, by the path of the file that they are of."""
    found = {}
    for file in sorted(folder.rglob(f"*{END}")):
        path = file.relative_to(folder).as_posix().removesuffix(END)
        try:  # the ends of its lines are the file's
            found[path] = files.decoded(files.content(file, root=folder), str(file))
        except OSError as error:
            raise BadInput([Problem(str(file), files.unread(error))]) from None
    return found


def with_patches(
    wanted: Mapping[str, DesiredFile],
    kept: Mapping[str, str],
    folder: str,
    ejected: Collection[str],
) -> dict[str, DesiredFile]:
    """Apply the patches.

    Args:
        kept: patches, by the path of their file.
        folder: where they lie, relative to the model's folder.
        ejected: files that no patch is applied to.

    Raises:
        BadInput: every patch that does not apply, or whose file is not rendered.
    """
    made, problems = dict(wanted), []
    for path, patch in sorted(kept.items()):
        name = name_of(folder, path)
        if path in ejected:
            continue
        if path not in wanted:
            what = f"patches {path}, which is not rendered; delete it"
            problems.append(Problem(name, what))
            continue
        want = wanted[path]
        try:
            text = patches.apply(patch, want.content.decode(), name=name, path=path)
        except patches.DoesNotApply as error:
            problems.append(error.problem)
            continue
        made[path] = replace(want, content=text.encode(), rendered=digest(want.content), patch=name)
    if problems:
        raise BadInput(problems)
    return made


def patch_of_edit(
    file: Path,
    path: str,
    entry: LockEntry | None,
    rendered: DesiredFile,
    patch: str | None,
    name: str,
) -> str:
    """Make a patch of an edit: what turns the rendered text into the edited one.

    Where the model has changed since the file was rendered, the edit is what differs from the text
    of then, which git may still have; it is applied again to the text of now.

    Args:
        file: the edited file, at `path` of its folder.
        rendered: what the renderer makes of it now.
        patch: the one that it has already, named `name`.

    Raises:
        BadInput: there is nothing to keep, or no way to tell it from the model's own change.
    """
    now = rendered.content.decode()
    try:
        edited = "" if file.is_symlink() else files.content(file).decode()
    except (OSError, ValueError):
        edited = ""
    if not edited:
        what = "is not text and cannot be patched; `--eject` or `--discard` it"
        raise BadInput([Problem(path, what)])
    if entry is not None and digest(rendered.content) != entry.base:
        then = next((t for t in history.earlier(file) if digest(t) == entry.sha256), None)
        if then is None:
            what = (
                "the model has changed since this file was rendered, and git does not have the "
                "file as it was: a patch would revert the model's change; revert the "
                "model, run `--patch`, reapply the change; or `--eject` or `--discard` the edit"
            )
            raise BadInput([Problem(path, what)])
        edited = _again(then.decode(), edited, now, patch, path, name)
    if edited == now:
        what = "equals the rendered file; nothing to keep: delete its patch, if it has one"
        raise BadInput([Problem(path, what)])
    return patches.make(path, now, edited)


def _again(then: str, edited: str, now: str, patch: str | None, path: str, name: str) -> str:
    """Make an edit of a former text on the one of now."""
    try:
        text = now if patch is None else patches.apply(patch, now, name=name, path=path)
    except patches.DoesNotApply as error:
        raise BadInput([error.problem]) from None
    if then == edited:
        return text
    # The lines around it may be what the model has changed; this is done once, and reviewed.
    edit = patches.make(path, then, edited, least=1)
    try:
        return patches.apply(edit, text, name=name, path=path)
    except patches.DoesNotApply:
        what = (
            "was edited in lines that the model changed too; `--discard` the edit, repeat "
            f"it on the newly rendered file, and `--patch` it. It is:\n{edit.rstrip()}"
        )
        raise BadInput([Problem(path, what)]) from None
