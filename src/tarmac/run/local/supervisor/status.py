"""The state of a namespace, as every reading verb has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState

#: For a start whose probes take no longer.
STARTUP_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Status:
    """The state of a namespace."""

    running: bool
    system: str
    file: str
    namespace: str
    nodes: tuple[NodeState, ...]
    notes: tuple[str, ...]
    #: Seconds after which a node that is not ready never will be.
    startup_timeout_s: float = STARTUP_TIMEOUT_S
    #: The link of the dashboard; empty without one.
    dashboard: str = ""
    #: Services and stores that are off.
    off: tuple[str, ...] = ()
    #: The group of each service that has one.
    groups: Mapping[str, str] = field(default_factory=dict)
    #: The names of each service's commands, which `tarmac run SERVICE NAME` runs.
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Which folders run in place of included repositories, in words.
    replaced: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether every node is as it should be."""
        return (
            self.running
            and bool(self.nodes)
            and all(node.state in state.WELL for node in self.counted)
        )

    @property
    def does_tasks(self) -> bool:
        """Whether a task runs now, as an installation of packages does."""
        return any(node.role == "task" and node.state == state.STARTING for node in self.nodes)

    @property
    def counted(self) -> tuple[NodeState, ...]:
        """The nodes that tell how the system is: no task of a service that was left out.

        It runs, because others may wait for what it installs; what it lacks does not count.
        """
        left_out = {node.name for node in self.nodes if node.state in (state.OUTSIDE, state.OFF)}
        return tuple(
            node
            for node in self.nodes
            if node.role != "task" or node.name.rpartition(".")[0] not in left_out
        )

    def group_of(self, node: NodeState) -> str:
        """Return the group of a node's service; empty without one."""
        return self.groups.get(node.name.partition(".")[0], "")

    def of_group(self, group: str) -> Status:
        """Return the status of one group alone."""
        nodes = tuple(node for node in self.nodes if self.group_of(node) == group)
        return replace(
            self,
            nodes=nodes,
            off=tuple(n for n in self.off if n in self.groups and self.groups[n] == group),
        )

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        return {
            "system": self.system,
            "namespace": self.namespace,
            "file": self.file,
            "running": self.running,
            "healthy": self.healthy,
            "notes": list(self.notes),
            "dashboard": self.dashboard,
            "off": list(self.off),
            "groups": dict(self.groups),
            "commands": {name: list(commands) for name, commands in self.commands.items()},
            "replaced": list(self.replaced),
            "nodes": [
                {key: value for key, value in asdict(node).items() if key != "position"}
                for node in self.nodes
            ],
        }
