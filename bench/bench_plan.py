"""How long the plan of a thousand services takes, beside only reading the same file as YAML.

Ours is all that `up` does before it changes anything: load and check the model, choose stores, find
free ports for every instance and edge, and compute every variable. Theirs is PyYAML's C loader.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import yaml
from bench.figure import Figure, interleaved, seconds, sized

from tarmac.base import garbage
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.resolver import Resolver

SERVICES = sized(1000, 20)
ROUNDS = sized(5, 1)


def measure() -> list[Figure]:
    """Return one figure in seconds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a held port is a descriptor
    garbage.look_seldom()  # as the supervisor does
    try:
        with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
            file = Path(name) / "tarmac.yaml"
            file.write_text(_system(), encoding="utf-8")
            ours, theirs = interleaved(
                lambda: seconds(lambda: _plan(file)),
                lambda: seconds(lambda: yaml.load(file.read_bytes(), yaml.CSafeLoader)),
                rounds=ROUNDS,
            )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    note = (
        f"{SERVICES} services that call each other, {SERVICES // 10} stores; theirs: the same file "
        f"read by PyYAML's C loader and nothing more; medians of {ROUNDS}"
    )
    return [Figure("plan of 1,000 services", "s", ours, theirs, note)]


def _plan(file: Path) -> None:
    home = Home.of(file, "bench")
    home.create()
    reservations = Reservations()
    try:
        resolved = Resolver(Options(str(file)), home, reservations).resolve({})
    finally:
        reservations.release_all()
    if len(resolved.plan.nodes) != SERVICES + SERVICES // 10:
        raise SystemExit(f"bench: a plan of {len(resolved.plan.nodes)} nodes")


def _system() -> str:
    services = {}
    for number in range(SERVICES):
        services[f"service-{number}"] = {
            "run": [sys.executable, "server.py"],
            "port": 30000 + number,
            "calls": [f"service-{callee}" for callee in range(number + 1, number + 3)]
            if number + 3 < SERVICES
            else [],
            "env": {
                "STORE": f"${{stores.cache-{number % (SERVICES // 10)}.url}}",
                "MODE": "local",
                "NEXT": f"${{services.service-{(number + 1) % SERVICES}.url}}"
                if number + 1 < SERVICES
                else "none",
            },
        }
    stores = {f"cache-{number}": "redis" for number in range(SERVICES // 10)}
    system = {"tarmac": 1, "system": "large", "services": services, "stores": stores}
    return yaml.safe_dump(system, sort_keys=False)
