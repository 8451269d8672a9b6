"""Istio for tests: istiod beside an API server, and workloads with an agent and a stock Envoy.

Each workload is a machine in namespaces with its own address; its traffic is led through Envoy by
the rules that Istio's own program writes. No kubelet runs: what a Pod says is written by the test,
and the program in it is `echoing_pod.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import built
import yaml
from apiserver import ControlPlane
from machines import Machine, machine

GET = "no istiod here: have .ci/istiod build it"
HUB = "10.77.0.1"
ROOT = "istio-system"
#: What istiod's certificate calls it.
NAME = f"istiod.{ROOT}.svc"
READY_S = 120.0
#: Istio's own number, which its rules let pass.
GROUP = "1337"
APP = Path(__file__).with_name("echoing_pod.py")
#: Filters that only Istio's own build of Envoy has.
STOCK = {
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_AMBIENT": "false",
    "ENABLE_LEADER_ELECTION": "false",
}


def home() -> Path | None:
    """Find the folder with Istio's programs; None where there is none."""
    found = built.newest("istiod-*/istioctl")
    return found.parent if found else None


def envoy() -> Path | None:
    """Find a stock Envoy."""
    return built.newest("checkers/envoy/lib/python3*/site-packages/envoy/_bin/envoy")


def tables() -> Path | None:
    """Find Debian's iptables, unpacked."""
    found = built.newest("cluster-*/usr/sbin/iptables")
    return found.parents[2] if found else None


@dataclass
class Istiod:
    """A running istiod."""

    programs: Path
    folder: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """Read the end of its log."""
        return (self.folder / "istiod.log").read_text(errors="replace")[-4000:]

    def wait(self) -> None:
        """Return when it serves. Raises AssertionError with its log."""
        end = time.monotonic() + READY_S
        while not _answers("http://127.0.0.1:8080/ready"):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.2)

    def synced(self) -> dict[str, Any]:
        """Read which proxies took what they were sent."""
        with urllib.request.urlopen("http://127.0.0.1:8080/debug/syncz", timeout=10) as answer:
            found = json.load(answer)
        return {one["proxy"]: one for one in found or ()}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@contextlib.contextmanager
def istiod(
    programs: Path,
    plane: ControlPlane,
    folder: Path,
    mesh: Mapping[str, Any],
    injected: Mapping[str, str],
) -> Iterator[Istiod]:
    """Start it with a mesh's configuration; it ends with the block.

    Args:
        injected: what it adds to pods, as its chart says it: `config` and `values`.
    """
    templates = folder / "var/lib/istio/inject"
    templates.mkdir(parents=True)
    for name, text in injected.items():
        (templates / name).write_text(text)
    config = folder / "mesh.yaml"
    config.write_text(yaml.safe_dump(dict(mesh)))
    argv = [
        programs / "pilot-discovery",
        "discovery",
        f"--kubeconfig={plane.kubeconfig}",
        f"--meshConfig={config}",
        f"--clusterRegistriesNamespace={ROOT}",
        "--domain=cluster.local",
        "--httpsAddr=:443",  # where its Service leads: nothing here leads from one port to another
    ]
    env = {
        **STOCK,
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "POD_NAMESPACE": ROOT,
        "POD_NAME": "istiod",
        "PILOT_CERT_PROVIDER": "istiod",
        "GOGC": "400",
    }
    with (folder / "istiod.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder, env=env)
    try:
        yield Istiod(programs, folder, process)
    finally:
        process.kill()
        process.wait()


@dataclass
class Workload:
    """A pod's stand-in: a machine with the program, and with Istio's agent and Envoy beside it."""

    name: str
    account: str
    address: str
    port: int
    machine: Machine
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, url: str, times: int = 1, **headers: str) -> list[tuple[int, str]]:
        """Send requests from here, one after the other; list status and text of each answer.

        0 is the status of a connection that was refused or broken off.
        """
        said = self.machine.run(sys.executable, "-IS", APP, "ask", url, times, json.dumps(headers))
        return [(status, text) for status, text in json.loads(said)]

    def answer_with(self, status: int) -> None:
        """Have the program answer so from now on."""
        (self.folder / "status").write_text(str(status))

    def envoy(self, path: str) -> str:
        """Ask Envoy's administration."""
        url = f"http://127.0.0.1:15000/{path}"
        code = f"import urllib.request as u; print(u.urlopen('{url}').read().decode())"
        return self.machine.run(sys.executable, "-IS", "-c", code)

    def is_ready(self) -> bool:
        """Tell whether its agent says so: Envoy took its configuration and is live."""
        url = "http://127.0.0.1:15021/healthz/ready"
        code = f"import urllib.request as u; u.urlopen('{url}', timeout=5)"
        done = subprocess.run(
            self.machine.inside(sys.executable, "-IS", "-c", code), capture_output=True, check=False
        )
        return done.returncode == 0

    def logs(self) -> str:
        """Read the ends of what its programs logged."""
        return self.machine.logs()


