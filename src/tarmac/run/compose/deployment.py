"""Brings a release up with Docker Compose, waits until it runs, and goes back where it does not.

Called by `tarmac deploy`; what a user sees of it is the caller's affair.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from subprocess import DEVNULL, Popen
from typing import IO

from tarmac.run.compose import containers as c
from tarmac.run.compose import release as releases
from tarmac.run.compose.causes import Cause, causes, said_by_compose
from tarmac.run.compose.containers import Container
from tarmac.run.compose.docker import Docker, Refusal, plain
from tarmac.run.compose.project import Project
from tarmac.run.compose.release import Release
from tarmac.run.compose.running import WorkloadState, state
from tarmac.run.compose.succession import hand_over, has_given_up, planned, withdraw
from tarmac.run.outcome import Failure, Outcome, Say

POLL_S = 0.5
LOG_LINES = 8
#: A program that no check asks runs, once it has run for so long.
STEADY_S = 3.0
#: A container that was just started again ends as soon as the time before.
SETTLED_WITHIN_S = 5.0


@dataclass(frozen=True)
class Deployment:
    """A release on its way to a machine."""

    project: Project
    timeout_s: float
    say: Say
    #: The services of the model: of those, two versions may run beside each other.
    services: frozenset[str] = frozenset()

    def apply(self, gone: Iterable[str] = (), foreign: Iterable[str] = ()) -> Outcome:
        """Bring it up in the order of its edges, and wait until all of it is ready.

        A changed service whose containers can overlap gets successors, which serve before those
        end; where one does not come up, nothing after it is changed.

        Args:
            gone: services that are not in it, whose containers are to go.
            foreign: containers of another owner in its place, which go first.
        """
        began = time.monotonic()
        self.project.lay_out()
        if names := list(foreign):
            self._docker.run("rm", "--force", *names)
        failures = self._hand_over(began) or self._up(began)
        if not failures:
            self.remove(gone)
            releases.write(self.project.docker, self.project.release)
            self.project.forget_others()
        return Outcome(tuple(failures), time.monotonic() - began)

    def end(self, before: Release, services: Iterable[str]) -> None:
        """Run the hooks of the end of services that are to be replaced. Raises Refusal."""
        replace(self.project, release=before).run_end_hooks(services)

    def roll_back(self, before: Release, added: Iterable[str]) -> Outcome:
        """Bring the release before up again, and remove the containers that came with this one."""
        there = replace(self, project=replace(self.project, release=before))
        return there.apply([name for name in added if name not in before.services])

    def remove(self, services: Iterable[str]) -> None:
        """Remove the containers of some services; their volumes stay. Raises Refusal."""
        names = set(services)
        found = [one for one in self._containers() if one.service in names]
        if found:
            self._docker.run("rm", "--force", *(one.id for one in found))
            self.say(f"removed: {', '.join(one.name for one in found)}")

    def _hand_over(self, began: float) -> list[Failure]:
        """Replace without a gap what can be; returns what does not come up, and is gone again."""
        there = c.by_service(self._containers())
        found = planned(self.project.release, self.services, there, self.project.hashes())
        if found.first and (failures := self._up(began, found.first)):
            return failures
        for name in found.then:
            try:
                made = hand_over(self.project, name, self.timeout_s)
            except Refusal as refusal:
                told = said_by_compose(str(refusal)).text
                return [Failure(name, "cannot be replaced", ((told, ()),))]
            if not made.ready:
                failures = self._failures([state(name, "service", made.after)])
                withdraw(self.project, name, made.before)
                return failures
            self.say(f"  {name} ready after {time.monotonic() - began:.0f} s, without a gap")
        return []

    def _up(self, began: float, only: Sequence[str] = ()) -> list[Failure]:
        """Start everything by Compose, and say what becomes ready; returns what does not.

        Args:
            only: these services alone, in the order of the edges between them.
        """
        chosen = ("--no-deps", *only) if only else ()
        argv = self.project.argv("up", "--detach", "--no-build", "--quiet-pull", *chosen)
        with (
            tempfile.TemporaryFile("w+") as told,
            Popen(
                [self._docker.program, *argv],
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=told,
                env=self._docker.env,
            ) as compose,
        ):
            try:
                return self._wait(compose, told, began, only)
            finally:
                compose.terminate()

    def _wait(
        self, compose: Popen[bytes], told: IO[str], began: float, only: Sequence[str]
    ) -> list[Failure]:
        ready: set[str] | None = None
        running: set[tuple[str, int]] = set()
        since = began
        hashes = self.project.hashes()
        while True:
            ended = compose.poll() is not None
            states = self._states(only)
            come = {one.name for one in states if one.ready}
            # What was ready all along is not news.
            for name in sorted(come - (come if ready is None else ready)):
                self.say(f"  {name} ready after {time.monotonic() - began:.0f} s")
            ready = come
            if ended and compose.returncode:
                told.seek(0)
                return self._failures(self._settled(), said_by_compose(plain(told.read())))
            now = {(one.id, one.pid) for state in states for one in state.containers}
            if now != running:
                running, since = now, time.monotonic()
            steady = time.monotonic() - since >= _steady_s(states)
            if ended and len(come) == len(states) and steady:
                return []
            late = time.monotonic() - began > self.timeout_s
            new = [
                one
                for state in states
                for one in state.containers
                if one.labels.get(c.HASH) == hashes[state.name]
            ]
            if late or any(map(has_given_up, new)):
                return self._failures(states)
            time.sleep(POLL_S)

    def _settled(self) -> list[WorkloadState]:
        """Read the states once each container that ends again and again has said how it ends."""
        end = time.monotonic() + SETTLED_WITHIN_S
        while True:
            states = self._states()
            found = [one for state in states for one in state.containers]
            late = [one for one in found if one.restarts and one.state == "running"]
            if all(one.health == "healthy" for one in late) or time.monotonic() > end:
                return states
            time.sleep(POLL_S)

    def _states(self, only: Sequence[str] = ()) -> list[WorkloadState]:
        """Read how far each service of the file has come; a setup is done when it has ended."""
        by_service = c.by_service(self._containers())
        release = self.project.release
        return [
            state(name, "task" if release.ends(name) else "service", by_service.get(name, []))
            for name in only or release.services
        ]

    def _failures(
        self, states: Sequence[WorkloadState], told: Cause | None = None
    ) -> list[Failure]:
        """Say what is not ready: what has a cause of its own, else what Compose has said."""
        late = [one for one in states if not one.ready]
        named = [one for one in late if one.causes]
        found = [
            Failure(
                one.name,
                one.detail,
                tuple((cause.text, self._log(cause)) for cause in causes(one.containers)),
            )
            for one in named
        ]
        if not found and told is not None:
            return [
                Failure(self.project.release.system, "Compose has given up", ((told.text, ()),))
            ]
        return found or [Failure(one.name, one.detail) for one in late]

    def _log(self, cause: Cause) -> tuple[str, ...]:
        if not cause.log_of:
            return ()
        done = self._docker.ask("logs", f"--tail={LOG_LINES}", cause.log_of)
        return tuple((done.stdout + done.stderr).splitlines())

    def _containers(self) -> tuple[Container, ...]:
        return c.listed(self._docker, self.project.release.project)

    @property
    def _docker(self) -> Docker:
        return self.project.docker


def _steady_s(states: Sequence[WorkloadState]) -> float:
    """Return how long all has to run on, where something has no check that tells of its health."""
    unchecked = (one for state in states for one in state.containers if not one.health)
    return STEADY_S if any(one.state == "running" for one in unchecked) else 0.0
