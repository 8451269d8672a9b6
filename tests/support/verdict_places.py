"""The same drills in two places: on a copy on this machine, and in the tests' cluster.

`python tests/support/verdict_places.py` runs them in both and prints the table of
docs/evidence/verdict-places.md. As root, with what the tests' cluster takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cluster
import docker_here
import kit_images
import kube_images
import standins
import store_images
from deployed import TARMAC, DeployedSystem
from rendered import ROOT

#: Of faults that both places have.
DRILLS = {
    "hello-dd": ("cache-outage",),
    "shop": ("broker-outage", "cache-outage", "orders-db-kill", "orders-rolling-restart"),
}
ENTRY = "api-gateway"


@contextmanager
def deployed(folder: Path) -> Iterator[Mapping[str, DeployedSystem]]:
    """Give the systems in a cluster, which ends with the block."""
    with docker_here.daemon(docker_here.kept()) as docker:
        for name in ("bases", "own", "stores"):
            (folder / name).mkdir()
        standins.provide(docker, folder / "bases", kit_images.uv())
        images = kit_images.Images(docker)
        tags = set(kube_images.own(docker, cluster.home()[0], folder / "own"))
        for system in DRILLS:
            tags |= set(kube_images.of(images, system, "kind"))
        store_images.make(docker, tags, folder / "stores")
        file = kube_images.save(docker, tags, folder / "images.tar")
        with cluster.cluster([file]) as nodes:
            found = {}
            for system in DRILLS:
                own = folder / system
                own.mkdir()
                found[system] = DeployedSystem.lay_out(nodes, system, own)
            with ThreadPoolExecutor() as pool:
                list(pool.map(DeployedSystem.deploy, found.values()))
            for one in found.values():
                one.sow()
            yield found


def there(system: DeployedSystem, drill: str) -> dict[str, Any]:
    """Run a drill in the cluster; returns its journal."""
    entry = f"{ENTRY}={system.url(ENTRY)}"
    done = system.there("drill", drill, "--url", entry, "--json", check=False)
    assert done.stdout, done.stderr
    written: dict[str, Any] = json.loads(done.stdout)
    for workload in ("deployments", "statefulsets"):  # the next one begins with all of it
        for found in system.read(workload)["items"]:
            system.rolled_out(f"{workload}/{found['metadata']['name']}")
    return written


def here(system: str, drill: str) -> dict[str, Any]:
    """Run it on a copy on this machine."""
    argv = [TARMAC, "drill", system, drill, "--json"]
    done = subprocess.run(
        argv, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    written: dict[str, Any] = json.loads(done.stdout)
    return written


def cell(written: Mapping[str, Any]) -> str:
    """Write what a run came to: its verdict, the good visits meanwhile, and the recovery."""
    during = next(period for period in written["periods"] if period["name"] == "during")
    share = 100 * during["good"] / during["visits"] if during["visits"] else 0.0
    after = written["recovered_s"]
    recovered = "not in time" if after is None else f"after {after:.1f} s"
    return f"{written['verdict']}: {share:.1f} % of {during['visits']}, {recovered}"


def main() -> None:
    """Print the table."""
    print("| System | Drill | Here | In a cluster |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as systems:
        for system, drills in DRILLS.items():
            for drill in drills:
                cluster_cell = cell(there(systems[system], drill))
                row = (system, f"`{drill}`", cell(here(system, drill)), cluster_cell)
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