def bridge() -> None:
    """Lay the network between workloads, in the network that the caller is in."""
    for argv in (
        ("link", "add", "pods", "type", "bridge"),
        ("address", "add", f"{HUB}/24", "dev", "pods"),
        ("link", "set", "pods", "up"),
    ):
        subprocess.run(["ip", *argv], check=True)


@contextlib.contextmanager
def workload(folder: Path, name: str, account: str, number: int, port: int) -> Iterator[Workload]:
    """Start a machine with an address and the program; without a sidecar, as yet."""
    libraries = tables()
    assert libraries is not None
    lib = next((libraries / "usr/lib").glob("*-linux-gnu"))
    env = {
        "HOME": "/root",
        "PATH": f"{libraries}/usr/sbin:{libraries}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": str(lib),
        "XTABLES_LIBDIR": str(lib / "xtables"),
    }
    folder = folder / name
    with machine(name, folder, env) as made:
        cable, address = f"pod{number}", f"10.77.0.{number}"
        ends = ("type", "veth", "peer", "name", "eth0", "netns", str(made.pid))
        subprocess.run(["ip", "link", "add", cable, *ends], check=True)
        subprocess.run(["ip", "link", "set", cable, "master", "pods", "up"], check=True)
        made.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        made.run("ip", "link", "set", "eth0", "up")
        made.run("ip", "route", "add", "default", "via", HUB)
        names = folder / "hosts"
        names.write_text(f"127.0.0.1 localhost\n{HUB} {NAME}\n")
        made.run("mount", "--bind", names, "/etc/hosts")
        pod = Workload(name, account, address, port, made, folder)
        pod.answer_with(200)
        made.start(sys.executable, "-IS", APP, "serve", str(port), name, str(folder / "status"))
        yield pod


def start_sidecar(pod: Workload, programs: Path, namespace: str, tokens: Mapping[str, str]) -> None:
    """Start Istio's agent, which starts Envoy, and lead the pod's traffic through it.

    Args:
        tokens: the account's token for istiod's authority, and that authority's certificate.
    """
    own = pod.folder / "agent"
    for path, text in (
        ("var/run/secrets/tokens/istio-token", tokens["token"]),
        ("var/run/secrets/istio/root-cert.pem", tokens["root"]),
        ("etc/istio/pod/labels", f'app.kubernetes.io/name="{pod.account}"\n'),
    ):
        at = own / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
    config = {
        "discoveryAddress": f"{NAME}:15012",
        "binaryPath": str(envoy()),
        "configPath": str(own / "etc/istio/proxy"),
        "terminationDrainDuration": "1s",
        "concurrency": 1,
    }
    env = {
        "POD_NAME": pod.name,
        "POD_NAMESPACE": namespace,
        "INSTANCE_IP": pod.address,
        "HOST_IP": HUB,
        "SERVICE_ACCOUNT": pod.account,
        "PROXY_CONFIG": json.dumps(config),
        "ISTIO_META_CLUSTER_ID": "Kubernetes",
        "ISTIO_META_INTERCEPTION_MODE": "REDIRECT",
        "ISTIO_META_WORKLOAD_NAME": pod.account,
        "ISTIO_META_MESH_ID": "cluster.local",
        "TRUST_DOMAIN": "cluster.local",
        "JWT_POLICY": "third-party-jwt",
        "PILOT_CERT_PROVIDER": "istiod",
        "CA_ADDR": f"{NAME}:15012",
        "GOGC": "400",
    }
    agent = [
        str(programs / "pilot-agent"),
        "proxy",
        "sidecar",
        "--domain",
        f"{namespace}.svc.cluster.local",
        "--proxyLogLevel=warning",
        f"--templateFile={programs / 'envoy_bootstrap.json'}",
    ]
    given = f'cd "{own}" && exec setpriv --regid {GROUP} --clear-groups "$@"'
    pod.machine.start("/bin/sh", "-c", given, "agent", *agent, env={**env, "LD_LIBRARY_PATH": ""})
    pod.machine.run(
        programs / "pilot-agent", "istio-iptables", "-p", "15001", "-z", "15006", "-u", GROUP,
        "-g", GROUP, "-m", "REDIRECT", "-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020",
    )  # fmt: skip


def wait_for(pods: Sequence[Workload], control: Istiod) -> None:
    """Return when every sidecar is ready. Raises AssertionError with logs."""
    end = time.monotonic() + READY_S
    for pod in pods:
        while not pod.is_ready():
            assert time.monotonic() < end, f"{pod.logs()}\n{control.log()}"
            time.sleep(0.5)
