"""Whatever system is described, its plan holds together: ports, addresses, secrets, order."""

from __future__ import annotations

import json

from demo_system import FILE, KINDS, facts_for, load_files
from hypothesis import given, settings
from hypothesis import strategies as st

from tarmac.base.launch import redact
from tarmac.plan import graph
from tarmac.plan.resolve import resolve

NAMES = ["a", "b-two", "c3", "delta", "e-service", "f"]
TOPICS = ["t.one", "t.two"]


@st.composite
def systems(draw) -> dict:
    """A system of services in any language: calls go forward only, so nothing waits in a circle."""
    count = draw(st.integers(1, len(NAMES)))
    kinds = st.sampled_from(["postgres", "redis", "mail"])
    stores = draw(st.dictionaries(st.sampled_from(["db", "cache-1", "post"]), kinds, max_size=3))
    services = {}
    for index, name in enumerate(NAMES[:count]):
        later = NAMES[index + 1 : count]
        calls = draw(st.sets(st.sampled_from(later), max_size=3)) if later else set()
        used = draw(st.sets(st.sampled_from(sorted(stores)), max_size=2)) if stores else set()
        env = {f"STORE_{n}": f"${{stores.{store}.url}}" for n, store in enumerate(sorted(used))}
        services[name] = {"run": ["serve", name], "calls": sorted(calls), "env": env}
        if index or draw(st.booleans()):  # what is called has a port
            services[name]["port"] = 4000 + index
        if draw(st.booleans()):
            services[name]["publishes"] = TOPICS
    return {
        "tarmac": 1,
        "system": "any",
        "services": services,
        "stores": stores,
        "broker": "nats",
    }


@settings(max_examples=60, deadline=None)
@given(systems())
def test_a_plan_holds_together(described):
    system = load_files({FILE: json.dumps(described).encode()})
    plan = resolve(system, "local", facts_for(system), KINDS)
    wires = {(wire.source, wire.target): wire.listen for wire in plan.wires}
    ports = [port for node in plan.nodes for port in node.ports.values()] + list(wires.values())
    assert len(ports) == len(set(ports))
    nodes = {node.name: node for node in plan.nodes}
    for edge in system.edges:
        env = {key: redact(value) for key, value in nodes[edge.source].launch.env.items()}
        if edge.kind == "call":
            url = f"http://127.0.0.1:{wires[edge.source, edge.target]}"
            prefix = edge.target.upper().replace("-", "_")
            assert env.get(f"{prefix}_URL", "") == url
            assert edge.target in nodes[edge.source].needs
        if edge.kind == "store":
            assert any(f"<secret stores/{edge.target}/{edge.source}>" in v for v in env.values())
            assert edge.target in nodes[edge.source].after
        if edge.kind == "publish":
            assert f"<secret stores/broker/{edge.source}>" in env["BROKER_URL"]
    groups = graph.waves({name: node.after for name, node in nodes.items()})
    assert sorted(name for group in groups for name in group) == sorted(nodes)
    assert not any("<secret" in part for node in plan.nodes for part in node.launch.argv)
    wanted = {secret.path for secret in plan.secrets}
    for node in plan.nodes:
        for value in node.launch.env.values():
            assert {part.path for part in value if not isinstance(part, str)} <= wanted
