"""LitmusChaos 3: a ChaosEngine for each step, by the generic experiments of its hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tarmac.catalog.faults.fault import Step
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
from tarmac.drill.experiments.litmus_objects import Variables, chaos, host, text
from tarmac.plan.cluster import Workload

#: Pods are deleted once where both are the same; its shortest useful time.
ONCE_S = AGAIN_S = 10
MEGA = 1_000_000
#: The workload whose pods are the experiment's, its name, its variables.
Made = tuple[Workload, str, Variables]


def experiments(drill: ClusterDrill, number: int, step: Step) -> Sequence[Experiment]:
    """Return what a step is there: an engine, or one for each edge."""
    write = WRITERS.get(step.fault)
    if write is None:
        raise no_counterpart("litmus", step)
    if drill.zone(step.on):
        raise NoCounterpart(f"litmus has no fault for a whole zone ({step.on}); export it to fis")
    made = named(drill, number, list(write(drill, step)))
    return [chaos(drill, name, *one) for name, one in made]


def _lasts(step: Step) -> Variables:
    return {"TOTAL_CHAOS_DURATION": str(_whole(step.for_)), "PODS_AFFECTED_PERC": "100"}


def _whole(seconds: float) -> int:
    return max(1, round(seconds))


def _kill(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    forced = "true" if step.signal == "KILL" else "false"
    env = {
        "TOTAL_CHAOS_DURATION": str(_whole(step.for_) if step.repeats else ONCE_S),
        "CHAOS_INTERVAL": str(_whole(step.every) if step.repeats else ONCE_S),
        "PODS_AFFECTED_PERC": str(step.share),
        "FORCE": forced,
    }
    yield drill.workload(step.on), "pod-delete", env


def _crash_loop(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    env = {**_lasts(step), "CHAOS_INTERVAL": str(AGAIN_S), "SIGNAL": "SIGKILL"}
    yield drill.workload(step.on), "container-kill", env


def _network(drill: ClusterDrill, step: Any, experiment: str, env: Variables) -> Iterator[Made]:
    for caller, called in drill.edges(step.on):
        if caller != "world":  # the ingress controller's pods are not this system's
            hosts = {"DESTINATION_HOSTS": host(drill, called)}
            yield drill.workload(caller), experiment, {**_lasts(step), **env, **hosts}


def _latency(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    # It delays what the caller sends alone: both ways' delay together.
    env = {
        "NETWORK_LATENCY": str(round(2000 * step.delay)),
        "JITTER": str(round(2000 * step.jitter)),
    }
    return _network(drill, step, "pod-network-latency", env)


def _partition(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    if step.direction == "received":
        raise NoCounterpart("litmus drops packets that a caller sends, not those that it receives")
    env = {"NETWORK_PACKET_LOSS_PERCENTAGE": "100"}
    return _network(drill, step, "pod-network-loss", env)


def _http_error(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    for called in {called.name: called for _, called in drill.edges(step.on)}.values():
        port = str(next(iter(called.ports.values())))
        env = {"TARGET_SERVICE_PORT": port, "STATUS_CODE": str(step.status)}
        yield (
            called,
            "pod-http-status-code",
            {**_lasts(step), **env, "TOXICITY": f"{step.percent:g}"},
        )


def _cpu_limit(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    workers, load = burnt_cpu(drill, step.on, step.cpus)
    env = {"CPU_CORES": str(workers), "CPU_LOAD": str(load)}
    yield drill.workload(step.on), "pod-cpu-hog", {**_lasts(step), **env}


def _memory_limit(drill: ClusterDrill, step: Any) -> Iterator[Made]:
    size = str(max(1, used_memory(drill, step.on, step.limit) // MEGA))
    env = {**_lasts(step), "MEMORY_CONSUMPTION": size}
    yield drill.workload(step.on), "pod-memory-hog", env


WRITERS: dict[str, Callable[[ClusterDrill, Any], Iterator[Made]]] = {
    "kill": _kill,
    "crash-loop": _crash_loop,
    "latency": _latency,
    "partition": _partition,
    "http-error": _http_error,
    "cpu-limit": _cpu_limit,
    "memory-limit": _memory_limit,
}

TOOL = Tool(
    id="litmus",
    title="LitmusChaos: a ChaosEngine for each fault",
    experiments=experiments,
    text=text,
)
