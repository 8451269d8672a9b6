"""The objects of LitmusChaos 3: a ChaosEngine that runs one experiment of the hub.

Engines are in Litmus' own namespace: its pods are not restricted, as those of a system's namespace
must be. While one runs, its probes ask what the drill's `probes` say, and without these every
public service whether it is ready: one answer that is not a 200 makes its verdict Fail, whatever
the experiment says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tarmac.base.launch import HttpProbe
from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments import manifests
from tarmac.drill.experiments.experiment import ClusterDrill, Experiment
from tarmac.drill.experiments.manifests import manifest
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import Workload
from tarmac.render.kubernetes.parts.metadata import NAME

API = "litmuschaos.io/v1alpha1"
#: Where its operator is, and engines and their pods are.
NAMESPACE = "litmus"
#: The account that its operator's installation makes there for experiments in all namespaces.
ACCOUNT = "litmus-admin"
#: How long a probe waits and how often it asks, in seconds, where the drill does not say.
TIMEOUT_S = INTERVAL_S = 5.0
#: An answer that will not do is asked for again so often.
RETRIES = 3
Variables = dict[str, str]


def chaos(
    drill: ClusterDrill, name: str, workload: Workload, experiment: str, env: Variables
) -> Experiment:
    """Make the ChaosEngine that has an experiment carried out on a workload's pods.

    Args:
        env: the variables of the experiment.
    """
    kind = "statefulset" if workload.role != "service" else "deployment"
    if rollout_controller(drill.plan, workload.name) == "argo":
        kind = "rollout"
    components = {"env": [{"name": key, "value": value} for key, value in env.items()]}
    spec: dict[str, Any] = {"components": components}
    if probes := [_probe(drill, *asked) for asked in _asked(drill)]:
        spec["probe"] = probes
    body = {
        "engineState": "active",
        "appinfo": {
            "appns": drill.plan.namespace,
            "applabel": f"{NAME}={workload.name}",
            "appkind": kind,
        },
        "chaosServiceAccount": ACCOUNT,
        "jobCleanUpPolicy": "retain",
        "experiments": [{"name": experiment, "spec": spec}],
    }
    one = f"{drill.plan.namespace}-{name}"
    return manifest(drill, API, "ChaosEngine", one, body, NAMESPACE)


def text(drill: ClusterDrill, made: Sequence[tuple[Step, Experiment]]) -> str:
    """Write engines, and before them what lets their probes in."""
    asked = {workload.name: port for workload, port, *_ in _asked(drill)}
    return manifests.text(drill, made, manifests.probe_policies(drill, NAMESPACE, asked))


def _asked(drill: ClusterDrill) -> Iterator[tuple[Workload, int, str, float, float]]:
    """Yield what probes ask: workload, port, path, how long they wait, and how often, in s."""
    for probe in drill.file.probes:
        workload = drill.workload(probe.service)
        port = next(iter(workload.ports.values()))
        yield workload, port, probe.path, probe.timeout, probe.every
    for workload in () if drill.file.probes else drill.plan.services:
        if workload.routes and isinstance(ready := workload.ready, HttpProbe):
            yield workload, ready.port, ready.path, TIMEOUT_S, INTERVAL_S


def _probe(
    drill: ClusterDrill,
    workload: Workload,
    port: int,
    path: str,
    timeout_s: float,
    interval_s: float,
) -> dict[str, Any]:
    return {
        "name": f"check-{workload.name}-availability",
        "type": "httpProbe",
        "mode": "Continuous",
        "httpProbe/inputs": {
            "url": f"http://{host(drill, workload)}:{port}{path}",
            "method": {"get": {"criteria": "==", "responseCode": "200"}},
        },
        "runProperties": {
            "probeTimeout": f"{timeout_s:g}s",
            "interval": f"{interval_s:g}s",
            "retry": RETRIES,
        },
    }


def host(drill: ClusterDrill, workload: Workload) -> str:
    """Return the name by which pods find a workload."""
    return f"{workload.name}.{drill.plan.namespace}.svc.cluster.local"
