"""Chaos Mesh: PodChaos, NetworkChaos, HTTPChaos, StressChaos, TimeChaos and Workflow (v1alpha1).

Source of the fields: the definitions that `tarmac fetch` brings; a test validates by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments import manifests
from tarmac.drill.experiments.experiment import (
    ClusterDrill,
    Experiment,
    NoCounterpart,
    Tool,
    burnt_cpu,
    named,
    no_counterpart,
    used_memory,
)
from tarmac.drill.experiments.manifests import manifest
from tarmac.drill.experiments.network_chaos import NETWORK, Made, Spec, lasts, pods
from tarmac.drill.experiments.workflows import probed, repeated

API = "chaos-mesh.org/v1alpha1"
#: Where its controller is, which asks what probes ask.
NAMESPACE = "chaos-mesh"


def experiments(drill: ClusterDrill, number: int, step: Step) -> Sequence[Experiment]:
    """Return what a step is there: an object, or one for each edge."""
    write = WRITERS.get(step.fault)
    if write is None:
        raise no_counterpart("chaos-mesh", step)
    found = [probed(drill, step, made) for made in write(drill, step)]
    made = named(drill, number, found)
    return [manifest(drill, API, kind, name, spec) for name, (kind, spec) in made]


def text(drill: ClusterDrill, made: Sequence[tuple[Step, Experiment]]) -> str:
    """Write its objects, and before them what lets their probes in."""
    probed = (drill.workload(probe.service) for probe in drill.file.probes)
    asked = {workload.name: next(iter(workload.ports.values())) for workload in probed}
    return manifests.text(drill, made, manifests.probe_policies(drill, NAMESPACE, asked))


def _kill(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    grace_s = 0 if step.signal == "KILL" or drill.zone(step.on) else drill.workload(step.on).grace_s
    chosen = pods(drill, step.on, step.share)
    spec = {"action": "pod-kill", "gracePeriod": round(grace_s), **chosen}
    yield repeated(step, spec) if step.repeats else ("PodChaos", spec)


def _outage(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    yield "PodChaos", {"action": "pod-failure", **pods(drill, step.on), **lasts(step)}


def _http_error(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    if step.percent != 100:
        raise NoCounterpart(f"chaos-mesh replaces all answers, and not {step.percent:g} %")
    for called in {called.name: called for _, called in drill.edges(step.on)}.values():
        yield (
            "HTTPChaos",
            {
                **pods(drill, called.name),
                "target": "Response",
                "port": next(iter(called.ports.values())),
                "replace": {"code": step.status},
                **lasts(step),
            },
        )


def _stress(drill: ClusterDrill, step: Any, stressors: Spec) -> Iterator[Made]:
    yield "StressChaos", {**pods(drill, step.on), "stressors": stressors, **lasts(step)}


def _cpu_limit(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    workers, load = burnt_cpu(drill, step.on, step.cpus)
    return _stress(drill, step, {"cpu": {"workers": workers, "load": load}})


def _memory_limit(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    size = used_memory(drill, step.on, step.limit)
    return _stress(drill, step, {"memory": {"workers": 1, "size": f"{size}B"}})


def _clock_skew(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    yield "TimeChaos", {**pods(drill, step.on), "timeOffset": f"{step.skew:g}s", **lasts(step)}


WRITERS: dict[str, Callable[..., Iterator[Made]]] = {
    "kill": _kill,
    "outage": _outage,
    **NETWORK,
    "http-error": _http_error,
    "cpu-limit": _cpu_limit,
    "memory-limit": _memory_limit,
    "clock-skew": _clock_skew,
}

TOOL = Tool(
    id="chaos-mesh",
    title="Chaos Mesh: PodChaos, NetworkChaos, HTTPChaos, StressChaos, TimeChaos, Workflow",
    experiments=experiments,
    text=text,
)
