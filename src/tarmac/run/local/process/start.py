"""Starts a node's process: forked from a preloaded interpreter where possible, else by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tarmac.base.launch import Launch
from tarmac.plan.plan import Node
from tarmac.run.local.host import layers
from tarmac.run.local.host.hosts_file import hosts_file
from tarmac.run.local.process import bytecode, written
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.forks import CannotFork
from tarmac.run.local.process.prepare import drop_for
from tarmac.run.local.process.spawn import RunningProcess
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.logs import LogFile, Output


async def start(
    node: Node,
    context: ProcessContext,
    *,
    env: Mapping[str, str],
    cwd: Path,
    folder: Path,
    log: LogFile,
) -> tuple[RunningProcess, Output]:
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
                running = await context.forks.spawn(
                    node.name, launch.forked, env=env, cwd=cwd, output=output.write_end
                )
                return running, output
            except CannotFork as error:
                log.note(f"started by itself: {error}")
        argv = tuple(part.replace("{folder}", str(folder)) for part in launch.argv)
        if launch.writable is not None:
            layer = written.begin(context.home, node, cwd)
            argv = layers.command(layer, cwd, launch.writable, argv)
        running = await context.spawner.spawn(
            node.name,
            argv,
            env=env,
            cwd=cwd,
            output=output.write_end,
            drop=drop_for(launch),
            hosts=_hosts(launch, folder) if launch.hosts else None,
        )
        return running, output
    finally:
        output.handed_over()


def _hosts(launch: Launch, folder: Path) -> Path:
    path = folder / "hosts"
    write_atomically(path, hosts_file(launch.hosts), 0o644)
    return path
