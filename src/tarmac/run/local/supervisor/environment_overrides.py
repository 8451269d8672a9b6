"""Gives services other variables than their system's file does, as long as a drill wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.base.launch import text
from tarmac.plan.plan import Plan

ORIGIN = "a drill"


def overridden(plan: Plan, environment: Mapping[str, Mapping[str, str]]) -> Plan:
    """Return the plan with the variables of each service besides its own."""
    nodes = []
    for node in plan.nodes:
        if node.role == "service" and (env := environment.get(node.service)):
            given = {name: text(value) for name, value in env.items()}
            # A forked process has what its interpreter read when that started.
            launch = replace(node.launch, env={**node.launch.env, **given}, forked=None)
            origins = {**node.origins, **dict.fromkeys(env, ORIGIN)}
            node = replace(node, launch=launch, origins=origins)  # noqa: PLW2901 - the same node
        nodes.append(node)
    return replace(plan, nodes=tuple(nodes))
