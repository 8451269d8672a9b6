"""The snapshots of a system's folder: `.tarmac/.snapshots/NAME`, shared by all its namespaces.

A snapshot is there whole or not at all: it is made beside its place and then renamed.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.run.local.snapshots import manifest as manifests
from tarmac.run.local.snapshots.exchange import exclusive
from tarmac.run.local.snapshots.manifest import Manifest
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

#: No namespace's name begins with a dot.
FOLDER = ".snapshots"
#: Of those that Tarmac takes by itself.
AUTOMATIC = 3
_PARTIAL, _REPLACED, _DELETED, _LOCK = ".partial", ".replaced", ".deleted", ".lock"


@dataclass(frozen=True)
class Snapshot:
    """One snapshot, whole."""

    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class Library:
    """The snapshots beside one system's file."""

    folder: Path

    @classmethod
    def of(cls, home: Home) -> Library:
        """Name that of a copy; its other copies have the same."""
        return cls(home.root.parent / FOLDER)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other verb change snapshots meanwhile; end what a killed one had begun.

        Raises:
            BadInput: another one works here.
        """
        self._make()
        with exclusive(self.folder / _LOCK, "another `tarmac snapshot` works here"):
            self._recover()
            yield

    def all(self) -> list[Snapshot]:
        """List the snapshots, the oldest first; damaged ones are left out."""
        found = []
        for path in self._folders():
            with contextlib.suppress(BadInput):
                found.append(Snapshot(path, manifests.read(path)))
        return sorted(found, key=lambda one: (one.manifest.taken_at, one.manifest.name))

    def damaged(self) -> list[str]:
        """Say what is wrong with those that cannot be read."""
        problems = []
        for path in self._folders():
            try:
                manifests.read(path)
            except BadInput as error:
                problems.append(str(error))
        return sorted(problems)

    def find(self, name: str) -> Snapshot:
        """Find a snapshot. Raises BadInput of a name that is wrong or not known."""
        folder = self.place(name)
        return Snapshot(folder, manifests.read(folder))

    def place(self, name: str) -> Path:
        """Find a snapshot's folder, also a damaged one's. Raises BadInput as `find`."""
        manifests.check_name(name)
        folder = self.folder / name
        if not folder.is_dir():
            known = [path.name for path in self._folders()]
            hint = did_you_mean(name, known) if known else "save one with `tarmac snapshot save`"
            raise BadInput([Problem(name, f"no snapshot of that name; {hint}")])
        return folder

    def require_free(self, name: str, *, force: bool) -> None:
        """Refuse a name that cannot be, or is there and is not to be replaced. Raises BadInput."""
        manifests.check_name(name)
        if not force and (self.folder / name).exists():
            what = "a snapshot of that name exists; choose another name, or pass --force"
            raise BadInput([Problem(name, what)])

    @contextlib.contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Give an empty folder for a snapshot in the making; what is left of it is deleted."""
        partial = self.folder / f".{name}{_PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def commit(self, partial: Path, manifest: Manifest) -> Snapshot:
        """Give a finished folder its name, in place of an older one; then forget the oldest."""
        content = manifests.as_json(manifest)
        write_atomically(partial / manifests.FILE, content, power_cut=True)
        place = self.folder / manifest.name
        if place.exists():
            place.rename(self.folder / f".{manifest.name}{_REPLACED}")
        partial.rename(place)
        self._recover()
        if manifest.before:
            mine = [one for one in self.all() if one.manifest.before]
            for one in mine[:-AUTOMATIC]:
                self.delete(one.folder)
        return Snapshot(place, manifest)

    def delete(self, folder: Path) -> None:
        """Delete a snapshot: a kill meanwhile leaves all of it, or none."""
        doomed = self.folder / f".{folder.name}{_DELETED}"
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if not path.name.startswith(".")]

    def _make(self) -> None:
        try:
            with writing.opened(self.folder.parent.parent) as beside:
                below = self.folder.parent.name
                writing.make_folder(beside, f"{below}/{FOLDER}", mode=0o700)
                writing.write_new(beside, f"{below}/.gitignore", "*\n")
        except OSError as error:
            what = f"cannot be written ({error.strerror}); choose a directory that you can write"
            raise BadInput([Problem(str(self.folder), what)]) from None

    def _recover(self) -> None:
        """End what a killed verb had begun."""
        for replaced in self.folder.glob(f".*{_REPLACED}"):
            place = self.folder / replaced.name[1 : -len(_REPLACED)]
            if place.exists():
                shutil.rmtree(replaced, ignore_errors=True)
            else:
                replaced.rename(place)
        for left in (_PARTIAL, _DELETED):
            for folder in self.folder.glob(f".*{left}"):
                shutil.rmtree(folder, ignore_errors=True)


def now() -> str:
    """Return the time as a manifest has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
