"""Brings what a later version of its template changes into a service, as a patch.

What the template changed is the difference of the text that it wrote then and the one that it makes
now. A file that was not edited since has the former text itself; that of an edited one is found in
the repository's history, by its digest. What the user changed stays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from tarmac.base import writing
from tarmac.base.errors import BadInput, MissingTool, Problem, did_you_mean
from tarmac.base.foreign import files, git
from tarmac.change.create import sources, template
from tarmac.change.create.service import RECORD, record
from tarmac.model.loader import read_as
from tarmac.model.value import StrictModel
from tarmac.project.reading import load
from tarmac.render.tree import patches


class Record(StrictModel):
    """What `.tarmac-template.yaml` says."""

    template: str
    version: int = Field(ge=1)
    values: dict[str, str | bool]
    files: dict[str, str]


@dataclass(frozen=True)
class Update:
    """What a later template changes in a service."""

    folder: Path
    before: int
    after: int
    #: Path in the folder -> its text now ("": it is not there), and as it is to be ("": removed).
    changes: Mapping[str, tuple[str, str]]
    #: Path -> why its change is left out, with the change itself.
    conflicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def patch(self) -> str:
        """All changes, as `git apply` takes them in the service's folder."""
        return "".join(patches.make(path, *texts) for path, texts in sorted(self.changes.items()))


def find(file: Path, name: str) -> Path:
    """Find a service's folder. Raises BadInput where there is no such service, or no record."""
    system = load(str(file))
    known = system.file.services
    if name not in known:
        what = f"no such service '{name}'; {did_you_mean(name, known)}"
        raise BadInput([Problem(str(file), what)])
    spec = known[name]
    folders = [*spec.source, *([spec.cwd] if spec.cwd else [])]
    for folder in folders:
        path = Path(os.path.normpath(file.parent / folder))
        if (path / RECORD).is_file():
            return path
    place = str(system.locate(("services", name), key=True))
    what = f"{name} was not made by `tarmac new`: its folder has no {RECORD}"
    raise BadInput([Problem(place, f"{what}; name a service that was")])


def compare(folder: Path) -> Update:
    """Compare a service with its template as it is now. Raises BadInput, MissingTool."""
    path = folder / RECORD
    then, _ = read_as(Record, str(path), files.content(path))
    used = sources.read(then.template)
    made = template.files(used, then.values)
    changes: dict[str, tuple[str, str]] = {}
    conflicts: dict[str, str] = {}
    for name in sorted({*made, *then.files}):
        new, digest = made.get(name, ""), then.files.get(name, "")
        if _digest(new) == digest or (not new and not digest):
            continue
        now = _text(folder / name)
        if now is None:
            if not digest:
                changes[name] = "", new
            continue  # it was removed here, and stays so
        merged = _merged(folder, name, digest, now, new)
        if isinstance(merged, str):
            changes[name] = now, merged
        else:
            conflicts[name] = merged.what
    if made and (changes or conflicts or used.data.version != then.version):
        text = record(then.template, used.data.version, then.values, made)
        changes[RECORD] = files.content(path).decode(), text
    same = {name for name, (before, after) in changes.items() if before == after}
    left = {name: texts for name, texts in changes.items() if name not in same}
    return Update(folder, then.version, used.data.version, left, conflicts)


def apply(update: Update) -> None:
    """Write the changes. Raises BadInput, OSError."""
    with writing.made(update.folder) as root:
        for name, (_, text) in update.changes.items():
            if text:
                writing.write(root, name, text)
            else:
                writing.remove(root, name)


def _merged(folder: Path, name: str, digest: str, now: str, new: str) -> str | Problem:
    """Return a file's text with the template's change, or why it cannot be made."""
    if _digest(now) == digest:
        return new
    if not digest:
        return Problem(name, "the template has it now, and a file of that name is here already")
    if not new:
        return Problem(name, "the template has it no longer; it was edited here, and stays")
    base = next((text for text in _earlier(folder / name) if _digest(text) == digest), None)
    if base is None:
        what = "was edited, and git does not have it as the template wrote it"
        return Problem(name, f"{what}; the template's text is now:\n{new}")
    change = patches.make(name, base, new, least=1)
    try:
        return patches.apply(change, now, name=name, path=name)
    except patches.DoesNotApply:
        return Problem(name, f"was edited in the lines that the template changes:\n{change}")


def _earlier(file: Path) -> Iterator[str]:
    """Yield a file's texts in the history, the latest first; nothing where there is no git."""
    try:
        listed = git.run(file.parent, "log", "--format=%H", "--", file.name)
    except (MissingTool, OSError):
        return
    for commit in listed.stdout.decode().split():
        shown = git.run(file.parent, "show", f"{commit}:./{file.name}")
        if shown.returncode == 0:
            yield shown.stdout.decode(errors="replace")


def _text(file: Path) -> str | None:
    if not os.path.lexists(file):
        return None
    return files.decoded(files.content(file), str(file))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
