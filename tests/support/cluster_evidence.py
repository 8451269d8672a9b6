"""Each system in a cluster: how long until it is ready, beside the same tree applied by hand.

`python tests/support/cluster_evidence.py` deploys the five systems one after another into three
nodes, once by `tarmac deploy` and once by kubectl, and prints the table of
docs/evidence/cluster.md. It takes what the topic `cluster` takes.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cluster
import cluster_entry
import docker_here
import kit_images
import kube_images
import standins
import store_images
from cluster import Cluster
from deployed import DeployedSystem
from docker_here import Docker

from tarmac.testing import running

READY_WITHIN = "400s"
MEGABYTE = 1 << 20
#: After a deployment: what a start needed and a service does not.
SETTLED_S = 20.0


@dataclass(frozen=True)
class Row:
    """What was seen of one system."""

    system: str
    pods: int
    #: Seconds until every workload is ready: of `tarmac deploy`, and by hand.
    deployed_s: float
    by_hand_s: float
    #: Seconds of a second deployment, which changes nothing.
    again_s: float
    #: What its pods use once it is idle.
    memory: int
    #: Seconds of `tarmac up` on this machine, without data.
    laptop_s: float

    def __str__(self) -> str:
        """Write a row of the table."""
        cells = (
            self.system,
            self.pods,
            f"{self.deployed_s:.0f}",
            f"{self.by_hand_s:.0f}",
            f"{self.again_s:.1f}",
            f"{self.memory / MEGABYTE:.0f}",
            f"{self.laptop_s:.1f}",
        )
        return f"| {' | '.join(map(str, cells))} |"


HEAD = """\
| System | Pods | `deploy`, s | By hand, s | `deploy` again, s | Memory, MiB | `up`, s |
|---|---:|---:|---:|---:|---:|---:|"""


@contextlib.contextmanager
def nodes(
    docker: Docker, systems: list[str], scratch: Path
) -> Iterator[tuple[Cluster, bytes | None]]:
    """Start three nodes with all images, and what issues certificates where it can be had."""
    images = kit_images.Images(docker)
    tags = {tag for system in systems for tag in kube_images.of(images, system, "kind")}
    lacking = store_images.make(docker, tags, scratch)
    own = kube_images.own(docker, cluster.home()[0], scratch)
    file = kube_images.save(docker, (*own, *(tags - lacking.keys())), scratch / "images.tar")
    with cluster.cluster([file]) as made:
        file.unlink()
        yield made, cluster_entry.prepare(made)


def seconds_of(*argv: str | Path, cwd: Path, env: Mapping[str, str], unless: str = "\0") -> float:
    """Run a program and return how long it took. Raises SystemExit if it fails.

    Args:
        unless: what it says where its failure is expected.
    """
    begun = time.monotonic()
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode and unless not in done.stderr:
        raise SystemExit(f"{argv}: {done.stdout}{done.stderr}")
    return time.monotonic() - begun


def by_hand(system: DeployedSystem) -> float:
    """Apply the rendered tree as its reader would, and wait for each workload.

    The namespace and what is in it, the secrets, then all the rest.
    """
    system.tarmac("render", "--env", system.environment)
    tree = system.file.parent / "deploy" / system.environment
    env = system.env()
    apply = ("kubectl", "apply", "--recursive", "--filename")
    absent = "ensure CRDs are installed first"  # objects of controllers that are not there
    took = seconds_of(*apply, "k8s/base/namespace.yaml", cwd=tree, env=env)
    took += seconds_of(*apply, "k8s/base", cwd=tree, env=env, unless=absent)
    took += seconds_of(tree / "scripts/secrets.sh", cwd=tree, env=env)
    took += seconds_of(*apply, "k8s", cwd=tree, env=env, unless=absent)
    wait = ("kubectl", "rollout", "status", f"--namespace={system.namespace}")
    for kind in ("statefulsets", "deployments"):
        for one in system.read(kind)["items"]:
            name = f"{kind}/{one['metadata']['name']}"
            took += seconds_of(*wait, f"--timeout={READY_WITHIN}", name, cwd=tree, env=env)
    return took


def memory(system: DeployedSystem) -> int:
    """Sum what the pods of a system use, as their nodes tell it."""
    found = 0
    for node in system.cluster.nodes:
        path = f"/api/v1/nodes/{node.name}/proxy/stats/summary"
        told = json.loads(system.cluster.kubectl("get", "--raw", path))
        found += sum(
            one["memory"]["workingSetBytes"]
            for one in told["pods"]
            if one["podRef"]["namespace"] == system.namespace
        )
    return found


def gone(system: DeployedSystem) -> None:
    """Delete a system's namespace, and wait until it is gone."""
    system.cluster.kubectl("delete", "namespace", system.namespace, "--timeout=200s")


def shown(system: DeployedSystem) -> Row:
    """Deploy one system in both ways, and start it on this machine."""
    begun = time.monotonic()
    system.deploy()
    deployed_s = time.monotonic() - begun
    begun = time.monotonic()
    system.deploy()
    again_s = time.monotonic() - begun
    time.sleep(SETTLED_S)
    pods, used = len(system.pods()), memory(system)
    gone(system)
    hand_s = by_hand(system)
    gone(system)
    begun = time.monotonic()
    with running(system.file, name="evidence"):
        laptop_s = time.monotonic() - begun
    return Row(system.system, pods, deployed_s, hand_s, again_s, used, laptop_s)


def main(wanted: list[str]) -> None:
    """Print the table; names of systems are those to show."""
    systems = wanted or list(kit_images.SYSTEMS)
    with TemporaryDirectory() as folder, docker_here.daemon(docker_here.kept()) as docker:
        scratch = Path(folder)
        (scratch / "bases").mkdir()
        standins.provide(docker, scratch / "bases", kit_images.uv())
        print(HEAD, flush=True)
        for name in systems:  # each in a cluster of its own, whose disks are new
            laid, scratched = scratch / f"of-{name}", scratch / f"images-{name}"
            laid.mkdir()
            scratched.mkdir()
            with nodes(docker, [name], scratched) as (made, authority):
                system = DeployedSystem.lay_out(made, name, laid)
                if authority is not None:
                    cluster_entry.encrypt(system, authority)
                print(shown(system), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
