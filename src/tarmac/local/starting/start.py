"""Starts a node's process: forked from a preloaded interpreter where possible, else by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tarmac.local import bytecode
from tarmac.local.home.logs import LogFile, Output
from tarmac.local.nodes.prepare import drop_for
from tarmac.local.nodes.surroundings import Surroundings
from tarmac.local.starting.forks import CannotFork
from tarmac.local.starting.spawn import Running
from tarmac.plan.plan import Node


async def start(
    node: Node,
    around: Surroundings,
    *,
    env: Mapping[str, str],
    cwd: Path,
    folder: Path,
    log: LogFile,
) -> tuple[Running, Output]:
    """Start the program; what it prints goes to the log.

    Raises:
        OSError: it could not be executed.
    """
    launch = node.launch
    bytecode.forget_stale(launch.sources)
    output = Output(log)
    await output.start()
    try:
        if launch.forked is not None:
            try:
                running = await around.forks.spawn(
                    node.name, launch.forked, env=env, cwd=cwd, output=output.write_end
                )
                return running, output
            except CannotFork as error:
                log.note(f"started by itself: {error}")
        running = await around.spawner.spawn(
            node.name,
            [part.replace("{folder}", str(folder)) for part in launch.argv],
            env=env,
            cwd=cwd,
            output=output.write_end,
            drop=drop_for(launch),
        )
        return running, output
    finally:
        output.handed_over()
