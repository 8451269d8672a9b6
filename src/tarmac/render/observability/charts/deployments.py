"""The count of a service's deployments in a day: its rule, and that rule's tests.

A Deployment makes a ReplicaSet for each change of what its pods are, and for nothing else. Its
generation also counts what an autoscaler does, and a sync of Argo CD may change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.promtool import rule_test, sample
from tarmac.render.observability.alerting.promtool_lines import Line, Part
from tarmac.render.observability.alerting.subjects import either
from tarmac.render.observability.boards.queries import DEPLOYMENTS

#: Of a test: its clock in seconds, and how many steps of that are an hour.
STEP_S, HOUR = 300.0, 12


def owners(plan: ClusterPlan) -> dict[str, tuple[str, ...]]:
    """List the services by the kind whose ReplicaSets run them: Rollout or Deployment."""
    found: dict[str, tuple[str, ...]] = {}
    for service in plan.services:
        kind = "Rollout" if rollout_controller(plan, service.name) == "argo" else "Deployment"
        found[kind] = (*found.get(kind, ()), service.name)
    return found


def _named(series: str, label: str) -> str:
    return f'label_replace({series}, "service", "$1", "{label}", "(.+)")'


def rule(plan: ClusterPlan, kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Count the sets of a day by service; zero where a service was not deployed."""
    space = f'namespace="{plan.namespace}"'
    owned = f'kube_replicaset_owner{{{space},owner_kind="{kind}",owner_name=~"{either(names)}"}}'
    # More than one exporter may have a set; and it may be gone.
    sets = f"max by (namespace, replicaset, owner_name) (last_over_time({owned}[1d]))"
    made = (
        f"max by (namespace, replicaset) (last_over_time(kube_replicaset_created{{{space}}}[1d]))"
    )
    today = f"{sets} and on (namespace, replicaset) ({made} > time() - 86400)"
    there = f'kube_deployment_spec_replicas{{{space},deployment=~"{either(names)}"}}'
    none = f"0 * max by (namespace, service) ({_named(there, 'deployment')})"
    counted = f"count by (namespace, service) ({_named(today, 'owner_name')})"
    return {"record": DEPLOYMENTS, "expr": f"{counted} or {none}"}


def _set(plan: ClusterPlan, kind: str, owner: str, made_h: int, gone_h: int) -> Iterator[Line]:
    """Make a set's series, from two exporters: after so many hours it is made, and deleted."""
    none, there = Part(math.nan, made_h * HOUR), (gone_h - made_h) * HOUR
    for exporter in ("one", "two"):
        own = f'namespace="{plan.namespace}",replicaset="{owner}-{made_h}",instance="{exporter}"'
        of = f'{own},owner_kind="{kind}",owner_name="{owner}",owner_is_controller="true"'
        yield Line(f"kube_replicaset_created{{{own}}}", (none, Part(made_h * 3600, there)))
        yield Line(f"kube_replicaset_owner{{{of}}}", (none, Part(1, there)))


def tests(plan: ClusterPlan, kind: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the tests of a service's count: of its own sets, for a day each, then zero."""
    space = f'namespace="{plan.namespace}"'
    scale = Line(f'kube_deployment_spec_replicas{{{space},deployment="{name}"}}',
                 (Part(2, 30 * HOUR),))  # fmt: skip
    labels = f'{{{space}, service="{name}"}}'

    def at(hours: float, value: float) -> dict[str, Any]:
        return sample(hours * 3600, DEPLOYMENTS, f"{DEPLOYMENTS}{labels}", value)

    others = [("StatefulSet", name, 3), (kind, f"{name}-primary", 3), (kind, f"x{name}", 3)]
    lines = [
        *(line for hour in (1, 2, 4) for line in _set(plan, kind, name, hour, hour + 2)),
        *(line for parent, owner, hour in others for line in _set(plan, parent, owner, hour, 29)),
        scale,
    ]
    yield rule_test(
        f"{name}: each set counts for a day, kept or not",
        STEP_S,
        lines,
        samples=(at(0.5, 0), at(1.5, 1), at(3, 2), at(24.5, 3), at(25.5, 2), at(27, 1), at(29, 0)),
    )
    yield rule_test(
        f"{name}: nothing measured is not zero",
        STEP_S,
        (Line('up{job="another"}', (Part(1, HOUR),)),),
        samples=(sample(1800, DEPLOYMENTS, "", 0),),
    )
