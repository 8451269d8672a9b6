"""Backs up a store that runs, loses its data and restores it, as a drill asks; see `OPS`.

Requests come over the connection of `disturbances`. What a store's kind says is carried out;
nothing here knows a kind. All of it is for a copy that is deleted afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.errors import BadInput, MissingTool, Problem, TarmacError, did_you_mean
from tarmac.launch import Command, Sql, Text, reveal
from tarmac.local.process import commands
from tarmac.local.process.prepare import drop_for, folder_of
from tarmac.local.process.process import Process
from tarmac.local.process.spawn import Spawner
from tarmac.local.process.table import ProcessTable
from tarmac.local.stores import marks, sql
from tarmac.local.stores.marks import Rows
from tarmac.local.supervisor.remove import size_mb
from tarmac.local.supervisor.resolver import ResolvedSystem
from tarmac.plan.bindings import Bindings
from tarmac.stores.kind import ArchiveRule, StoreBackup, StoreKind

if TYPE_CHECKING:
    from tarmac.local.supervisor.supervisor import Supervisor

#: A server that was asked to archive is back and does so within this time.
START_S = 120.0
#: What follows a server that was killed has ended within this time.
FOLLOW_S = 10.0
#: What its processes still write to is deleted again and again for so long.
DELETE_S, POLL_S = 10.0, 0.05
#: The end of a command's output that is shown.
SHOWN_CHARACTERS = 2000


@dataclass
class _Store:
    """One store, how it is backed up, and what is known of its rows."""

    name: str
    url: Text
    backup: StoreBackup
    folder: Path
    #: Copies what changes.
    follower: asyncio.Task[None] | None = None
    #: Held down, until its data is restored.
    is_down: bool = False
    #: What stood there when it was asked for, and when the data was lost.
    earlier: Rows | None = None
    lost: Rows | None = None


class Recoveries:
    """The stores that one connection backs up and loses."""

    def __init__(self, supervisor: Supervisor, processes: ProcessTable, spawner: Spawner) -> None:
        self._supervisor = supervisor
        self._processes = processes
        self._spawner = spawner
        self._stores: dict[str, _Store] = {}
        #: {"op": ..., "name": STORE}
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "back-up": self._back_up,  # "every_s", "synchronous": see `ArchiveRule`
            "take-down-rows": self._take_down_rows,  # -> {"rows": n}: for `compare-rows`
            "lose-data": self._lose,  # kill it and delete its data; it stays down
            "data-size": self._data_size,  # -> {"mb": x}
            "restore-data": self._restore,  # from the backup, and let it start
            "compare-rows": self._compare,  # -> what of the rows is back
        }

    async def close(self) -> None:
        """Let what was lost start: empty, if it was not restored."""
        for store in self._stores.values():
            if store.follower is not None:
                store.follower.cancel()
            if store.is_down:
                self._let_up(store)

    async def _back_up(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        now = self._now()
        rule = ArchiveRule(request["every_s"], request["synchronous"])
        store = self._stores[name] = self._found(now, name, rule)
        backup = store.backup
        await self._run(store, backup.before)
        await sql.run(Sql(store.url, backup.archiving), now.secrets)
        if backup.restarts:
            await self._supervisor.restart_stopped([name])
            try:
                async with asyncio.timeout(START_S):
                    await self._processes.wait_ready(name)
            except TimeoutError:
                what = f"not ready {START_S:g} s after a start that has it archive"
                raise TarmacError(f"{name}: {what}; see `tarmac logs`") from None
        if backup.follow is not None:
            store.follower = asyncio.create_task(self._run(store, (backup.follow,)))
            await self._until(store, backup.followed)
        await self._run(store, backup.copy)
        if backup.confirming:
            await sql.run(Sql(store.url, backup.confirming), now.secrets)
            await self._until(store, backup.confirmed)
        return {}

    async def _take_down_rows(self, request: dict[str, Any]) -> dict[str, Any]:
        store = self._known(request)
        async with marks.rows(self._url(store)) as store.earlier:
            return {"rows": sum(map(len, store.earlier.values()))}

    async def _lose(self, request: dict[str, Any]) -> dict[str, Any]:
        store = self._known(request)
        process = self._processes.get(store.name)
        if not isinstance(process, Process):
            raise TarmacError(f"{store.name}: not kept running by Tarmac, so it cannot be lost")
        # Until it is dead no row may change, or what was there at the end would not be known.
        async with marks.rows(self._url(store), locked=True) as store.lost:
            store.is_down = True
            await process.hold_down()
        for path in self._data(store):
            await asyncio.to_thread(_delete, path)
        return {}

    async def _data_size(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"mb": sum(map(size_mb, self._data(self._known(request))))}

    async def _restore(self, request: dict[str, Any]) -> dict[str, Any]:
        store = self._known(request)
        if store.follower is not None:  # it ends with the server, once it has written all
            with contextlib.suppress(TarmacError, TimeoutError):
                async with asyncio.timeout(FOLLOW_S):
                    await store.follower
        await self._run(store, store.backup.restore)
        self._let_up(store)
        return {}

    async def _compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say of the rows before the loss how many there were, and which are not back.

        `changed` had been written since they were taken down: an archive may lack the last of
        them. `settled` had not, so that any backup has them.
        """
        store = self._known(request)
        earlier, lost = store.earlier, store.lost
        if earlier is None or lost is None:
            raise TarmacError(
                f"{store.name}: its rows were not taken down before its data was lost"
            )
        async with marks.rows(self._url(store)) as rows:
            missing = {
                table: before - rows.get(table, frozenset()) for table, before in lost.items()
            }
        settled = {table: gone & earlier.get(table, frozenset()) for table, gone in missing.items()}
        return {
            "tables": len(lost),
            "rows": sum(map(len, lost.values())),
            "changed": sum(len(gone - settled[table]) for table, gone in missing.items()),
            "settled": {table: len(gone) for table, gone in settled.items() if gone},
        }

    def _let_up(self, store: _Store) -> None:
        store.is_down = False
        if isinstance(process := self._processes.get(store.name), Process):
            process.let_up()

    def _now(self) -> ResolvedSystem:
        if (now := self._supervisor.now) is None:
            raise TarmacError("the system is still starting; try again")
        return now

    def _known(self, request: dict[str, Any]) -> _Store:
        if request["name"] not in self._stores:
            raise TarmacError(f"{request['name']}: no backup was taken; take one first")
        return self._stores[request["name"]]

    def _url(self, store: _Store) -> str:
        return reveal(store.url, self._now().secrets)

    def _data(self, store: _Store) -> Iterable[Path]:
        return (store.folder / name for name in store.backup.data)

    def _found(self, now: ResolvedSystem, name: str, rule: ArchiveRule) -> _Store:
        """Find how a store is backed up. Raises TarmacError."""
        bindings = Bindings(now.system, now.facts, now.kinds)
        able = [one for one, kind in bindings.here.items() if kind.backup and kind.sql_url]
        if name not in bindings.here:
            hint = did_you_mean(name, able)
            raise BadInput([Problem(name, f"no store that runs here; {hint}")])
        kind: StoreKind = bindings.kinds[name]
        context, offer = bindings.views[name], bindings.offer(name)
        backup = kind.backup(context, offer, rule) if kind.backup else None
        if backup is None or kind.sql_url is None:
            what = f"{kind.title} by provider '{offer.provider}' cannot be backed up here"
            raise BadInput([Problem(name, f"{what}; {did_you_mean(name, able)}")])
        folder = folder_of(self._supervisor.home, name, now.plan.node(name).launch)
        return _Store(name, kind.sql_url(context), backup, folder)

    async def _until(self, store: _Store, statements: tuple[Text, ...]) -> None:
        """Say statements until none of them fails. Raises TarmacError where that takes too long."""
        end = time.monotonic() + START_S
        while True:
            if store.follower is not None and store.follower.done():
                store.follower.result()
                raise TarmacError(f"{store.name}: what follows its changes has ended")
            try:
                return await sql.run(Sql(store.url, statements), self._now().secrets)
            except TarmacError:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(POLL_S)

    async def _run(self, store: _Store, wanted: Iterable[Command]) -> None:
        now = self._now()
        env = {name: reveal(value, now.secrets) for name, value in store.backup.env.items()}
        for command in wanted:
            try:
                status, output = await commands.run(
                    self._spawner,
                    command.argv,
                    env={**os.environ, **env},
                    cwd=store.folder,
                    drop=drop_for(now.plan.node(store.name).launch),
                )
            except FileNotFoundError:
                raise MissingTool(
                    f"{command.argv[0]}: not found; install it beside the store's server"
                ) from None
            if status != 0:
                shown = output.decode("utf-8", "replace").strip()[-SHOWN_CHARACTERS:]
                raise TarmacError(f"{store.name}: {command.argv[0]} ended with {status}\n{shown}")


def _delete(path: Path) -> None:
    """Delete a file or folder, also one that a process that is about to end still writes to."""
    doomed = path.with_name(f".{path.name}.lost")
    path.rename(doomed)
    end = time.monotonic() + DELETE_S
    while doomed.exists() and time.monotonic() < end:
        shutil.rmtree(doomed, ignore_errors=True) if doomed.is_dir() else doomed.unlink()
        time.sleep(POLL_S)
