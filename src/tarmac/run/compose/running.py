"""A system as Docker Compose runs it: its workloads and their containers, as they are now.

Used by the verbs that look at a system with `--target compose`, and by drills there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tarmac.base.errors import check_names
from tarmac.model.edge import ENTRY
from tarmac.plan.cluster import ClusterPlan
from tarmac.run.compose import containers as c
from tarmac.run.compose import docker as clients
from tarmac.run.compose.causes import Cause, causes
from tarmac.run.compose.containers import Container
from tarmac.run.compose.docker import Docker
from tarmac.run.compose.project import Project
from tarmac.run.compose.release import Release
from tarmac.run.compose.succession import can_overlap, hand_over, withdraw

POLL_S = 1.0
_LINE = re.compile(r"(?P<name>\S+) +\| (?P<at>\S+) ?(?P<text>.*)")


@dataclass(frozen=True)
class WorkloadState:
    """One workload of the plan, or what sets one up."""

    name: str
    role: str
    ready: bool
    #: `1 of 1 ready`.
    detail: str
    containers: tuple[Container, ...]
    #: Why it is not ready.
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class ComposedSystem:
    """A system with one daemon."""

    project: Project
    plan: ClusterPlan

    @property
    def docker(self) -> Docker:
        """What reaches the daemon."""
        return self.project.docker

    @property
    def release(self) -> Release:
        """What is deployed."""
        return self.project.release

    def containers(self) -> tuple[Container, ...]:
        """List all its containers. Raises Refusal."""
        return c.listed(self.docker, self.release.project)

    def look(self) -> tuple[WorkloadState, ...]:
        """Read the state of every workload, and of set-up that has failed. Raises Refusal."""
        found = self.containers()
        roles = {one.name: str(one.role) for one in self.plan.workloads}
        if ENTRY in self.release.services:
            roles[ENTRY] = ENTRY
        states = [
            state(name, role, [one for one in found if one.service == name])
            for name, role in roles.items()
        ]
        known = roles.keys()
        others = [one for one in found if one.service not in known and not one.is_done]
        return (*states, *(state(one.service, "task", [one]) for one in others))

    def chosen(self, names: Collection[str]) -> tuple[str, ...]:
        """Check names of workloads and of the entry; all services without one. Raises BadInput."""
        known = {one.name for one in self.plan.workloads} | ({ENTRY} & self.release.services.keys())
        check_names(names, known, f"not in {self.plan.system} for {self.plan.environment}")
        return tuple(names) or tuple(one.name for one in self.plan.services)

    def restart(
        self, names: Collection[str], within_s: float
    ) -> tuple[tuple[WorkloadState, ...], dict[str, str]]:
        """Replace the containers of workloads, one workload after the other, and wait for them.

        A service whose containers can overlap, and serve, is replaced without a gap.

        Args:
            names: of workloads; all services without one.

        Returns:
            The states of all, and why for each service whose successor did not come up; the
            containers before it serve on.

        Raises:
            BadInput: no such workload.
            Refusal: Docker refused.
        """
        chosen = self.chosen(names)
        services = {one.name for one in self.plan.services}
        self.project.lay_out_again()
        flags = ("--detach", "--no-deps", "--no-build", "--force-recreate", "--quiet-pull")
        failed: dict[str, str] = {}
        for name in chosen:
            there = [one for one in self.containers() if one.service == name]
            serves = bool(there) and all(one.serves for one in there)
            if name in services and serves and can_overlap(self.release.services[name]):
                made = hand_over(self.project, name, within_s)
                if not made.ready:
                    told = "; ".join(cause.text for cause in causes(made.after))
                    failed[name] = told or f"not healthy within {within_s:g} s"
                    withdraw(self.project, name, made.before)
                continue
            self.project.run_end_hooks([name])
            self.up(*flags, name, within_s=within_s)
        return self.wait(chosen, within_s), failed

    def up(self, *argv: str, within_s: float) -> None:
        """Start containers by Compose; as many of a service as there are. Raises Refusal."""
        many = {name: len(found) for name, found in c.by_service(self.containers()).items()}
        scaled = [f"--scale={name}={count}" for name, count in many.items() if count > 1]
        self.docker.run(*self.project.argv("up", *scaled, *argv), within_s=within_s)

    def networks(self, name: str) -> tuple[str, ...]:
        """Name the networks of a workload, as Docker calls them."""
        named = self.release.services[name].get("networks") or ()
        return tuple(f"{self.release.project}_{network}" for network in named)

    def wait(self, names: Collection[str], within_s: float) -> tuple[WorkloadState, ...]:
        """Wait until workloads are ready, or the time is over; returns all as they are then."""
        end = time.monotonic() + within_s
        while True:
            states = self.look()
            if all(one.ready for one in states if one.name in names) or time.monotonic() > end:
                return states
            time.sleep(POLL_S)

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool
    ) -> Iterator[tuple[str, str, str]]:
        """Yield lines of containers' logs: when each was written, by which one, what it says.

        Without `follow` they are sorted by time; with it they come as they are written.

        Args:
            names: of workloads; all services without one.
            last: so many past lines of each container; None: all that are kept.

        Raises:
            BadInput: no such workload.
            TarmacError: Docker cannot read them.
        """
        chosen = self.chosen(names)
        tail = "all" if last is None else str(last)
        named = f"--project-name={self.release.project}"
        argv = ("compose", named, "logs", "--no-color", "--timestamps", f"--tail={tail}")
        if follow:
            lines = clients.follow(self.docker, *argv, "--follow", *chosen)
            yield from filter(None, map(_log_line, lines))
        else:
            read = filter(None, map(_log_line, self.docker.lines(*argv, *chosen)))
            yield from sorted(read, key=lambda line: line[0])


def state(name: str, role: str, found: Sequence[Container]) -> WorkloadState:
    """Say how far a workload has come, by its containers."""
    if not found:
        return WorkloadState(name, role, False, "missing; `tarmac deploy` creates it", ())
    if role == "task":
        done = all(one.is_done for one in found)
        detail = "done" if done else found[0].detail
        return WorkloadState(name, role, done, detail, tuple(found), tuple(causes(found)))
    serving = sum(one.serves for one in found)
    detail = f"{serving} of {len(found)} ready"
    ready = serving == len(found)
    return WorkloadState(name, role, ready, detail, tuple(found), tuple(causes(found)))


def _log_line(line: str) -> tuple[str, str, str] | None:
    """Read `NAME-1 | TIME TEXT`; None of what Compose itself says meanwhile."""
    found = _LINE.fullmatch(line)
    return (found["at"], found["name"], found["text"]) if found else None
