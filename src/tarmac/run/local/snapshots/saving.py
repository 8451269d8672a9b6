"""Saves a snapshot: the data folders of all stores, copied while no server writes to them.

What any store had accepted before all of them had stopped is in it, and nothing else: a store that
has stopped accepts nothing, so no effect is there without its cause.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.snapshots import copying, library, local_stores, packing, sealing
from tarmac.run.local.snapshots.copying import DataSize, Draft, FileState
from tarmac.run.local.snapshots.library import Library, Snapshot
from tarmac.run.local.snapshots.local_stores import LocalStore, LocalStores
from tarmac.run.local.snapshots.manifest import Manifest, StoreRecord
from tarmac.run.local.state.paths import Home


class StoreStop(Protocol):
    """The stores of a copy, which runs or not."""

    def __call__(self, names: Collection[str]) -> AbstractContextManager[None]:
        """Stop stores for the length of a block; they serve again at its end."""

    def write_out(self, names: Collection[str]) -> None:
        """Make servers write out what they have only in memory, while they serve."""

    def asked(self, stores: LocalStores) -> LocalStores:
        """Add what only servers that run can tell."""


ARCHIVE = ".tar.gz"


def save(
    home: Home, name: str, stopped: StoreStop, *, force: bool = False, before: str = ""
) -> Snapshot:
    """Save all stores of a copy under a name.

    Args:
        stopped: stops the stores where the system runs.
        force: replace a snapshot of that name.
        before: the verb that it is taken before, by itself.

    Raises:
        BadInput: the name, the stores or the disk do not allow it; nothing has changed then.
    """
    snapshots = Library.of(home)
    snapshots.require_free(name, force=force)
    found = stopped.asked(local_stores.stores_of(home))
    kept = {store.name: store for store in found.here.values() if not store.rule.is_empty}
    _refuse_unsafe(kept, fast=found.fast)
    with snapshots.locked():
        snapshots.require_free(name, force=force)
        sizes = {store.name: copying.measure(store.data()) for store in kept.values()}
        with snapshots.new(name) as partial:
            shared = {
                store.name: copying.has_reflinks(store.folder, partial) for store in kept.values()
            }
            copying.require_room(snapshots.folder, _needed(sizes, shared), "the snapshot")
            copies = [
                _Copy(store, partial / store.name, shared[store.name]) for store in kept.values()
            ]
            if not all(shared.values()):
                stopped.write_out(sorted(kept))
                time.sleep(copying.QUIET_NS / 1e9)
            drafts = copying.on_all(_Copy.draft, copies)
            with stopped(sorted(kept)):
                began = time.monotonic()
                copying.on_all(lambda pair: pair[0].take(pair[1]), zip(copies, drafts, strict=True))
                copied_s = time.monotonic() - began
            stores = {one.store.name: one.record() for one in copies}
            sealing.write(partial, sealing.collect(home, kept.values()))
            copying.on_all(_Copy.pack, [one for one in copies if not one.reflinks])
            manifest = Manifest(
                name=name,
                system=found.system,
                namespace=home.root.name,
                taken_at=library.now(),
                before=before,
                stores=stores,
                left=found.left,
                copied_s=round(copied_s, 3),
            )
            return snapshots.commit(partial, manifest)


@dataclass(frozen=True)
class _Copy:
    """The copy of one store's data in a snapshot."""

    store: LocalStore
    target: Path
    reflinks: bool

    def draft(self) -> Draft:
        """Copy what does not change while the server runs: the stop takes less long then."""
        self.target.mkdir(mode=0o700)
        found: dict[Path, FileState] = {}
        if not self.reflinks and not self.store.rule.maps_files:
            for path in self.store.data():
                found |= copying.drafted(path, self.target / path.name)
        return found

    def take(self, draft: Draft) -> None:
        """Copy all of it, now that the server has stopped."""
        data = self.store.data()
        for left in {path.name for path in self.target.iterdir()} - {path.name for path in data}:
            copying.remove(self.target / left)
        for path in data:
            copying.copy(path, self.target / path.name, reflinks=self.reflinks, draft=draft)

    def pack(self) -> None:
        """Put an archive in its place."""
        packing.pack(self.target, self.target.with_name(f"{self.target.name}{ARCHIVE}"))
        shutil.rmtree(self.target)

    def record(self) -> StoreRecord:
        """Describe it, before it is packed."""
        copied = copying.measure([self.target])
        return StoreRecord(
            kind=self.store.kind.id,
            provider=self.store.provider,
            version=self.store.version,
            files=copied.files,
            size_bytes=copied.size_bytes,
            packed=not self.reflinks,
            admin=self.store.admin,
            migrations=self.store.migrations,
        )


def _needed(sizes: dict[str, DataSize], shared: dict[str, bool]) -> int:
    """Compute what the disk must have: the copies, and all of them once more while packed."""
    return 2 * sum(copied.size_bytes for store, copied in sizes.items() if not shared[store])


def _refuse_unsafe(kept: dict[str, LocalStore], *, fast: bool) -> None:
    problems = [
        Problem(
            store.name,
            "runs with --fast-stores, so its data is in memory alone; run `tarmac "
            "down`, then `tarmac up` without it",
        )
        for store in kept.values()
        if fast and store.rule.lost_when_fast
    ]
    if not kept:
        problems.append(Problem("snapshot", "no store of the system keeps data here"))
    if problems:
        raise BadInput(problems)
