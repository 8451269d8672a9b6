"""A system as a cluster runs it: its workloads and their pods, as they are now.

Used by the verbs that look at a system with `--target cluster`, and by drills there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.plan.analysis import canary_services
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.run.cluster import trials
from tarmac.run.cluster.causes import Cause, Surroundings, causes, pods_of, surroundings
from tarmac.run.cluster.kubectl import Kubectl, Object
from tarmac.run.cluster.readiness import Readiness, condition, readiness

POLL_S = 1.0
#: What is read of a namespace, in one call of kubectl.
_ASKED = ("deployments", "statefulsets", "replicasets", "pods", "persistentvolumeclaims", "events")
NAME = "app.kubernetes.io/name"
#: A container waits for these in any start.
_ON_ITS_WAY = ("PodInitializing", "ContainerCreating")


@dataclass(frozen=True)
class Pod:
    """One pod of a workload."""

    name: str
    workload: str
    role: str
    #: `ready`, `running`, `pending`, `ending`, or what a container waits for.
    state: str
    ready: bool
    restarts: int
    node: str
    #: When it was made, as the cluster writes times.
    since: str
    #: Tells it from any other pod, also from one of its name.
    uid: str


@dataclass(frozen=True)
class WorkloadState:
    """One workload of the plan."""

    name: str
    role: str
    readiness: Readiness
    pods: tuple[Pod, ...]
    #: Why it is not ready.
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class DeployedSystem:
    """A system in one context of a kubeconfig."""

    kubectl: Kubectl
    plan: ClusterPlan

    def look(self) -> tuple[WorkloadState, ...]:
        """Read the state of every workload. Raises Refusal."""
        kinds = (*_ASKED, *((trials.ROLLOUTS,) if self._has_rollouts else ()))
        found = self.kubectl.get(self.plan.namespace, *kinds)
        around = surroundings(found)
        objects = {
            f"{trials.RESOURCES[one['kind']]}/{one['metadata']['name']}": one
            for one in (trials.with_template(one, found) for one in found)
            if one["kind"] in trials.RESOURCES
        }
        return tuple(
            _state(workload, objects.get(self._resource(workload)), around)
            for workload in self.plan.workloads
        )

    @cached_property
    def _has_rollouts(self) -> bool:
        """Whether some services are Rollouts here: the cluster has to have the kind, too."""
        tried = canary_services(self.plan, "argo")
        return bool(tried) and any(kind == "Rollout" for _, kind in self.kubectl.kinds())

    def _resource(self, workload: Workload) -> str:
        return trials.resource(self.plan, workload, rollouts=self._has_rollouts)

    def workloads(self, names: Collection[str]) -> tuple[Workload, ...]:
        """Find workloads by name, or all services without one. Raises BadInput."""
        known = {workload.name: workload for workload in self.plan.workloads}
        wrong = [name for name in names if name not in known]
        if wrong:
            what = f"not in {self.plan.system} for {self.plan.environment}"
            raise BadInput(
                [Problem(name, f"{what}; {did_you_mean(name, known)}") for name in wrong]
            )
        return tuple(known[name] for name in names) or self.plan.services

    def restart(self, names: Collection[str], within_s: float) -> tuple[WorkloadState, ...]:
        """Replace the pods of workloads as a deployment does, and wait for the new ones.

        Args:
            names: of workloads; all services without one.

        Returns:
            All of the system, as it is then; some may not be ready where the time was too short.

        Raises:
            BadInput: no such workload.
            Refusal: the cluster did not allow it.
        """
        chosen = self.workloads(names)
        what = [self._resource(workload) for workload in chosen]
        rollouts = [one for one in what if one.startswith(trials.ROLLOUTS)]
        if others := [one for one in what if one not in rollouts]:
            self.kubectl.run("rollout", "restart", *others, self.where)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = f'--patch={{"spec": {{"restartAt": "{now}"}}}}'
        for one in rollouts:  # as `kubectl argo rollouts restart` does: it is not a new version
            self.kubectl.run("patch", one, "--type=merge", patch, self.where)
        return self.wait({workload.name for workload in chosen}, within_s)

    def wait(self, names: Collection[str], within_s: float) -> tuple[WorkloadState, ...]:
        """Wait until workloads are ready, or the time is over; returns all as they are then."""
        end = time.monotonic() + within_s
        while True:
            states = self.look()
            waited = [state.readiness for state in states if state.name in names]
            if all(one.ready for one in waited) or time.monotonic() > end:
                return states
            time.sleep(POLL_S)

    def replicas(self, name: str) -> int:
        """Return how many pods a workload is to have. Raises Refusal."""
        (workload,) = self.workloads([name])
        kind, _, named = self._resource(workload).partition("/")
        (found,) = self.kubectl.read("get", kind, named, self.where)
        return int(found["spec"]["replicas"])

    def scale(self, name: str, replicas: int) -> None:
        """Scale a workload to a number of pods. Raises Refusal."""
        self.kubectl.run(*self.scaling(name, replicas))

    def scaling(self, name: str, replicas: int) -> tuple[str, ...]:
        """Return by which call of kubectl a workload has so many pods."""
        (workload,) = self.workloads([name])
        return "scale", self._resource(workload), f"--replicas={replicas}", self.where

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool
    ) -> Iterator[tuple[str, str, str]]:
        """Yield lines of pods' logs: when each was written, by which pod, and what it says.

        Without `follow` they are sorted by time; with it they come as they are written, from the
        pods that are there now.

        Args:
            names: of workloads; all services without one.
            last: so many past lines of each pod; None: all that are kept.

        Raises:
            BadInput: no such workload.
            TarmacError: kubectl cannot read them.
        """
        chosen = [workload.name for workload in self.workloads(names)]
        argv = (
            *("logs", self.where, selector(chosen), "--all-containers"),
            *("--prefix", "--timestamps", f"--tail={-1 if last is None else last}"),
            "--max-log-requests=100",
        )
        lines: Iterator[str] | Sequence[str] = (
            self.kubectl.stream(*argv, "--follow")
            if follow
            else self.kubectl.run(*argv).splitlines()
        )
        read = map(_log_line, lines)
        yield from read if follow else sorted(read, key=lambda line: line[0])

    @property
    def where(self) -> str:
        """The option that names the system's namespace to kubectl."""
        return f"--namespace={self.plan.namespace}"


