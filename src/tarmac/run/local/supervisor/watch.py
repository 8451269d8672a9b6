"""Serves edits as they are saved: what `up --watch` adds to a running system.

Run by the supervisor's process. It only notices: what an edit means is found by `apply`, which
compares what would run with what runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import traceback
from collections.abc import Callable, Collection, Coroutine, Iterable
from pathlib import Path

from tarmac.base.errors import BadInput, TarmacError
from tarmac.project import lock
from tarmac.run.local.host.sources import is_part
from tarmac.run.local.process import bytecode
from tarmac.run.local.state.logs import LogFile
from tarmac.run.local.supervisor.results import ApplyResult
from tarmac.run.local.supervisor.supervisor import Supervisor

NAME = "watch"
#: Saves within so long of each other are one edit; an editor's write and rename take less.
STEP_MS, LONGEST_MS = 15, 300
#: How often to look whether the system has other folders now.
PLACES_CHECK_S = 1.0
#: How often to look for edits where the kernel does not tell of them.
POLL_MS = 300


class Watch:
    """Watches the files of one system; `run` until it is cancelled."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._log = LogFile(supervisor.home.logs / f"{NAME}.log")
        self._edited: asyncio.Queue[set[Path]] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._applying: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Apply each edit; watch other places when the system has others."""
        again = False
        try:
            while True:
                self._stop = asyncio.Event()
                folders, files = self._places()
                watching = [
                    asyncio.create_task(watcher) for watcher in self._watching(folders, files)
                ]
                if again:  # for edits between the last look and this one
                    await asyncio.sleep(0)
                    self._begin(self._apply(set()))
                again = True
                try:
                    while (folders, files) == self._places():
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(PLACES_CHECK_S):
                                edited = await self._edited.get()
                            # A newer edit does not wait for what an older one has started: `apply`
                            # gives it up. So each has a task of its own.
                            self._begin(self._apply(edited))
                finally:
                    self._stop.set()
                    await asyncio.gather(*watching, return_exceptions=True)
        finally:
            for task in self._applying:
                task.cancel()
            self._log.close()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._applying.add(task)
        task.add_done_callback(self._applying.discard)

    def _places(self) -> tuple[frozenset[Path], frozenset[Path]]:
        """List the folders that are watched whole, and single files."""
        now, options = self._supervisor.now, self._supervisor.options
        if now is None or options is None:
            return frozenset(), frozenset()
        sources = {Path(source) for node in now.plan.nodes for source in node.launch.sources}
        folders = frozenset(source for source in sources if source.is_dir())
        main = Path(options.file)
        named = {main, Path(lock.name_of(options.file)), *map(Path, now.system.included)}
        return folders, frozenset({*named, main.parent / ".env", *(sources - folders)})

    def _watching(
        self, folders: Iterable[Path], files: Collection[Path]
    ) -> list[Coroutine[None, None, None]]:
        below = tuple(folders)
        beside = {file.parent for file in files if file.parent.is_dir()}
        return [
            self._notice(below, lambda path: _is_part(path, below), recursive=True),
            # Not below them: the folder of tarmac.yaml may be that of a whole repository.
            self._notice(beside, files.__contains__, recursive=False),
        ]

    async def _notice(
        self, folders: Iterable[Path], wanted: Callable[[Path], bool], *, recursive: bool
    ) -> None:
        from watchfiles import awatch  # noqa: PLC0415 - only where it is asked for

        if not (places := tuple(folders)):
            return
        for polling in (False, True):
            try:
                async for found in awatch(
                    *places,
                    watch_filter=lambda _, path: wanted(Path(path)),
                    recursive=recursive,
                    debounce=LONGEST_MS,
                    step=STEP_MS,
                    stop_event=self._stop,
                    ignore_permission_denied=True,
                    force_polling=polling,
                    poll_delay_ms=POLL_MS,
                ):
                    self._edited.put_nowait({Path(path) for _, path in found})
                return
            except OSError as error:  # the kernel watches only so many folders for a user
                self._log.note(f"{error}; polling every {POLL_MS} ms instead")

    async def _apply(self, edited: set[Path]) -> None:
        began = time.monotonic()
        names = _named(edited, self._supervisor.home.root) or "meanwhile"
        for path in edited:
            bytecode.forget(path)
        try:
            applied = await self._supervisor.apply()
        except BadInput as error:
            self._log.note(f"edited {names}; not applied; fix this first:")
            for problem in error.problems:
                self._log.note(f"  {problem}")
        except Exception as error:  # noqa: BLE001 - reported in the log of the watch, whatever it is
            if not isinstance(error, TarmacError | OSError):
                traceback.print_exc()  # into the supervisor's own log
            self._log.note(f"edited {names}: {str(error) or type(error).__name__}")
        else:
            for line in _outcome(applied, time.monotonic() - began):
                self._log.note(f"edited {names}; {line}")


def _named(edited: set[Path], root: Path) -> str:
    """Name what was edited; a folder only where nothing in it was: it changes with its files."""
    told = {path for path in edited if not path.is_dir()} or edited
    return ", ".join(sorted(_short(path, root) for path in told))


def _is_part(path: Path, folders: Iterable[Path]) -> bool:
    below = (folder for folder in folders if path.is_relative_to(folder))
    return any(is_part(path.relative_to(folder)) for folder in below)


def _outcome(applied: ApplyResult, took_s: float) -> list[str]:
    lines = [
        f"{name}: new version failed to start ({why}); the previous instance keeps serving"
        for name, why in applied.failed.items()
    ]
    changed = (*applied.started, *applied.restarted)
    if changed:
        lines.append(f"{', '.join(changed)} reloaded after {took_s:.2f} s")
    if applied.stopped:
        lines.append(f"{', '.join(applied.stopped)} stopped")
    return lines


def _short(path: Path, root: Path) -> str:
    """Show a file as seen from the system's folder."""
    return os.path.relpath(path, root.parent.parent)
