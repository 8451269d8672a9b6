"""Workflows of Chaos Mesh: a fault that is made again after each period, and probes beside it.

A Schedule by itself has no end, and a StatusCheck stops nothing: in a Workflow both do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments.experiment import ClusterDrill
from tarmac.drill.experiments.litmus_objects import host
from tarmac.drill.experiments.network_chaos import Made, Spec

KIND = "Workflow"
FAULT, PROBED = "fault", "probed"
#: An answer that will not do is asked for again so often.
RETRIES = 3


def repeated(step: Any, spec: Spec) -> Made:
    """Make a Workflow that makes a PodChaos again after each period of a step, until it is over."""
    again = {
        "name": FAULT,
        "templateType": "Schedule",
        "deadline": _time(step.for_),
        "schedule": {
            "schedule": f"@every {_time(step.every)}",
            "type": "PodChaos",
            "concurrencyPolicy": "Forbid",
            "historyLimit": step.times,
            "podChaos": spec,
        },
    }
    return KIND, {"entry": FAULT, "templates": [again]}


def probed(drill: ClusterDrill, step: Step, made: Made) -> Made:
    """Put what was made of a step beside the drill's probes, of which one that fails ends it."""
    probes = list(_probes(drill, step))
    if not probes:
        return made
    kind, spec = made
    fault = spec["templates"][0] if kind == KIND else _template(step, kind, spec)
    names = [FAULT, *(probe["name"] for probe in probes)]
    entry = {
        "name": PROBED,
        "templateType": "Parallel",
        "deadline": _time(step.for_),
        "children": names,
    }
    return KIND, {"entry": PROBED, "templates": [entry, fault, *probes]}


def _template(step: Step, kind: str, spec: Spec) -> dict[str, Any]:
    """Write an object as a template, whose time is its deadline."""
    field = f"{kind.removesuffix('Chaos').lower()}Chaos"
    own = {key: value for key, value in spec.items() if key != "duration"}
    return {"name": FAULT, "templateType": kind, "deadline": _time(step.for_), field: own}


def _probes(drill: ClusterDrill, step: Step) -> Iterator[dict[str, Any]]:
    for number, probe in enumerate(drill.file.probes, 1):
        workload = drill.workload(probe.service)
        port = next(iter(workload.ports.values()))
        yield {
            "name": f"probe-{number}-{probe.service}",
            "templateType": "StatusCheck",
            "deadline": _time(step.for_),
            "abortWithStatusCheck": True,
            "statusCheck": {
                "mode": "Continuous",
                "type": "HTTP",
                "intervalSeconds": max(1, round(probe.every)),
                "timeoutSeconds": max(1, round(probe.timeout)),
                "failureThreshold": RETRIES,
                "http": {
                    "url": f"http://{host(drill, workload)}:{port}{probe.path}",
                    "method": "GET",
                    "criteria": {"statusCode": "200"},
                },
            },
        }


def _time(seconds: float) -> str:
    return f"{seconds:g}s"
