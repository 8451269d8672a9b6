"""Writes experiments as Kubernetes objects, with what each is above it; for tools in a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tarmac.base.artifact import dump
from tarmac.catalog.faults.fault import Step
from tarmac.drill.experiments.experiment import ClusterDrill, Experiment
from tarmac.drill.explain import time_text
from tarmac.render.kubernetes.parts.metadata import NAME, labels


def manifest(
    drill: ClusterDrill, api: str, kind: str, name: str, spec: dict[str, Any], namespace: str = ""
) -> Experiment:
    """Make one object, in the system's namespace if no other is given."""
    metadata = {
        "name": name,
        "namespace": namespace or drill.plan.namespace,
        "labels": labels(drill.plan, drill.plan.system, "drill"),
    }
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def text(
    drill: ClusterDrill,
    made: Sequence[tuple[Step, Experiment]],
    before: Sequence[tuple[str, Experiment]] = (),
) -> str:
    """Write them in the order of the steps; applying one begins it.

    Args:
        before: objects that they need, each with what it is for.
    """
    head = f"# {drill.file.title}. Of the drill {drill.name}, for {drill.plan.environment}.\n"
    documents = [f"---\n# {said}\n{dump(one)}" for said, one in before]
    for step, one in made:
        said = f"# {step.fault} on {step.on}: apply it {_when(drill, step)}.\n"
        documents.append(f"---\n{said}{dump(one)}")
    return head + "".join(documents)


def probe_policies(
    drill: ClusterDrill, namespace: str, asked: Mapping[str, int]
) -> list[tuple[str, Experiment]]:
    """Make the policies by which a tool's probes may ask services; without, none may.

    Args:
        namespace: where the pods are that probe.
        asked: the port of each service that they ask.
    """
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    made = []
    for service, port in asked.items():
        ports = [{"protocol": "TCP", "port": port}]
        spec = {
            "podSelector": {"matchLabels": {NAME: service}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": here}], "ports": ports}],
        }
        name = f"{drill.name}-probes-{service}"
        one = manifest(drill, "networking.k8s.io/v1", "NetworkPolicy", name, spec)
        made.append((f"Lets probes from {namespace} in; delete it with the experiments.", one))
    return made


def _when(drill: ClusterDrill, step: Step) -> str:
    if drill.file.kind != "chaos":  # there a step's time is not when it begins
        return "when the one before is over"
    return f"{time_text(step.at)} after the first" if step.at else "at once"
