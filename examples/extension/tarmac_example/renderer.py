"""A Backstage catalogue entry for each service: it has an `apiVersion` and is no cluster object."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.extend import Artifact, ClusterPlan, Format, Renderer


def render(plan: ClusterPlan) -> Iterator[Artifact]:
    """Yield one file for each service."""
    for service in plan.services:
        component = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": service.name},
            "spec": {"type": "service", "lifecycle": plan.environment, "system": plan.system},
        }
        path = f"catalog/{service.name}.yaml"
        yield Artifact(path, component, place=service.place, format=Format.YAML)


RENDERER = Renderer(
    id="components",
    phase="portal",
    title="A Backstage catalogue entry for each service",
    render=render,
)
