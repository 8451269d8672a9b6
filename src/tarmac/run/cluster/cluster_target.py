"""The `Target` of a system in a cluster: pods are its instances, nodes its machines.

Faults that need the runtime of this machine (wires, limits, clocks) are not possible there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.base.target import Instance, ProcessId
from tarmac.run.cluster.kubectl import Refusal
from tarmac.run.cluster.objects import SYSTEM
from tarmac.run.cluster.running import POLL_S, DeployedSystem, Pod, WorkloadState
from tarmac.run.undoing import UndoProcess

KIND = "cluster"
#: For new pods, and for old ones to end.
REPLACED_WITHIN_S = 300.0
DRAINED_WITHIN_S = 150
ENDED_WITHIN_S = 60.0
#: Of a signal the seconds that a pod is given; None: as many as its own object says. One is the
#: least with which the kubelet itself says when the processes have ended.
_GRACE = {"SIGKILL": 1, "SIGTERM": None}
_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True)
class ClusterTarget:
    """A system in a cluster; what is disturbed is undone with its undo process."""

    running: DeployedSystem
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
        """List every pod as it is now: the first is called like its workload, then `NAME.2`."""
        return tuple(
            Instance(name, pod.role, pod.state, pod.uid, pod.restarts)
            for name, pod in self._pods().items()
        )

    def urls(self) -> Mapping[str, str]:
        """Return where visitors find each service."""
        return self.entries

    def find(self, name: str) -> tuple[str, ...]:
        """List the instances of a service, a store, a node or a zone. Raises BadInput."""
        pods = {one: pod for one, pod in self._pods().items() if pod.state != "ending"}
        workloads = {workload.name for workload in self.running.plan.workloads}
        if name in workloads:
            return tuple(one for one, pod in pods.items() if pod.workload == name)
        nodes = self._zones()
        if name not in {*nodes, *nodes.values()}:
            hint = did_you_mean(name, {*workloads, *nodes, *filter(None, nodes.values())})
            what = "no service, store, node or zone of the cluster"
            raise BadInput([Problem(name, f"{what}; {hint}")])
        return tuple(
            one for one, pod in pods.items() if name in (pod.node, nodes.get(pod.node, ""))
        )

    def send(self, names: Collection[str], signal: str) -> Mapping[str, ProcessId]:
        """Delete pods, with a second to end for SIGKILL; returns their uids."""
        if signal not in _GRACE:
            raise BadInput([Problem(signal, f"pods take {' or '.join(_GRACE)} alone")])
        pods = self._pods()
        chosen = {name: pods[name] for name in names if name in pods}
        self._delete(chosen.values(), _GRACE[signal])
        return {name: pod.uid for name, pod in chosen.items()}

    def hold_down(self, names: Collection[str]) -> None:
        """Scale workloads to none, and wait until their pods have ended.

        Raises:
            BadInput: for a part of a workload.
            TarmacError: a pod does not end.
        """
        states = self._whole(names)
        for state in states:
            count = self.running.replicas(state.name)
            self.undo.add(_down(state.name), *self.running.scaling(state.name, count))
            self.running.scale(state.name, 0)
            self._delete(state.pods, _GRACE["SIGKILL"])
        down = {state.name for state in states}
        end = time.monotonic() + ENDED_WITHIN_S
        while left := [pod.name for pod in self._pods().values() if pod.workload in down]:
            if time.monotonic() > end:
                raise TarmacError(f"not ended within {ENDED_WITHIN_S:g} s: {', '.join(left)}")
            time.sleep(POLL_S)

    def let_up(self, names: Collection[str]) -> None:
        """Scale them to what they were."""
        for workload in self.running.plan.workloads:
            if workload.name in {name.split(".")[0] for name in names}:
                self.undo.run(_down(workload.name))

    def restart(self, names: Collection[str]) -> None:
        """Replace workloads' pods as a deployment does; returns once the old ones are gone."""
        workloads = {state.name for state in self._whole(names)}
        old = {pod.uid for state in self._whole(names) for pod in state.pods}
        states = self.running.restart(workloads, REPLACED_WITHIN_S)
        end = time.monotonic() + REPLACED_WITHIN_S
        while time.monotonic() < end:
            late = [one for one in states if one.name in workloads and not one.readiness.ready]
            there = {pod.uid for state in states for pod in state.pods}
            if not late and not there & old:
                return
            time.sleep(POLL_S)
            states = self.running.look()
        raise TarmacError(f"not replaced within {REPLACED_WITHIN_S:g} s: {', '.join(workloads)}")

    def drain(self, node: str) -> tuple[str, ...]:
        """Cordon a node and evict the system's pods; return their names.

        Raises:
            BadInput: there is no such node.
            Refusal: a budget did not allow it in time.
        """
        nodes = self._zones()
        if node not in nodes:
            raise BadInput([Problem(node, f"no node; {did_you_mean(node, nodes)}")])
        there = self.find(node)
        self.undo.add(_cordoned(node), "uncordon", node)
        self.running.kubectl.run(
            *("drain", node, "--ignore-daemonsets", "--delete-emptydir-data"),
            f"--pod-selector={SYSTEM}={self.running.plan.system}",
            f"--timeout={DRAINED_WITHIN_S}s",
        )
        return there

    def uncordon(self, node: str) -> None:
        """Uncordon a node."""
        self.undo.run(_cordoned(node))

    def _pods(self) -> dict[str, Pod]:
        return {
            state.name if number == 1 else f"{state.name}.{number}": pod
            for state in self.running.look()
            for number, pod in enumerate(state.pods, 1)
        }

    def _whole(self, names: Collection[str]) -> list[WorkloadState]:
        """Find the workloads whose instances all are named. Raises BadInput."""
        chosen = {name.split(".")[0] for name in names}
        states = [state for state in self.running.look() if state.name in chosen]
        wrong = [
            Problem(
                state.name,
                f"has {len(pods)} pods; name the workload, which is restarted as a whole",
            )
            for state in states
            if len(pods := [pod for pod in state.pods if pod.state != "ending"])
            > sum(name.split(".")[0] == state.name for name in names)
        ]
        if wrong:
            raise BadInput(wrong)
        return states

    def _delete(self, pods: Collection[Pod], grace_s: int | None) -> None:
        if pods:
            grace = () if grace_s is None else (f"--grace-period={grace_s}",)
            flags = ("--wait=false", "--ignore-not-found", self.running.where, *grace)
            self.running.kubectl.run("delete", "pod", *(pod.name for pod in pods), *flags)

    def _zones(self) -> Mapping[str, str]:
        """Return in which zone each node is; none where this user may not ask."""
        try:
            found = self.running.kubectl.read("get", "nodes")
        except Refusal:
            return {}
        return {
            node["metadata"]["name"]: node["metadata"].get("labels", {}).get(_ZONE, "")
            for node in found
        }


def _down(workload: str) -> str:
    return f"down {workload}"


def _cordoned(node: str) -> str:
    return f"cordoned {node}"
