"""Loads a snapshot: its data is written beside that of the stores, then takes its place.

The change is a rename for each store. Before the first one a marker says which; whatever dies in
between, the next start or the next verb completes them: a copy has the old data or the new.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.host.guard import UNPRIVILEGED_UID
from tarmac.run.local.process.prepare import LOADED
from tarmac.run.local.snapshots import copying, exchange, local_stores, packing, sealing
from tarmac.run.local.snapshots.exchange import Exchange
from tarmac.run.local.snapshots.library import Library, Snapshot
from tarmac.run.local.snapshots.local_stores import LocalStore, LocalStores
from tarmac.run.local.snapshots.manifest import StoreRecord
from tarmac.run.local.snapshots.saving import ARCHIVE, StoreStop
from tarmac.run.local.state.paths import Home


def load(
    home: Home, name: str, stopped: StoreStop, *, force: bool = False
) -> tuple[Snapshot, list[str]]:
    """Give the stores of a copy the data of a snapshot.

    Args:
        stopped: stops the stores where the system runs.
        force: load also data with migrations that this copy has not had.

    Returns:
        The snapshot, and the stores that have had migrations since.

    Raises:
        BadInput: the snapshot does not fit, or the disk is too small; nothing has changed then.
    """
    snapshots = Library.of(home)
    with snapshots.locked():
        snapshot = snapshots.find(name)
        found = stopped.asked(local_stores.stores_of(home))
        check(snapshot, found, force=force)
        place(home, snapshot, found.here, stopped)
        return snapshot, older(snapshot, found)


def place(
    home: Home, snapshot: Snapshot, stores: Mapping[str, LocalStore], stopped: StoreStop
) -> None:
    """Write a snapshot's data beside that of these stores, then exchange both."""
    exchange.finish(home)
    held = snapshot.manifest.stores
    exchanges = {name: Exchange(stores[name].folder) for name in held}
    try:
        _stage(snapshot, stores, exchanges)
        sealing.stage(home, snapshot.folder, stores)
        with stopped(sorted(stores)):
            exchange.begin(home, {name: stores[name].is_outside for name in held})
            exchange.complete(home)
    finally:
        exchange.sweep(home)


def check(snapshot: Snapshot, found: LocalStores, *, force: bool = False) -> None:
    """Refuse a snapshot that these stores cannot go on with. Raises BadInput with every reason."""
    manifest = snapshot.manifest
    problems = []
    if manifest.system != found.system:
        what = f"a snapshot of the system '{manifest.system}', not of '{found.system}'"
        problems.append(Problem(manifest.name, f"{what}; load it there"))
    kept = {name: store for name, store in found.here.items() if not store.rule.is_empty}
    for name in sorted(manifest.stores.keys() - kept.keys()):
        what = "is in the snapshot, and did not run here; start it with `tarmac up`"
        problems.append(Problem(name, what))
    for name in sorted(kept.keys() - manifest.stores.keys()):
        what = f"is not in the snapshot '{manifest.name}'"
        advice = "save another one, or leave the store out of tarmac.yaml"
        problems.append(Problem(name, f"{what}; {advice}"))
    both = sorted(manifest.stores.keys() & kept.keys())
    misfits = {name: misfit(manifest.stores[name], kept[name]) for name in both}
    problems += [Problem(name, why) for name, why in misfits.items() if why]
    for name in both if not force else ():
        if newer := missing(kept[name].migrations, manifest.stores[name].migrations):
            what = f"the snapshot has migrations that this copy has not had ({newer[0]})"
            advice = "use the code that brings them, or pass --force"
            problems.append(Problem(name, f"{what}; {advice}"))
    if problems:
        raise BadInput(problems)


def missing(had: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    """List migrations of others that a store has not had; none where either was not asked."""
    return sorted(set(others) - set(had)) if had else []


def older(snapshot: Snapshot, found: LocalStores) -> list[str]:
    """Name the stores that have had migrations since a snapshot."""
    records = snapshot.manifest.stores
    return [
        name
        for name, store in found.here.items()
        if name in records and missing(records[name].migrations, store.migrations)
    ]


def misfit(record: StoreRecord, store: LocalStore) -> str:
    """Say why a store's server cannot go on with data of a snapshot; empty where it can."""
    was = f"{record.kind} {record.version} by provider '{record.provider}'"
    now = f"{store.kind.id} {store.version} by provider '{store.provider}'"
    numbers = [
        version.split(".")[: store.rule.same_numbers] for version in (record.version, store.version)
    ]
    same = (record.kind, record.provider) == (store.kind.id, store.provider)
    if not same or numbers[0] != numbers[1]:
        advice = "run that version, or carry the data over with the store's own dump"
        return f"the snapshot is of {was}, here is {now}; {advice}"
    if store.rule.keeps_password and store.admin not in ("", record.admin):
        what = f"the data of {store.kind.title} holds the password of the copy it was saved in"
        return f"{what}, and here is another one; use the store's own dump"
    return ""


def _stage(
    snapshot: Snapshot, stores: Mapping[str, LocalStore], exchanges: Mapping[str, Exchange]
) -> None:
    by_parent: dict[Path, int] = {}
    shared: dict[str, bool] = {}
    for name, record in snapshot.manifest.stores.items():
        parent = exchanges[name].folder.parent
        parent.mkdir(mode=0o711 if stores[name].is_outside else 0o700, parents=True, exist_ok=True)
        source = snapshot.folder / name
        shared[name] = not record.packed and copying.has_reflinks(source, parent)
        by_parent[parent] = by_parent.get(parent, 0) + (0 if shared[name] else record.size_bytes)
    for parent, size_bytes in by_parent.items():
        copying.require_room(parent, size_bytes, "the data")

    def write(name: str) -> None:
        record, store, new = snapshot.manifest.stores[name], stores[name], exchanges[name].new
        if record.packed:
            packing.unpack(snapshot.folder / f"{name}{ARCHIVE}", new, record.size)
        else:
            copying.copy(snapshot.folder / name, new, reflinks=shared[name])
        same_password = record.admin == store.admin != ""
        if not same_password and not store.rule.keeps_password:
            (new / LOADED).touch(mode=0o600)
        if os.geteuid() == 0 and store.provider != "docker":
            copying.give(new, UNPRIVILEGED_UID if store.is_outside else 0)

    copying.on_all(write, snapshot.manifest.stores)
