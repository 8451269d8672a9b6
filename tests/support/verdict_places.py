"""The same drills in three places: on a copy here, in containers, and in the tests' cluster.

`python tests/support/verdict_places.py` runs them in each and prints the table of
docs/evidence/verdict-places.md; `… shop/cache-outage trading` those alone. As root, with what the
tests' cluster takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cluster
import docker_here
import kit_images
import kube_images
import on_one_machine
import standins
import store_images
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from deployed import TARMAC, DeployedSystem
from docker_here import Docker
from free_ports import free_ports
from on_one_machine import OneMachine
from rendered import ROOT, plan_of, seeds_of

#: Of faults that all three have.
DRILLS = {
    "hello-dd": ("cache-outage",),
    "shop": (
        *("broker-outage", "cache-outage", "orders-db-kill", "orders-rolling-restart"),
        *("orders-pod-kill", "orders-spike"),
    ),
    "trading": ("portfolio-db-kill",),
}
#: What users ask: a public service, or the hosts of an entry whose paths are all of that service.
GATEWAY = "api-gateway"
ASKED = {"trading": "entry"}
#: Of a container, on the first of its networks.
ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
#: A network whose address on this machine a mail server listens at: containers reach it.
MAIL = "mail-outside"


@contextmanager
def composed(docker: Docker, folder: Path, system: str) -> Iterator[OneMachine]:
    """Give a system that `tarmac deploy` has put on the tests' daemon; it ends with the block."""
    machine = on_one_machine.laid_out(docker, folder, system)
    docker.run("network", "create", MAIL)
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    address = docker.say("network", "inspect", MAIL, "--format", gateway)
    (port,) = free_ports(1)
    sink = Controller(Sink(), hostname=address, port=port)
    sink.start()  # the mail server of an environment is outside of it
    url = f"smtp://{address}:{port}"
    mailing = replace(machine, env={**machine.env, "STORES_MAIL_NOTIFICATION_SERVICE_URL": url})
    try:
        mailing("deploy", "--env", "compose")
        for store, seed in seeds_of(ROOT / "systems" / system):
            mailing.sow(store, seed)
        yield mailing
    finally:
        mailing("down", "--target", "compose", "--delete-data", "--yes")
        sink.stop()
        docker.run("network", "rm", MAIL)


def in_containers(machine: OneMachine, drill: str) -> dict[str, Any]:
    """Run a drill with Docker Compose; returns its journal."""
    argv = ["--target", "compose", "--json"]
    if asked := ASKED.get(machine.system):
        address = machine.docker.say(
            "inspect", machine.container(GATEWAY), "--format", ADDRESS
        ).split()[0]
        (port, *_) = plan_of(machine.system, "compose").workload(GATEWAY).ports.values()
        argv += ["--url", f"{asked}=http://{address}:{port}"]
    done = machine.run("drill", drill, *argv, code=None)
    assert done.stdout, done.stderr
    written: dict[str, Any] = json.loads(done.stdout)
    machine("deploy", "--env", "compose", "--no-build")  # the next one begins with all of it
    return written


@contextmanager
def deployed(folder: Path, systems: Collection[str]) -> Iterator[Mapping[str, DeployedSystem]]:
    """Give systems in a cluster, which ends with the block."""
    with docker_here.daemon(docker_here.kept()) as docker:
        for name in ("bases", "own", "stores"):
            (folder / name).mkdir()
        standins.provide(docker, folder / "bases", kit_images.uv())
        images = kit_images.Images(docker)
        tags = set(kube_images.own(docker, cluster.home()[0], folder / "own"))
        for system in systems:
            tags |= set(kube_images.of(images, system, "kind"))
        store_images.make(docker, tags, folder / "stores")
        file = kube_images.save(docker, tags, folder / "images.tar")
        with cluster.cluster([file]) as nodes:
            found = {}
            for system in systems:
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
    entry = f"{ASKED.get(system.system, GATEWAY)}={system.url(GATEWAY)}"
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


def main(chosen: Collection[str]) -> None:
    """Print the table: the places one after another, so that none has another's load.

    Args:
        chosen: systems, and drills as `SYSTEM/DRILL`; all of them without.
    """
    drills = [
        (system, drill)
        for system, named in DRILLS.items()
        for drill in named
        if not chosen or {system, f"{system}/{drill}"} & {*chosen}
    ]
    systems = list(dict.fromkeys(system for system, _ in drills))
    cells: dict[tuple[str, str], list[str]] = {named: [] for named in drills}

    def note(system: str, drill: str, written: Mapping[str, Any]) -> None:
        cells[system, drill].append(cell(written))
        print(system, drill, cells[system, drill][-1], file=sys.stderr, flush=True)

    for system, drill in drills:
        note(system, drill, here(system, drill))
    with docker_here.daemon(docker_here.kept()) as docker, TemporaryDirectory() as folder:
        standins.provide(docker, Path(folder), kit_images.uv())
        for system in systems:
            (own := Path(folder) / system).mkdir()
            with composed(docker, own, system) as machine:
                for drill in (drill for name, drill in drills if name == system):
                    note(system, drill, in_containers(machine, drill))
    with TemporaryDirectory() as folder, deployed(Path(folder), systems) as found_there:
        for system, drill in drills:
            note(system, drill, there(found_there[system], drill))
    print("| System | Drill | Here | With Compose | In a cluster |\n|---|---|---|---|---|")
    for (system, drill), found in cells.items():
        print(f"| {system} | `{drill}` | {' | '.join(found)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
