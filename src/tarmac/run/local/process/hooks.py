"""What a service runs after its start and before its end: commands within a limit.

They run in the service's folder and environment, and what they print goes into its log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.launch import Hook
from tarmac.run.local.process import commands
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.state.logs import LogFile


@dataclass(frozen=True)
class HookPlace:
    """Where the hooks of one process run, and what starts them."""

    env: Mapping[str, str]
    cwd: Path
    spawner: Spawner
    log: LogFile


async def run(hook: Hook | None, place: HookPlace, at_most_s: float | None = None) -> str:
    """Run a hook to its end.

    Args:
        at_most_s: less time than the hook's own.

    Returns:
        Why it failed, in a few words; empty where it ended with 0, or there is none.
    """
    if hook is None:
        return ""
    within_s = hook.within_s if at_most_s is None else min(hook.within_s, max(0.0, at_most_s))
    place.log.note(f"{hook.name}: {' '.join(hook.argv)}")
    try:
        async with asyncio.timeout(within_s):
            status, printed = await commands.run(
                place.spawner, hook.argv, env=place.env, cwd=place.cwd
            )
    except TimeoutError:
        return f"{hook.name} did not end within {within_s:g} s"
    except OSError as error:
        return f"{hook.name} could not be started: {error}"
    lines = printed.decode("utf-8", "replace").splitlines()
    for line in lines:
        place.log.note(f"{hook.name}: {line}")
    last = f": {lines[-1].strip()[:200]}" if lines else ""
    return f"{hook.name} ended with {status}{last}" if status else ""


async def first_failure(*waits: Coroutine[object, object, str]) -> str:
    """Wait for all, or for the first that returns why it failed; return that, or nothing."""
    tasks = {asyncio.create_task(wait) for wait in waits}
    try:
        for next_one in asyncio.as_completed(tasks):
            if failure := await next_one:
                return failure
        return ""
    finally:
        for task in tasks:
            task.cancel()