def selector(names: Iterable[str]) -> str:
    """Write the option of kubectl that chooses the pods of workloads."""
    return f"--selector={NAME} in ({', '.join(names)})"


def _state(workload: Workload, found: Object | None, around: Surroundings) -> WorkloadState:
    if found is None:
        come = Readiness(False, "missing; `tarmac deploy` creates it")
        return WorkloadState(workload.name, workload.role, come, ())
    come = readiness(found)
    going = [pod for pod in around.pods if "deletionTimestamp" in pod["metadata"]]
    mine = [
        *pods_of(found, around.pods),
        *(pod for pod in going if pod["metadata"].get("labels", {}).get(NAME) == workload.name),
    ]
    listed = sorted(mine, key=lambda p: (p["metadata"]["creationTimestamp"], p["metadata"]["name"]))
    why = () if come.ready else tuple(causes(found, around))
    return WorkloadState(
        *(workload.name, workload.role, come),
        *(tuple(_pod(pod, workload) for pod in listed), why),
    )


def _pod(found: Object, workload: Workload) -> Pod:
    metadata, status = found["metadata"], found.get("status", {})
    containers = status.get("containerStatuses", ())
    return Pod(
        metadata["name"],
        workload.name,
        workload.role,
        _pod_state(found),
        condition(found, "Ready").get("status") == "True" and "deletionTimestamp" not in metadata,
        sum(container.get("restartCount", 0) for container in containers),
        found["spec"].get("nodeName", ""),
        metadata["creationTimestamp"],
        metadata["uid"],
    )


def _pod_state(found: Object) -> str:
    if "deletionTimestamp" in found["metadata"]:
        return "ending"
    if condition(found, "Ready").get("status") == "True":
        return "ready"
    status = found.get("status", {})
    for container in (
        *status.get("initContainerStatuses", ()),
        *status.get("containerStatuses", ()),
    ):
        reason = container.get("state", {}).get("waiting", {}).get("reason", "")
        if reason and reason not in _ON_ITS_WAY:
            return str(reason)
    return str(status.get("phase", "Pending")).lower()


def _log_line(line: str) -> tuple[str, str, str]:
    """Read `[pod/NAME/CONTAINER] TIME TEXT`."""
    source, _, rest = line.partition("] ")
    at, _, text = rest.partition(" ")
    if not source.startswith("[pod/"):
        raise TarmacError(f"kubectl logs: cannot read '{line[:80]}'")
    return at, source.split("/")[1], text
