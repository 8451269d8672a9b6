"""Saves a snapshot: the data folders of all stores, copied while no server writes to them.

What any store had accepted before all of them had stopped is in it, and nothing else: a store that
has stopped accepts nothing, so no effect is there without its cause.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.snapshots import copying, library, local_stores, packing
from tarmac.run.local.snapshots.copying import SPARE_BYTES, Copied
from tarmac.run.local.snapshots.library import Library, Snapshot
from tarmac.run.local.snapshots.local_stores import LocalStore
from tarmac.run.local.snapshots.manifest import Manifest, StoreRecord
from tarmac.run.local.state.paths import Home

#: Stops these stores for the length of a block, and has them serve again.
Stopped = Callable[[Collection[str]], AbstractContextManager[None]]
ARCHIVE = ".tar.gz"


def save(
    home: Home, name: str, stopped: Stopped, *, force: bool = False, before: str = ""
) -> Snapshot:
    """Save all stores of a copy under a name.

    Args:
        stopped: stops the stores where the system runs.
        force: replace a snapshot of that name.
        before: the verb that it is taken before, by itself.

    Raises:
        BadInput: the name, the stores or the disk do not allow it; nothing has changed then.
    """
    books = Library.of(home)
    books.require_free(name, force=force)
    found = local_stores.stores_of(home)
    kept = {store.name: store for store in found.here.values() if not store.rule.is_empty}
    _refuse_unsafe(kept, fast=found.fast)
    with books.locked():
        books.require_free(name, force=force)
        sizes = {store.name: copying.measure(store.data()) for store in kept.values()}
        with books.new(name) as partial:
            shared = {
                store.name: copying.has_reflinks(store.folder, partial) for store in kept.values()
            }
            copying.require_room(books.folder, _needed(sizes, shared), "the snapshot")
            began = time.monotonic()
            with stopped(sorted(kept)):
                sizes = {
                    store.name: _copy(store, partial, reflinks=shared[store.name])
                    for store in kept.values()
                }
            pause_s = time.monotonic() - began
            for store in kept:
                if not shared[store]:
                    packing.pack(partial / store, partial / f"{store}{ARCHIVE}")
                    shutil.rmtree(partial / store)
            records = {
                store.name: StoreRecord(
                    store.kind.id,
                    store.provider,
                    store.version,
                    sizes[store.name].files,
                    sizes[store.name].size_bytes,
                    not shared[store.name],
                    store.admin,
                )
                for store in kept.values()
            }
            manifest = Manifest(
                name=name,
                system=found.system,
                namespace=home.root.name,
                taken_at=library.now(),
                before=before,
                stores=records,
                left=found.left,
                pause_s=round(pause_s, 3),
            )
            return books.commit(partial, manifest)


def _copy(store: LocalStore, partial: Path, *, reflinks: bool) -> Copied:
    target = partial / store.name
    target.mkdir(mode=0o700)
    data = store.data()
    for path in data:
        copying.copy(path, target / path.name, reflinks=reflinks)
    return copying.measure(data)


def _needed(sizes: dict[str, Copied], shared: dict[str, bool]) -> int:
    """Compute what the disk must have: all copies, and the largest once more while it is packed."""
    copied = [copied.size_bytes for store, copied in sizes.items() if not shared[store]]
    return sum(copied) + max(copied, default=0) + (SPARE_BYTES if copied else 0)


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
