"""A Kubernetes cluster for tests: a control plane and three nodes that run pods, on this machine.

Each node is a machine in namespaces (machines.py) with its own kubelet, containerd, kube-proxy and
network; a bridge between them stands for the network of a data centre. All three share this
machine's kernel, its disk and its cores, and their zones are labels alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apiserver
import built
import cluster_disks
import cluster_node
from cluster_node import API, HUB, Node, kubeconfig, write_kubeconfig
from machines import APART, Machine, machine

GET = "run .ci/apiserver and .ci/cluster as root, on Debian 12 with Go 1.24"
READY_WITHIN_S = 180.0
SERVICES, FIRST_SERVICE = "10.96.0.0/16", "10.96.0.1"
#: Debian's util-linux, iproute2, procps and mount.
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "sysctl", "mount", "hostname")
MANIFESTS = Path(__file__).parents[1] / "cluster" / "system.yaml"
NODES = 3


class NoCluster(Exception):
    """Why there is none, and what to do."""


@dataclass
class Cluster:
    """A running cluster."""

    folder: Path
    programs: Path
    hub: Machine
    nodes: tuple[Node, ...] = ()
    #: The API server's port on this machine's loopback.
    port: int = 0
    started_s: float = 0.0
    users: dict[str, str] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """An administrator's, for kubectl."""
        return self.folder / "admin.kubeconfig"

    def inside_kubeconfig(self) -> Path:
        """Write the same for programs that run in its network."""
        path = self.folder / "inside.kubeconfig"
        path.touch(0o600)
        here = f"https://127.0.0.1:{self.port}"
        path.write_text(self.kubeconfig.read_text().replace(here, API))
        return path

    def kubectl(self, *argv: str, given: str | None = None, check: bool = True) -> str:
        """Run kubectl and return what it prints. Raises AssertionError when it fails."""
        done = subprocess.run(
            [self.programs / "kubectl", "--kubeconfig", self.kubeconfig, *argv],
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
        )
        assert not check or done.returncode == 0, f"kubectl {argv}\n{done.stdout}{done.stderr}"
        return done.stdout

    def apply(self, objects: Sequence[Any]) -> None:
        """Apply objects as they are."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "--server-side", "--filename=-", given=given)

    def read(self, *argv: str) -> Any:
        """Return what `kubectl get` has, as data."""
        return json.loads(self.kubectl("get", *argv, "--output", "json"))

    def reach(self, address: str, port: int) -> int:
        """Give a port of loopback that leads to an address as the first node's programs know it."""
        return self.nodes[0].machine.forward(address, port)

    def cut_off(self, node: Node) -> None:
        """Take a node off the network; all that runs there goes on."""
        self.hub.run("ip", "link", "set", f"to-{node.name}", "down")

    def connect(self, node: Node) -> None:
        """Put it back."""
        self.hub.run("ip", "link", "set", f"to-{node.name}", "up")


