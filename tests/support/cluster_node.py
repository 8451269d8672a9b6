"""What makes a machine a node of the tests' cluster: containers, a kubelet, kube-proxy."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from machines import Machine

#: The bridge between the nodes, on which the API server listens: inside of the network that the
#: systems' environments `kind` give for one.
HUB = "172.30.0.1"
#: How a node takes the images of a file, whose name follows.
TAKE = ("ctr", "--namespace", "k8s.io", "images", "import", "--snapshotter=overlayfs")
API = f"https://{HUB}:6443"
DNS = "10.96.0.10"
PODS = "10.244.0.0/16"
PAUSE = "registry.k8s.io/pause:3.10"
COREDNS = "registry.k8s.io/coredns/coredns:v1.12.4"
#: A plug-in of our own, which containerd runs for each pod.
CABLES = Path(__file__).with_name("cable_names.py")
SOCKET = "/run/containerd/containerd.sock"
CGROUPS = Path("/sys/fs/cgroup")
#: The hierarchies in which a kubelet has pods counted and limited, with cgroups of version 1.
HIERARCHIES = (
    *("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"),
    *("hugetlb", "net_cls", "net_prio", "perf_event", "systemd"),
)
#: Disks that a node has for stores; each is a folder.
DISKS = 12
STARTED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Node:
    """One of the nodes."""

    machine: Machine
    number: int
    #: Below which its pods are counted and limited.
    cgroup: str

    @property
    def name(self) -> str:
        """As Kubernetes has it."""
        return self.machine.name

    @property
    def address(self) -> str:
        """In the network of nodes."""
        return f"172.30.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        """The network of its pods."""
        return f"10.244.{self.number}.0/24"


def kubeconfig(folder: Path, user: str) -> Path:
    """Name a user's file for clients of the API server."""
    return folder / f"{user.replace(':', '-')}.kubeconfig"


def write_kubeconfig(folder: Path, user: str, token: str, url: str) -> None:
    """Write that file."""
    path = kubeconfig(folder, user)
    path.touch(0o600)
    authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    cluster = {"server": url, "certificate-authority-data": authority}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    path.write_text(json.dumps(content))


def connect(node: Node) -> None:
    """Give a machine its address and its way out."""
    machine = node.machine
    machine.run("ip", "address", "add", f"{node.address}/24", "dev", "eth0")
    machine.run("ip", "link", "set", "eth0", "up")
    machine.run("ip", "route", "add", "default", "via", HUB)


def start_containers(nodes: Sequence[Node], packages: Path, images: Sequence[Path]) -> None:
    """Start containerd on machines, each with the images of files.

    The first unpacks them; the others have its layers, which nothing writes to, by links: so they
    are unpacked once, and are on the disk once.
    """
    first, *others = nodes
    began = _start_containerd(first, packages)
    for file in images:
        bring(first, file)
    first.machine.stop(began)
    source = first.machine.folder / "containerd"
    for node in others:
        copy = node.machine.folder / "containerd"
        subprocess.run(["cp", "--archive", "--link", source, copy], check=True)
        for database in source.rglob("*.db"):
            own = copy / database.relative_to(source)
            own.unlink()
            shutil.copy(database, own)
    for node in nodes:
        _start_containerd(node, packages)


def bring(node: Node, images: Path) -> None:
    """Give a node the images of a file."""
    node.machine.run(*TAKE, images)


def registries(node: Node) -> Path:
    """Name the folder that says how a node's containerd reaches registries; read at each pull."""
    return node.machine.folder / "registries"


