"""Servers that run beside a service's tests, with the images of the plan."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from tarmac.base.launch import CommandProbe, is_secret, text
from tarmac.plan.cluster import ClusterPlan, Workload


def beside(plan: ClusterPlan, workload: Workload) -> dict[str, str]:
    """Find the servers that a service's tests may use: a short name -> its image."""
    bound = {e.target for e in plan.allowed if e.source == workload.name and e.target != e.source}
    return {_short(e.image): e.image for e in plan.stores if e.name in bound}


def _short(image: str) -> str:
    return posixpath.basename(image.partition("@")[0].rpartition(":")[0] or image)


def servers(plan: ClusterPlan) -> Iterator[tuple[str, Workload]]:
    """Yield every server that tests of the system may use, each image once, by its short name."""
    seen = set[str]()
    for store in plan.stores:
        if (name := _short(store.image)) not in seen:
            seen.add(name)
            yield name, store


def server(workload: Workload) -> dict[str, Any]:
    """Return how a server runs beside tests: with its image's defaults, all passwords `test`."""
    env = {
        name: "test" if is_secret(setting.value) else "".join(map(str, setting.value))
        for name, setting in workload.env.items()
    }
    ports = [f"{number}:{number}" for number in workload.ports.values()]
    found: dict[str, Any] = {**({"env": env} if env else {}), "ports": ports}
    ready = workload.ready
    if isinstance(ready, CommandProbe) and not any(is_secret(text(word)) for word in ready.argv):
        asked = " ".join(map(str, ready.argv))
        found["options"] = f'--health-cmd "{asked}" --health-interval 2s --health-retries 30'
    return found
