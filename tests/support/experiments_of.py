"""Drills written as experiments of chaos tools, for tests that read them or apply them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from rendered import plan_of, system_of

from tarmac.drill.experiments import export
from tarmac.drill.file import drill_file

Object = Mapping[str, Any]
#: Fault -> a step of it; the environment has all of it in the cluster.
STEPS = {
    "kill": "on: order-service, signal: TERM",
    "crash-loop": "on: order-service",
    "outage": "on: orders-db",
    "latency": "on: order-service -> orders-db, delay: 50ms, jitter: 10ms",
    "bandwidth": "on: api-gateway, rate: 5000",
    "partition": "on: broker, direction: sent",
    "http-error": "on: product-service, status: 502",
    "cpu-limit": "on: order-service, cpus: 0.1",
    "memory-limit": "on: order-service, limit: 64Mi",
    "clock-skew": "on: order-service, skew: 90s",
}
DRILL = """
    drill: 1
    title: Something happens
    load: {{journey: order, rate: 1}}
    hypothesis: {{objectives: {objectives}}}
    method:
      {steps}
    """


def exported(
    tool: str, path: Path, system: str = "shop", environment: str = "kind"
) -> list[Object]:
    """Export a drill's file, read again as its tool does."""
    drill = drill_file.load(path, system_of(system))
    text = export.export(export.tool_named(tool), path, drill, plan_of(system, environment))
    return [one for one in yaml.safe_load_all(text) if one]


def write_drill(path: Path, steps: Iterable[str], objectives: str = "all") -> Path:
    """Write a drill of these steps."""
    listed = "\n      ".join(f"- {{{step}}}" for step in steps)
    path.write_text(textwrap.dedent(DRILL.format(steps=listed, objectives=objectives)).lstrip())
    return path


def steps_of(faults: Iterable[str]) -> list[str]:
    """List a step of each fault."""
    return [f"fault: {fault}, {STEPS[fault]}" for fault in faults]
