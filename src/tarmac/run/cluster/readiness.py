"""Whether what a workload's object asks for is so: pure, over the objects as a cluster has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tarmac.run.cluster import trials
from tarmac.run.cluster.kubectl import Object

#: Kinds that become ready, or done, some time after they are applied.
AWAITED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Rollout")
#: And those that a deployment waits for besides: it tells of pods that another object has.
TRIALS = ("Canary",)


@dataclass(frozen=True)
class Readiness:
    """How far one has come."""

    ready: bool
    #: `2 of 3 ready`.
    detail: str
    #: It has given up: nothing more happens by itself.
    failed: bool = False
    #: At which step the trial of a new version is; empty where none goes on.
    step: str = ""


def readiness(found: Object, *, stale: bool = False) -> Readiness:
    """Return how far a workload has come, by its status.

    Args:
        stale: whether a Canary may tell of the version before the one that is deployed.
    """
    status, spec = found.get("status", {}), found.get("spec", {})
    if found["kind"] == "Job":
        return _job(status)
    if found["kind"] == "Rollout":
        return _rollout(found)
    if found["kind"] == "Canary":
        return _canary(found, stale=stale)
    if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
        return Readiness(False, "not looked at yet")
    if found["kind"] == "DaemonSet":
        return _counted(
            status.get("desiredNumberScheduled", 0),
            status.get("updatedNumberScheduled", 0),
            status.get("numberAvailable", 0),
        )
    wanted = spec.get("replicas", 1)
    updated, running = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if found["kind"] == "StatefulSet":
        # It counts pods as updated only where its revision is a new one.
        settled = status.get("currentRevision") == status.get("updateRevision")
        return _counted(wanted, running if settled else updated, status.get("readyReplicas", 0))
    given_up = condition(found, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    come = _counted(wanted, updated, status.get("availableReplicas", 0), old=running - updated)
    return Readiness(come.ready, come.detail, failed=given_up and not come.ready)


def _job(status: Mapping[str, object]) -> Readiness:
    said = {c["type"]: c for c in _conditions(status) if c["status"] == "True"}
    if "Complete" in said:
        return Readiness(True, "done")
    if "Failed" in said:
        return Readiness(False, f"failed: {said['Failed'].get('message', '')}", failed=True)
    tries = status.get("failed", 0)
    return Readiness(False, f"{tries} tries failed" if tries else "runs")


def _rollout(found: Object) -> Readiness:
    """Return how far a new version's trial has come; the Rollout has its template's generation."""
    status, spec = found.get("status", {}), found["spec"]
    if not trials.is_observed(found):
        return Readiness(False, "not looked at yet")
    if status.get("phase") == trials.TAKEN_BACK:
        why = trials.message(found)
        return Readiness(False, f"its new version was taken back: {why}", failed=True)
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if at := trials.step(found):
        return Readiness(False, f"a new version is tried: {at}", step=at)
    come = _counted(wanted, updated, status.get("availableReplicas", 0))
    # Its pods may be about to be replaced by others of the same version.
    return Readiness(come.ready and status.get("phase") == trials.HEALTHY, come.detail)


def _canary(found: Object, *, stale: bool) -> Readiness:
    """Return how far a trial by Flagger has come; the Canary has both of its templates."""
    phase: str = found.get("status", {}).get("phase", "")
    if phase in (*trials.SETTLED, trials.FAILED) and trials.is_promoted(found):
        return Readiness(True, "its version has all requests")
    if not phase or phase in trials.SETTLED or (stale and phase == trials.FAILED):
        return Readiness(False, "not looked at yet")
    if phase == trials.FAILED:
        why = trials.message(found)
        return Readiness(False, f"its new version was taken back: {why}", failed=True)
    at = trials.step(found)
    return Readiness(False, f"a new version is tried: {at}", step=at)


def _counted(wanted: int, updated: int, available: int, old: int = 0) -> Readiness:
    ready = updated >= wanted and available >= wanted and old <= 0
    detail = f"{min(updated, available)} of {wanted} ready"
    return Readiness(ready, f"{detail}, {old} of the version before" if old > 0 else detail)


def condition(found: Object, kind: str) -> Object:
    """Return one of an object's conditions; empty where it has none of that kind."""
    listed = _conditions(found.get("status", {}))
    return next((one for one in listed if one["type"] == kind), {})


def _conditions(status: Mapping[str, object]) -> Iterable[Object]:
    listed = status.get("conditions")
    return listed if isinstance(listed, list) else ()
