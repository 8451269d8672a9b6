"""The `Target` of a system with Docker Compose: its containers are its instances.

Faults that need the runtime of this machine (wires, limits, clocks) are not possible there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.base.target import Instance, ProcessId
from tarmac.run.compose.containers import Container
from tarmac.run.compose.running import ComposedSystem
from tarmac.run.undoing import UndoProcess

KIND = "compose"
REPLACED_WITHIN_S = 300.0
POLL_S = 0.1
ENDED_WITHIN_S = 60.0
SIGNALS = ("SIGKILL", "SIGTERM")


@dataclass(frozen=True)
class ComposeTarget:
    """A system with one daemon; what is disturbed is undone with its undo process."""

    running: ComposedSystem
    undo: UndoProcess
    #: Where visitors find each service.
    entries: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Name it in evidence."""
        return KIND

    def note(self, what: str) -> None:
        """Say nothing: there is no timeline."""

    def instances(self) -> tuple[Instance, ...]:
        """List every container as it is now: the first is called like its service."""
        roles = {one.name: one.role for one in self.running.plan.workloads}
        return tuple(
            Instance(name, roles[one.service], _state(one), one.pid or None, one.restarts)
            for name, one in self._containers().items()
        )

    def urls(self) -> Mapping[str, str]:
        """Return where visitors find each service."""
        return self.entries

    def find(self, name: str) -> tuple[str, ...]:
        """List the instances of a service or a store. Raises BadInput."""
        workloads = {workload.name for workload in self.running.plan.workloads}
        if name not in workloads:
            raise BadInput([Problem(name, f"no service or store; {did_you_mean(name, workloads)}")])
        return tuple(one for one, found in self._containers().items() if found.service == name)

    def send(self, names: Collection[str], signal: str) -> Mapping[str, ProcessId]:
        """End containers by a signal and start them again; returns the pids that ran.

        Docker takes a signal by its client for the wish that the container stay away, so what its
        restart policy does after a crash is done here.
        """
        if signal not in SIGNALS:
            raise BadInput([Problem(signal, f"containers take {' or '.join(SIGNALS)} alone")])
        chosen = [one for one in self._chosen(names) if one.pid]
        for one in chosen:
            self.undo.add(f"down {one.id}", "start", one.id)
        if chosen:
            self._end(chosen, signal)
        for one in chosen:
            self.undo.run(f"down {one.id}")
        return {name: one.pid for name, one in self._named(chosen)}

    def hold_down(self, names: Collection[str]) -> None:
        """Kill containers; none is started before `let_up`."""
        chosen = self._chosen(names)
        for one in chosen:
            self.undo.add(f"down {one.id}", "start", one.id)
        if running := [one for one in chosen if one.pid]:
            self._end(running, "SIGKILL")

    def let_up(self, names: Collection[str]) -> None:
        """Start them again."""
        for one in self._chosen(names):
            self.undo.run(f"down {one.id}")

    def restart(self, names: Collection[str]) -> None:
        """Replace services' containers as a deployment does, and wait for the new ones."""
        services = sorted({one.service for one in self._chosen(names)})
        states, failed = self.running.restart(services, REPLACED_WITHIN_S)
        late = [one.name for one in states if one.name in services and not one.ready]
        late += [name for name in failed if name not in late]
        if late:
            raise TarmacError(f"not replaced within {REPLACED_WITHIN_S:g} s: {', '.join(late)}")

    def pause(self, names: Collection[str]) -> Mapping[str, Collection[int]]:
        """Stop containers where they are, with all that they have started; returns the pids."""
        chosen = self._chosen(names)
        pids = {name: self._pids(one) for name, one in self._named(chosen)}
        for one in chosen:
            self.undo.add(f"paused {one.id}", "unpause", one.id)
            self.running.docker.run("pause", one.id)
        return pids

    def moving(self, names: Collection[str]) -> Collection[str]:
        """List those of them that are not stopped (any more)."""
        found = self._containers()
        return [name for name in names if name in found and found[name].state != "paused"]

    def resume(self, names: Collection[str]) -> None:
        """Let them go on."""
        for one in self._chosen(names):
            self.undo.run(f"paused {one.id}")

    def scale(self, service: str, instances: int) -> None:
        """Run so many containers of a service; it does not wait until they serve."""
        before = len(self.find(service))
        self.undo.add(f"scale {service}", *self.running.project.scaling(service, before))
        self.running.docker.run(*self.running.project.scaling(service, instances))

    def disconnect(self, names: Collection[str]) -> None:
        """Take containers off every network; they run on, and nothing reaches them."""
        for one in self._chosen(names):
            for network, aliases in one.aliases.items():
                named = [part for alias in aliases for part in ("--alias", alias)]
                back = ("network", "connect", *named, network, one.id)
                self.undo.add(f"off {network} {one.id}", *back)
                self.running.docker.run("network", "disconnect", network, one.id)

    def connected(self, names: Collection[str]) -> Collection[str]:
        """List those of them that are on a network."""
        found = self._containers()
        return [name for name in names if name in found and found[name].networks]

    def reconnect(self, names: Collection[str]) -> None:
        """Put them back on their networks, under the names that they had there."""
        for one in self._chosen(names):
            for network in self.running.networks(one.service):
                self.undo.run(f"off {network} {one.id}")

    def _containers(self) -> dict[str, Container]:
        known = {workload.name for workload in self.running.plan.workloads}
        found: dict[str, Container] = {}
        for one in self.running.containers():
            if one.service in known:
                many = sum(other.service == one.service for other in found.values())
                found[f"{one.service}.{many + 1}" if many else one.service] = one
        return found

    def _named(self, chosen: Collection[Container]) -> list[tuple[str, Container]]:
        ids = {one.id for one in chosen}
        named = self._containers().items()
        before = {one.id: one for one in chosen}
        return [(name, before[one.id]) for name, one in named if one.id in ids]

    def _chosen(self, names: Collection[str]) -> list[Container]:
        found = self._containers()
        return [found[name] for name in names if name in found]

    def _pids(self, one: Container) -> tuple[int, ...]:
        listed = self.running.docker.lines("top", one.id, "-eo", "pid")
        return tuple(int(line) for line in listed[1:])

    def _end(self, chosen: Collection[Container], signal: str) -> None:
        """Send a signal, and wait until the processes have ended. Raises TarmacError."""
        ids = {one.id for one in chosen}
        self.running.docker.run("kill", f"--signal={signal}", *sorted(ids))
        end = time.monotonic() + ENDED_WITHIN_S
        while left := [o.name for o in self.running.containers() if o.id in ids and o.pid]:
            if time.monotonic() > end:
                raise TarmacError(f"not ended within {ENDED_WITHIN_S:g} s: {', '.join(left)}")
            time.sleep(POLL_S)


def _state(one: Container) -> str:
    if one.serves:
        return one.health or "running"
    return one.detail
