"""What Chaos Mesh does to the network between pods, and how its objects select pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments.experiment import ClusterDrill
from tarmac.render.kubernetes.parts.metadata import selector

ZONE_LABEL = "topology.kubernetes.io/zone"
#: Bytes that may wait for their turn, and that may go at once; those of the tool's own examples.
QUEUE_BYTES, BURST_BYTES = 20_971_520, 10_000
DIRECTIONS = {"both": "both", "sent": "to", "received": "from"}
Spec = dict[str, Any]
#: Kind and `spec` of an object.
Made = tuple[str, Spec]


def _all(namespace: str, **by: Mapping[str, str]) -> Spec:
    return {"mode": "all", "selector": {"namespaces": [namespace], **by}}


def pods(drill: ClusterDrill, on: str, share: int = 100) -> Spec:
    """Select all pods of a workload, or of the system in a zone; or a share of them, in percent."""
    if zone := drill.zone(on):
        found = _all(drill.plan.namespace, nodeSelectors={ZONE_LABEL: zone})
    else:
        found = _all(drill.plan.namespace, labelSelectors=selector(drill.workload(on).name))
    return found if share == 100 else {**found, "mode": "fixed-percent", "value": str(share)}


def lasts(step: Step) -> Spec:
    """Return how long a step lasts, as a duration of Go."""
    return {"duration": f"{round(1000 * step.for_)}ms"}


def _network(action: str, of: Callable[[Any], Spec]) -> Callable[..., Iterator[Made]]:
    def write(drill: ClusterDrill, step: Any) -> Iterator[Made]:
        for caller, called in drill.edges(step.on):
            world = caller == "world"
            ingress = drill.plan.settings.ingress.namespace
            # The ingress controller is not this system's: the called pods' side is disturbed.
            source = pods(drill, called.name if world else caller)
            peer = _all(ingress) if world else pods(drill, called.name)
            yield (
                "NetworkChaos",
                {"action": action, **source, "target": peer, **of(step), **lasts(step)},
            )

    return write


def _delay(step: Any) -> Spec:
    delay = {"latency": _microseconds(step.delay), "jitter": _microseconds(step.jitter)}
    return {"delay": delay, "direction": "both"}


def _microseconds(seconds: float) -> str:
    return f"{round(1e6 * seconds)}us"


def _bandwidth(step: Any) -> Spec:
    rate = f"{max(1, round(step.rate))}bps"  # bytes, as its documentation says
    limit = {"rate": rate, "limit": QUEUE_BYTES, "buffer": BURST_BYTES}
    return {"bandwidth": limit, "direction": "both"}


NETWORK: dict[str, Callable[..., Iterator[Made]]] = {
    "latency": _network("delay", _delay),
    "bandwidth": _network("bandwidth", _bandwidth),
    "partition": _network("partition", lambda step: {"direction": DIRECTIONS[step.direction]}),
}
