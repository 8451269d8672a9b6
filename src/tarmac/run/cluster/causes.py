"""Why a workload does not become ready: pure, over its pods, claims and events in the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.run.cluster.kubectl import Object
from tarmac.run.cluster.readiness import condition

_UNPULLED = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_UNCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
#: What the scheduler says of preemption repeats the rest.
_AND_MORE = re.compile(r" (?:no new claims to deallocate|preemption:)")
_NO_SECRET = re.compile(r'secret "([^"]+)" not found')
#: Bits of a container's exit status above which it is the number of a signal (POSIX shells).
_SIGNALLED = 128


@dataclass(frozen=True)
class Cause:
    """One reason, for a person."""

    text: str
    #: The pod and the container whose log says more, and whether the run before is meant.
    log_of: tuple[str, str, bool] | None = None


@dataclass(frozen=True)
class Surroundings:
    """What else there is in a namespace, by what a cause is read from it."""

    pods: tuple[Object, ...] = ()
    claims: tuple[Object, ...] = ()
    #: ReplicaSets, which make a Deployment's pods.
    makers: tuple[Object, ...] = ()
    #: By the uid of what they are about, the last one first.
    events: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)
    #: By the Secret's name: why External Secrets could not fill it.
    unfilled: Mapping[str, str] = field(default_factory=dict)

    def warnings(self, found: Object, *reasons: str) -> Iterator[str]:
        """Yield what was warned of an object, the last first; of reasons that begin so."""
        for event in self.events.get(found["metadata"]["uid"], ()):
            if event.get("type") == "Warning" and event.get("reason", "").startswith(reasons):
                yield _line(event.get("message", ""))


def surroundings(objects: Iterable[Object]) -> Surroundings:
    """Sort the objects of a namespace."""
    kinds: dict[str, list[Object]] = {}
    events: dict[str, list[Object]] = {}
    for found in objects:
        if found["kind"] == "Event":
            events.setdefault(found["involvedObject"].get("uid", ""), []).append(found)
        else:
            kinds.setdefault(found["kind"], []).append(found)
    return Surroundings(
        tuple(kinds.get("Pod", ())),
        tuple(kinds.get("PersistentVolumeClaim", ())),
        tuple(kinds.get("ReplicaSet", ())),
        {uid: tuple(sorted(held, key=_when, reverse=True)) for uid, held in events.items()},
        _unfilled(one for held in events.values() for one in held),
    )


def _unfilled(events: Iterable[Object]) -> dict[str, str]:
    """Find what External Secrets last said of each Secret that it could not fill."""
    return {
        event["involvedObject"]["name"]: _line(event.get("message", ""))
        for event in sorted(events, key=_when)
        if event["involvedObject"].get("kind") == "ExternalSecret" and event["type"] == "Warning"
    }


def _when(event: Object) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or ""


def causes(workload: Object, around: Surroundings) -> list[Cause]:
    """Return why a workload is not ready, each reason once."""
    found = [*_unmade(workload, around)]
    for pod in pods_of(workload, around.pods):
        found += _of_pod(pod, around)
    once = {cause.text: cause for cause in reversed(found)}
    return list(reversed(once.values()))


def pods_of(workload: Object, pods: Iterable[Object]) -> list[Object]:
    """List the pods that a workload selects, and that are not about to go."""
    selected = workload["spec"].get("selector", {}).get("matchLabels", {})
    return [
        pod
        for pod in pods
        if selected
        and selected.items() <= pod["metadata"].get("labels", {}).items()
        and "deletionTimestamp" not in pod["metadata"]
    ]


def _unmade(workload: Object, around: Surroundings) -> Iterator[Cause]:
    """Yield why pods could not even be made: quota, limits, policies."""
    uid = workload["metadata"]["uid"]
    own = [
        maker
        for maker in around.makers
        if any(owner["uid"] == uid for owner in maker["metadata"].get("ownerReferences", ()))
    ]
    for maker in (workload, *own):
        for message in around.warnings(maker, "FailedCreate"):
            yield Cause(f"a pod is refused: {message}")
            break


def _of_pod(pod: Object, around: Surroundings) -> Iterator[Cause]:
    name = pod["metadata"]["name"]
    if condition(pod, "Ready").get("status") == "True" or pod["status"].get("phase") == "Succeeded":
        return
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        message = _AND_MORE.split(_line(scheduled.get("message", "")))[0]
        yield Cause(f"pod {name} finds no node: {message}")
        yield from _unbound(pod, around)
        return
    if pod["status"].get("reason"):
        yield Cause(f"pod {name}: {pod['status']['reason']}: {_line(pod['status'].get('message'))}")
    statuses = (
        *pod["status"].get("initContainerStatuses", ()),
        *pod["status"].get("containerStatuses", ()),
    )
    told = [cause for status in statuses for cause in _of_container(pod, status)]
    yield from told
    for message in around.warnings(pod, "FailedMount", "FailedAttachVolume", "FailedCreatePod"):
        told.append(Cause(f"pod {name} does not start: {message}"))
        yield told[-1]
        break
    for secret in dict.fromkeys(_NO_SECRET.findall(" ".join(cause.text for cause in told))):
        if secret in around.unfilled:
            yield Cause(f"Secret {secret} is not filled: {around.unfilled[secret]}")
    if not told:
        for message in around.warnings(pod, "Unhealthy"):
            yield Cause(f"pod {name} does not pass its probe: {message}")
            break


def _unbound(pod: Object, around: Surroundings) -> Iterator[Cause]:
    """Yield which disks a pod waits for that nothing makes; others may wait for its node."""
    volumes = pod["spec"].get("volumes", ())
    named = {
        v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v
    }
    for claim in around.claims:
        name, phase = claim["metadata"]["name"], claim.get("status", {}).get("phase")
        if name not in named or phase == "Bound":
            continue
        if not claim["spec"].get("storageClassName"):
            text = "the cluster has no default StorageClass; mark one as the default"
            yield Cause(f"disk {name} is not there: {text}")
        for text in around.warnings(claim, "Provisioning"):
            yield Cause(f"disk {name} is not there: {text}")
            break


def _of_container(pod: Object, status: Object) -> Iterator[Cause]:
    name, container = pod["metadata"]["name"], status["name"]
    state: Mapping[str, Any] = status.get("state", {})
    waiting = state.get("waiting", {})
    reason, message = waiting.get("reason", ""), _line(waiting.get("message", ""))
    where = f"pod {name}, container {container}"
    if reason in _UNPULLED:
        yield Cause(f"{where}: image {status['image']} cannot be had: {message or reason}")
        return
    if reason in _UNCONFIGURED:
        yield Cause(f"{where} cannot start: {message or reason}")
        return
    last = status.get("lastState", {}).get("terminated")
    now = state.get("terminated")
    ended = now or last
    if not ended or ended.get("exitCode") == 0:
        return
    count = status.get("restartCount", 0)
    again = f", restarted {count} {'time' if count == 1 else 'times'}" if count else ""
    limit = next(
        (
            one.get("resources", {}).get("limits", {}).get("memory")
            for one in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"])
            if one["name"] == container
        ),
        None,
    )
    if ended.get("reason") == "OOMKilled":
        text = f"used more memory than its limit ({limit}) and was killed"
    elif ended["exitCode"] > _SIGNALLED:
        text = f"was ended by signal {ended['exitCode'] - _SIGNALLED}"
    else:
        text = f"ended with exit status {ended['exitCode']}"
    yield Cause(f"{where} {text}{again}", (name, container, now is None))


def _line(message: str | None) -> str:
    return " ".join((message or "").split())