def _start_containerd(node: Node, packages: Path) -> subprocess.Popen[bytes]:
    machine = node.machine
    plugins = machine.folder / "cni"
    if not plugins.exists():
        plugins.mkdir()
        (plugins / "10-pods.conflist").write_text(json.dumps(_network(node)))
        for plugin in (packages / "usr/lib/cni").iterdir():
            (plugins / plugin.name).symlink_to(plugin)
        (plugins / CABLES.stem).write_text(f"#!{sys.executable} -IS\n{CABLES.read_text()}")
        (plugins / CABLES.stem).chmod(0o755)
    registries(node).mkdir(exist_ok=True)
    config = machine.folder / "containerd.toml"
    config.write_text(
        f"""version = 2
root = "{machine.folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true  # where a container may not lower its own
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{plugins}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{registries(node)}"
"""
    )
    process = machine.start("containerd", "--config", config)
    end = time.monotonic() + STARTED_WITHIN_S
    while not _answers(machine):
        assert time.monotonic() < end, machine.logs()
        time.sleep(0.1)
    return process


def _answers(machine: Machine) -> bool:
    try:
        machine.run("ctr", "--connect-timeout=2s", "version")
    except AssertionError:
        return False
    return True


def _network(node: Node) -> dict[str, object]:
    """Say how pods are connected: each by a cable of its own to its node, which routes.

    Not by a bridge: what goes between pods of one node goes through its firewall as well.
    """
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": node.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipam": addresses},
        {"type": CABLES.stem},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}


def start_kubelet(node: Node, folder: Path) -> None:
    """Start what runs the pods of a node, and what leads to Services there."""
    machine, own = node.machine, node.machine.folder
    _make_cgroups(node.cgroup)
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",  # this machine's is none of the pods' business
        "failSwapOn": False,
        "oomScoreAdj": 0,  # a lower one takes rights that a container has not
        "podLogsDir": str(own / "pods"),
        "volumePluginDir": str(own / "volume-plugins"),
        # Three nodes share a disk, which may be nearly full for reasons of its own.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "5s",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(folder / "ca.crt")},
        },
    }
    config = own / "kubelet.yaml"
    config.write_text(json.dumps(settings))
    machine.start(
        "kubelet",
        f"--config={config}",
        f"--kubeconfig={kubeconfig(folder, f'system:node:{node.name}')}",
        f"--root-dir={own}/kubelet",
        f"--cert-dir={own}/kubelet/pki",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    )
    machine.start(
        "kube-proxy",
        f"--kubeconfig={kubeconfig(folder, 'system:kube-proxy')}",
        f"--hostname-override={node.name}",
        f"--cluster-cidr={PODS}",
        "--proxy-mode=iptables",
        "--oom-score-adj=0",
        # Settings of the whole machine stay as they are.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    )


def disks(node: Node) -> str:
    """Make the folders that are a node's disks, and describe them to Kubernetes."""
    items = []
    for number in range(1, DISKS + 1):
        folder = node.machine.folder / f"disk{number}"
        folder.mkdir()
        own = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
        spec = {
            "capacity": {"storage": "1Ti"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "standard",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [own]}]}},
        }
        metadata = {"name": f"{node.name}-disk{number}"}
        items.append(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
        )
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _hierarchies() -> Iterator[Path]:
    """List the roots of cgroups: one for each hierarchy, or the only one of version 2."""
    found = [CGROUPS / name for name in HIERARCHIES if (CGROUPS / name / "tasks").exists()]
    yield from found or [CGROUPS]


def _make_cgroups(name: str) -> None:
    for root in _hierarchies():
        made = root / name
        made.mkdir()
        if root.name == "cpuset":  # a new one is empty, and nothing could run in it
            for what in ("cpuset.cpus", "cpuset.mems"):
                (made / what).write_text((root / what).read_text())


def remove_cgroups(prefix: str) -> None:
    """Remove what nodes have left there; of a process that still ends it is waited for."""
    end = time.monotonic() + STARTED_WITHIN_S
    # In any of them: containerd makes one where it keeps no account, too.
    for top in (*CGROUPS.glob(f"{prefix}*"), *CGROUPS.glob(f"*/{prefix}*")):
        for folder, _, _ in os.walk(top, topdown=False):
            while True:
                try:
                    Path(folder).rmdir()
                    break
                except OSError:
                    assert time.monotonic() < end, f"{folder} is still in use"
                    time.sleep(0.05)