def home() -> tuple[Path, Path]:
    """Find the programs and the packages' folder. Raises NoCluster."""
    if os.geteuid() != 0:
        raise NoCluster("nodes are namespaces, which take root; run the tests as root")
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        raise NoCluster(f"not on PATH: {', '.join(missing)}; install them")
    tried = subprocess.run(["unshare", *APART, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise NoCluster(f"namespaces cannot be made here: {tried.stderr.strip()}")
    programs = apiserver.home()
    if programs is None or not (programs / "kubelet").exists():
        raise NoCluster(f"there is no kubelet; {GET}")
    found = built.newest("cluster-*/usr/bin/containerd")
    if found is None:
        raise NoCluster(f"there is no containerd; {GET}")
    return programs, found.parents[2]


@contextlib.contextmanager
def cluster(images: Sequence[Path]) -> Iterator[Cluster]:
    """Start a cluster whose nodes have the images of files; it ends with the block.

    Raises:
        NoCluster: this machine has not what it takes.
    """
    programs, packages = home()
    began = time.monotonic()
    libraries = next((packages / "usr/lib").glob("*-linux-gnu"))
    env = {
        "HOME": "/root",
        "GOGC": "400",  # a fifth less work for some more memory
        "GOMEMLIMIT": "3GiB",  # an API server that serves all of these tests would take 9
        "PATH": f"{programs}:{packages}/usr/sbin:{packages}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
    }
    folder = Path(tempfile.mkdtemp(prefix="tarmac-cluster-"))
    try:
        with contextlib.ExitStack() as stack:
            hub = stack.enter_context(machine("hub", folder / "hub", env))
            made = Cluster(folder, programs, hub)
            _lay_network(made)
            made.nodes = tuple(_connect_node(stack, made, number) for number in range(1, NODES + 1))
            with ThreadPoolExecutor() as pool:
                containers = pool.submit(
                    cluster_node.start_containers, made.nodes, packages, images
                )
                _start_control_plane(made)
                containers.result()
            for node in made.nodes:
                cluster_node.start_kubelet(node, folder)
            _wait_for_nodes(made)
            made.started_s = time.monotonic() - began
            stack.enter_context(cluster_disks.given_out_again(made))
            yield made
    finally:
        cluster_node.remove_cgroups(folder.name)
        shutil.rmtree(folder)


def _flags(**given: object) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


def _lay_network(made: Cluster) -> None:
    """Make the bridge between the nodes."""
    hub = made.hub
    hub.run("ip", "link", "add", "nodes", "type", "bridge")
    hub.run("ip", "address", "add", f"{HUB}/24", "dev", "nodes")
    hub.run("ip", "link", "set", "nodes", "up")
    hub.run("ip", "route", "add", "default", "dev", "nodes")  # a source for what goes nowhere


def _start_control_plane(made: Cluster) -> None:
    """Start etcd, the API server, the controllers and the scheduler, beside the nodes' bridge."""
    hub, folder = made.hub, made.folder
    apiserver.write_keys(folder, ("127.0.0.1", HUB, FIRST_SERVICE))
    programs = ("kube-controller-manager", "kube-scheduler", "kube-proxy")
    made.users = {"admin": "system:masters", **{f"system:{name}": "" for name in programs}}
    made.users |= {f"system:node:node{number}": "system:nodes" for number in range(1, NODES + 1)}
    made.port = hub.forward(HUB, 6443)
    tokens = folder / "tokens.csv"
    tokens.touch(0o600)
    with tokens.open("w") as listed:
        for user, group in made.users.items():
            token = secrets.token_hex(16)
            listed.write(f'{token},{user},{user},"{group}"\n')
            here = f"https://127.0.0.1:{made.port}" if user == "admin" else API
            write_kubeconfig(folder, user, token, here)
    hub.start(
        "etcd",
        *_flags(data_dir=folder / "etcd", unsafe_no_fsync="true"),  # it does not outlive the test
    )
    certificate, key = folder / "it.crt", folder / "it.key"
    hub.start(
        "kube-apiserver",
        *_flags(
            etcd_servers="http://127.0.0.1:2379",
            advertise_address=HUB,
            tls_cert_file=certificate,
            tls_private_key_file=key,
            token_auth_file=tokens,
            authorization_mode="Node,RBAC",
            enable_admission_plugins=",".join(("NodeRestriction", *apiserver.ADMISSION)),
            service_account_issuer="https://kubernetes.default.svc",
            service_account_signing_key_file=folder / "accounts.key",
            service_account_key_file=folder / "accounts.key",
            service_cluster_ip_range=SERVICES,
            allow_privileged="true",
            # By its address: nothing tells the API server what a node's name means.
            kubelet_preferred_address_types="InternalIP",
            kubelet_client_certificate=certificate,
            kubelet_client_key=key,
            # Others' APIs beside its own (metrics of pods): asked at their pods, not by a Service's
            # address, for which there are no rules here; and told in whose name.
            enable_aggregator_routing="true",
            requestheader_client_ca_file=folder / "ca.crt",
            requestheader_allowed_names="it",
            requestheader_username_headers="X-Remote-User",
            requestheader_group_headers="X-Remote-Group",
            requestheader_extra_headers_prefix="X-Remote-Extra-",
            proxy_client_cert_file=certificate,
            proxy_client_key_file=key,
        ),
    )
    _await(lambda: "ok" in made.kubectl("get", "--raw", "/readyz", check=False), made)
    hub.start(
        "kube-controller-manager",
        *_flags(
            kubeconfig=kubeconfig(folder, "system:kube-controller-manager"),
            leader_elect="false",
            use_service_account_credentials="true",
            service_account_private_key_file=folder / "accounts.key",
            root_ca_file=folder / "ca.crt",
            node_monitor_grace_period="15s",
            node_monitor_period="2s",
            horizontal_pod_autoscaler_sync_period="2s",
        ),
    )
    scheduler = kubeconfig(folder, "system:kube-scheduler")
    hub.start("kube-scheduler", *_flags(kubeconfig=scheduler, leader_elect="false"))


def _connect_node(stack: contextlib.ExitStack, made: Cluster, number: int) -> Node:
    name = f"node{number}"
    inner = stack.enter_context(machine(name, made.folder / name, made.hub.env, within=made.hub))
    node = Node(inner, number, f"{made.folder.name}-{name}")
    cable = f"to-{name}"
    made.hub.connect(inner, cable)
    made.hub.run("ip", "link", "set", cable, "master", "nodes", "up")
    made.hub.run("ip", "route", "add", node.pods, "via", node.address)
    cluster_node.connect(node)
    return node


def _wait_for_nodes(made: Cluster) -> None:
    """Give the nodes their zones and disks, and wait until their pods find names."""
    made.kubectl("apply", "--server-side", "--filename", str(MANIFESTS))
    made.kubectl(
        "create", "clusterrolebinding", "nodes-proxy",
        "--clusterrole=system:node-proxier", "--user=system:kube-proxy",
    )  # fmt: skip
    ready = "condition=Ready"
    names = [f"node/{node.name}" for node in made.nodes]
    _await(lambda: len(made.read("nodes")["items"]) == len(names), made)
    for node, zone in zip(made.nodes, "abc", strict=True):
        labels = ("role=general", f"topology.kubernetes.io/zone=kind-{zone}")
        made.kubectl("label", "node", node.name, *labels)
        made.kubectl("apply", "--server-side", "--filename", "-", given=cluster_node.disks(node))
    made.kubectl("wait", *names, f"--for={ready}", f"--timeout={READY_WITHIN_S:.0f}s")
    dns = ("deployment/coredns", "--namespace=kube-system")
    made.kubectl("rollout", "status", *dns, f"--timeout={READY_WITHIN_S:.0f}s")


def _await(true: Callable[[], bool], made: Cluster) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while not true():
        machines = [made.hub, *(node.machine for node in made.nodes)]
        for where in machines:
            for process in where.processes:
                assert process.poll() is None, f"{process.args} ended: {where.logs()}"
        assert time.monotonic() < end, made.hub.logs()
        time.sleep(0.1)
