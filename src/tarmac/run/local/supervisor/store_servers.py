"""What a drill does to the servers of stores that run here; used by `recoveries`, `replications`.

What a store's kind says is carried out; nothing here knows a kind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError, did_you_mean
from tarmac.base.launch import Command, Text, reveal
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, StoreKind
from tarmac.run.local.process import commands
from tarmac.run.local.process.prepare import drop_for, folder_of
from tarmac.run.local.process.process import Process
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.process.table import ProcessTable
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor.resolver import ResolvedSystem

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.supervisor import Supervisor

#: A server that was started, or has to catch up, does so within this time.
START_S = 120.0
#: A server that is asked something answers within this time.
ANSWER_S = 10.0
#: What its processes still write to is deleted again and again for so long.
DELETE_S, POLL_S = 10.0, 0.05
#: The end of a command's output that is shown.
SHOWN_CHARACTERS = 2000

How = TypeVar("How")


@dataclass(frozen=True)
class StoreServer(Generic[How]):
    """One store's server, and what its kind says of how something is done with it."""

    name: str
    #: Its administrator's.
    url: Text
    folder: Path
    how: How


class StoreServers:
    """The stores of one system as it runs now."""

    def __init__(self, supervisor: Supervisor, processes: ProcessTable, spawner: Spawner) -> None:
        self._supervisor = supervisor
        self._processes = processes
        self._spawner = spawner

    @property
    def now(self) -> ResolvedSystem:
        """What runs. Raises TarmacError while it starts."""
        return self._supervisor.required()

    def find(
        self,
        name: str,
        how: Callable[[StoreKind, StoreContext, ProviderCandidate], How | None],
        *,
        able: Callable[[StoreKind], object],
        what: str,
    ) -> StoreServer[How]:
        """Find a store's server and how something is done with it. Raises BadInput.

        Args:
            how: asks its kind.
            able: tells whether some candidate of a kind can.
            what: what is done, for a reader: `backed up`.
        """
        now = self.now
        bindings = now.bindings
        others = [one for one, kind in bindings.here.items() if able(kind)]
        if name not in bindings.here:
            hint = did_you_mean(name, others)
            raise BadInput([Problem(name, f"no running store; {hint}")])
        kind: StoreKind = bindings.kinds[name]
        context, offer = bindings.views[name], bindings.offer(name)
        found = how(kind, context, offer)
        # The administrator's has no user's name.
        urls = [access.urls.get("") for access in now.plan.access if access.store == name]
        if found is None or not urls or (url := urls[0]) is None:
            cannot = f"{kind.title} by provider '{offer.provider}' cannot be {what} here"
            raise BadInput([Problem(name, f"{cannot}; {did_you_mean(name, others)}")])
        folder = folder_of(self._supervisor.home, name, now.plan.node(name).launch)
        return StoreServer(name, url, folder, found)

    def process(self, name: str) -> Process:
        """Find what keeps a store's server running. Raises TarmacError."""
        process = self._processes.get(name)
        if not isinstance(process, Process):
            raise TarmacError(f"{name}: not kept running by Tarmac, so a drill cannot stop it")
        return process

    def url(self, server: StoreServer[How]) -> str:
        """Write the URL of its administrator, with the password."""
        return reveal(server.url, self.now.secrets)

    async def restart(self, name: str) -> None:
        """Start a server again, and wait until it serves. Raises TarmacError."""
        await self._supervisor.restart_stopped([name])
        try:
            async with asyncio.timeout(START_S):
                await self._processes.wait_ready(name)
        except TimeoutError:
            what = f"not ready {START_S:g} s after a start that has it archive"
            raise TarmacError(f"{name}: {what}; see `tarmac logs`") from None

    async def say(self, server: StoreServer[How], statements: Iterable[Text]) -> None:
        """Say statements to it. Raises TarmacError where it refuses one."""
        await contents.say(server.url, statements, self.now.secrets)

    async def ask(self, server: StoreServer[How], query: Text) -> Sequence[Any]:
        """Ask it something; returns the rows. Raises TarmacError where it does not answer."""
        async with contents.asking(server.name, self.url(server), within_s=ANSWER_S) as connection:
            rows: Sequence[Any] = await connection.fetch(reveal(query, self.now.secrets))
            return rows

    async def say_until_true(
        self,
        server: StoreServer[How],
        statements: Iterable[Text],
        still: Callable[[], None] = lambda: None,
    ) -> None:
        """Say statements until none of them fails. Raises TarmacError where that takes too long.

        Args:
            still: raises TarmacError where they never will.
        """
        end = time.monotonic() + START_S
        while True:
            still()
            try:
                return await self.say(server, statements)
            except TarmacError:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(POLL_S)

    async def run(
        self, server: StoreServer[How], wanted: Iterable[Command], env: Mapping[str, Text]
    ) -> None:
        """Run commands in a server's folder, as its user. Raises TarmacError."""
        now = self.now
        values = {name: reveal(value, now.secrets) for name, value in env.items()}
        for command in wanted:
            try:
                status, output = await commands.run(
                    self._spawner,
                    command.argv,
                    env={**os.environ, **values},
                    cwd=server.folder,
                    drop=drop_for(now.plan.node(server.name).launch),
                )
            except FileNotFoundError:
                raise MissingTool(
                    f"{command.argv[0]}: not found; install it beside the store's server"
                ) from None
            if status != 0:
                shown = output.decode("utf-8", "replace").strip()[-SHOWN_CHARACTERS:]
                what = f"{command.argv[0]} ended with {status}"
                raise TarmacError(f"{server.name}: {what}\n{shown}")


async def delete(paths: Iterable[Path]) -> None:
    """Delete files or folders, also those that a process that is about to end still writes to."""
    for path in filter(Path.exists, paths):
        await asyncio.to_thread(_delete, path)


def _delete(path: Path) -> None:
    doomed = path.with_name(f".{path.name}.lost")
    path.rename(doomed)
    end = time.monotonic() + DELETE_S
    while doomed.exists() and time.monotonic() < end:
        shutil.rmtree(doomed, ignore_errors=True) if doomed.is_dir() else doomed.unlink()
        time.sleep(POLL_S)
