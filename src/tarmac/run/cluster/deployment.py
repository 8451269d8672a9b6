"""Applies a release to a cluster in waves, waits for each, and goes back where one fails.

Called by `tarmac deploy`; what a user sees of it is the caller's affair.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.run.cluster import release as releases
from tarmac.run.cluster import trials
from tarmac.run.cluster.causes import Cause, Surroundings, causes, surroundings
from tarmac.run.cluster.kubectl import Kubectl, Object, Refusal
from tarmac.run.cluster.objects import WAVES, ObjectId, waves
from tarmac.run.cluster.planning import KEPT, Plan
from tarmac.run.cluster.readiness import AWAITED, TRIALS, Readiness, readiness
from tarmac.run.cluster.release import Record, Release
from tarmac.run.outcome import Failure, Outcome, Say

POLL_S = 1.0
#: A cause is looked for when something has waited so long, and as often.
LOOK_S = 5.0
LOG_LINES = 8
SECRETS_S = 120
#: What sets the replicas of others: one that goes after them would put its own number back.
SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})
SECRETS = "scripts/secrets.sh"
#: What tells why a pod is not there or not ready.
_ASKED = ("pods", "replicasets", "persistentvolumeclaims", "events")


@dataclass(frozen=True)
class Deployment:
    """A release on its way into a cluster."""

    kubectl: Kubectl
    release: Release
    timeout_s: float
    say: Say

    def apply(self, plan: Plan, deletes: Sequence[ObjectId] = ()) -> Outcome:
        """Apply what a plan holds, wave by wave; stops at the first that does not become ready.

        The record names all of it before it is there, so that what a half of a deployment leaves is
        known too.

        Args:
            deletes: what is to go; what scales others goes first, and the rest by `prune`.
        """
        began = time.monotonic()
        scalers = {found for found in deletes if found.kind in SCALERS}
        self.prune([found for found in deletes if found in scalers])
        before = (found for found in plan.record.there if found not in scalers)
        there = (*before, *releases.ids(plan.objects))
        held = dict(waves(plan.objects))
        failures: Sequence[Failure] = ()
        changed = _changed_trials(plan)
        for name in WAVES:
            try:
                if name == "settings":  # the namespace is there now
                    if not plan.tried:
                        self.kubectl.apply(plan.objects, dry=True)
                    releases.write(self.kubectl, self.release, replace(plan.record, there=there))
                    self._make_secrets()
                failures = self._apply_wave(name, held.get(name, []), began, changed)
            except TarmacError as error:
                failures = [Failure(name, str(error))]
            if failures:
                break
        else:
            done = Record(there, plan.objects)
            releases.write(self.kubectl, self.release, done)
        return Outcome(tuple(failures), time.monotonic() - began)

    def roll_back(self, plan: Plan) -> Outcome | None:
        """Apply the last release that became ready again, and delete what came with this one.

        Returns:
            What became of that; None where there is no such release.
        """
        if not plan.record.ready:
            return None
        before = replace(plan, objects=plan.record.ready)
        kept = set(releases.ids(before.objects))
        new = [change.id for change in plan.added if change.id not in kept]
        outcome = self.apply(before, new)
        self.prune([found for found in new if found.kind not in (*KEPT, *SCALERS)])
        return outcome

    def prune(self, ids: Sequence[ObjectId]) -> None:
        """Delete objects that Tarmac has put there. Raises Refusal."""
        if not ids:
            return
        self.kubectl.delete([found.bare for found in ids])
        record = releases.read(self.kubectl, self.release)
        there = tuple(found for found in record.there if found not in set(ids))
        releases.write(self.kubectl, self.release, replace(record, there=there))
        self.say(f"deleted: {', '.join(map(str, ids))}")

    def _make_secrets(self) -> None:
        """Run the script that makes Secrets, in the cluster that this one goes to."""
        if not self.release.secrets:
            return
        with tempfile.TemporaryDirectory(prefix="tarmac-deploy-") as folder:
            script = Path(folder) / "secrets.sh"
            script.write_text(self.release.secrets, encoding="utf-8")
            try:
                done = subprocess.run(
                    ["bash", str(script)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=SECRETS_S,
                    check=False,
                    env=self.kubectl.env,
                )
            except subprocess.TimeoutExpired:
                raise TarmacError(f"{SECRETS}: did not end within {SECRETS_S} s") from None
        if done.returncode != 0:
            raise TarmacError(f"{SECRETS}: {done.stderr.strip()}")
        new = [line for line in done.stdout.splitlines() if line.startswith("new: ")]
        if new:
            self.say(f"secrets: {len(new)} new parts")

    def _apply_wave(
        self, name: str, objects: list[Object], began: float, changed: Collection[ObjectId]
    ) -> list[Failure]:
        if not objects:
            return []
        jobs = [found for found in objects if found["kind"] == "Job"]
        failed = (
            [found for found in self.kubectl.live(jobs) if readiness(found).failed] if jobs else []
        )
        if failed:  # it is not tried again by itself
            self.kubectl.delete([ObjectId.of(found).bare for found in failed])
        tried = any(found["kind"] == "Rollout" for found in self.release.objects)
        services = [found for found in objects if tried and found["kind"] == "Service"]
        led = self.kubectl.live(services) if services else ()
        self.kubectl.apply(trials.with_revisions(objects, led))
        self.say(f"{name}: {len(objects)} {'object' if len(objects) == 1 else 'objects'}")
        awaited = [found for found in objects if found["kind"] in (*AWAITED, *TRIALS)]
        return self._wait(awaited, began, changed) if awaited else []

    def _wait(
        self, awaited: list[Object], began: float, changed: Collection[ObjectId]
    ) -> list[Failure]:
        """Wait until all of some workloads are ready; returns those that are not in time.

        A trial of a new version has the time again with each of its steps.

        Args:
            changed: Canaries that say nothing of the version which is deployed before it is tried.
        """
        waiting: dict[ObjectId, Object] = {ObjectId.of(found): found for found in awaited}
        start = looked = time.monotonic()
        said: set[str] = set()
        steps: dict[ObjectId, str] = {}
        first = True
        while True:
            come: dict[ObjectId, Readiness] = {}
            templates = [one for found in waiting.values() for one in trials.references(found)]
            live: list[Object] = [*self.kubectl.live([*waiting.values(), *templates])]
            for found in live:
                if (now := ObjectId.of(found)) in waiting:
                    waiting[now] = trials.with_template(found, live)
                    stale = now in changed and now not in steps
                    come[now] = readiness(waiting[now], stale=stale)
            for now, far in come.items():
                if far.step and far.step != steps.get(now):
                    steps[now], start = far.step, time.monotonic()
                    self.say(f"  {now}: {far.detail}")
            for now in [now for now, far in come.items() if far.ready]:
                del waiting[now]
                if not first:  # what was ready all along is not news
                    verb = "done" if now.kind == "Job" else "ready"
                    self.say(f"  {now} {verb} after {time.monotonic() - began:.0f} s")
            if not waiting:
                return []
            late = time.monotonic() - start > self.timeout_s
            if late or any(far.failed for far in come.values()):
                return self._failures(waiting, come)
            if time.monotonic() - looked > LOOK_S:
                looked = time.monotonic()
                self._tell(waiting, said)
            first = False
            time.sleep(POLL_S)

    def _tell(self, waiting: dict[ObjectId, Object], said: set[str]) -> None:
        """Say why something still waits, each reason once."""
        around = self._look()
        for now, found in waiting.items():
            for cause in causes(found, around):
                if cause.text not in said:
                    said.add(cause.text)
                    self.say(f"  {now} waits: {cause.text}")

    def _failures(
        self, waiting: dict[ObjectId, Object], come: dict[ObjectId, Readiness]
    ) -> list[Failure]:
        around = self._look()
        return [
            Failure(
                str(now),
                come[now].detail if now in come else "is not there",
                tuple((cause.text, self._log(cause)) for cause in causes(found, around)),
            )
            for now, found in waiting.items()
        ]

    def _look(self) -> Surroundings:
        """Read what tells of causes; of what this user may not see, nothing."""
        found: list[Object] = []
        for kind in _ASKED:
            try:
                found += self.kubectl.get(self.release.namespace, kind)
            except Refusal:
                continue
        return surroundings(found)

    def _log(self, cause: Cause) -> tuple[str, ...]:
        if cause.log_of is None:
            return ()
        pod, container, before = cause.log_of
        argv = ("logs", pod, f"--namespace={self.release.namespace}", f"--container={container}")
        tail = (f"--tail={LOG_LINES}", *(("--previous",) if before else ()))
        return tuple(self.kubectl.ask(*argv, *tail).stdout.splitlines())


def _changed_trials(plan: Plan) -> frozenset[ObjectId]:
    """List the Canaries whose Deployment a plan changes."""
    changed = {(change.id.kind, change.id.name) for change in plan.changed}
    return frozenset(
        ObjectId.of(found)
        for found in plan.objects
        if found["kind"] in TRIALS
        for one in trials.references(found)
        if (one["kind"], one["metadata"]["name"]) in changed
    )
