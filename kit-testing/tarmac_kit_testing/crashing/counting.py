"""Counts the steps of one process, and ends it at one of them.

Made by a World for each service; the memory is shared with the process that hosts it, so that the
count is known after it has died. It runs nothing at the end: no `finally`, no flush, no goodbye.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tarmac_kit.pooled import PooledConnection
from tarmac_kit.steps import Side, step

#: The exit code of a process that ended at its step.
CRASHED = 77
#: Room for the words of some thousand steps; what does not fit is dropped.
_SIZE = 2**20
_HEAD = struct.Struct("qq")
#: So much of a statement says which one it is.
_SHOWN = 90
#: What asyncpg and its pool ask for themselves: they change nothing, and when is their affair.
_OWN = (
    "SELECT pg_advisory_unlock_all()",
    "SELECT current_setting('jit')",
    "SELECT set_config('jit'",
    "WITH RECURSIVE typeinfo_tree(",
)


class StepCounter:
    """The steps that a process has taken since it was armed."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)
        self._die_at = 0
        self._only = ""
        self._fit = 0

    @property
    def count(self) -> int:
        """How many steps were taken, both sides counted."""
        return int(_HEAD.unpack_from(self._memory)[0])

    @property
    def words(self) -> tuple[str, ...]:
        """What each of them was, as far as there is room."""
        end = _HEAD.size + _HEAD.unpack_from(self._memory)[1]
        text = bytes(self._memory[_HEAD.size : end]).decode("utf-8", "replace")
        return tuple(text.split("\n")[:-1])

    def arm(self, die_at: int, only: str = "") -> None:
        """Count from nothing, and end the process at step `die_at`; 0 is never.

        Args:
            only: a regular expression; it is the `die_at`th of the steps that it is found in. How
                often a sweep looks in between differs from run to run, and is not counted then.
        """
        _HEAD.pack_into(self._memory, 0, 0, 0)
        self._die_at, self._only, self._fit = die_at, only, 0

    def disarm(self) -> None:
        """Go on counting, and end at no step."""
        self._die_at = 0

    def __call__(self, side: Side, what: str) -> None:
        """Count one side of one step; the observer of `tarmac_kit.steps`."""
        count, used = _HEAD.unpack_from(self._memory)
        text = f"{side} {what}\n".encode()
        begin = _HEAD.size + used
        if begin + len(text) <= _SIZE:
            self._memory[begin : begin + len(text)] = text
            used += len(text)
        _HEAD.pack_into(self._memory, 0, count + 1, used)
        if self._die_at and re.search(self._only, text.decode()):
            self._fit += 1
            if self._fit == self._die_at:
                os._exit(CRASHED)


class _Protocol:
    """asyncpg's protocol, with a step around all that reaches the server."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol, name)

    async def query(self, query: str, timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's
        with _statement(query):
            return await self._protocol.query(query, timeout)

    async def bind_execute(self, state: Any, *args: Any, **options: Any) -> Any:
        with _statement(state.query):
            return await self._protocol.bind_execute(state, *args, **options)

    async def bind_execute_many(self, state: Any, *args: Any, **options: Any) -> Any:
        with _statement(state.query):
            return await self._protocol.bind_execute_many(state, *args, **options)

    async def copy_in(self, statement: str, *args: Any, **options: Any) -> Any:
        with _statement(statement):
            return await self._protocol.copy_in(statement, *args, **options)


class CountedConnection(PooledConnection):
    """A connection whose statements are steps, those that begin and end transactions too."""

    def __init__(self, protocol: Any, *args: Any, **options: Any) -> None:
        super().__init__(_Protocol(protocol), *args, **options)  # type: ignore[arg-type]


def _statement(query: str) -> AbstractContextManager[None]:
    words = " ".join(query.split())
    return nullcontext() if words.startswith(_OWN) else step(f"sql {words[:_SHOWN]}")
