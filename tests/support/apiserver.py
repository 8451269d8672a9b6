"""A Kubernetes control plane on loopback for tests: etcd, an API server, and controllers if asked.

It has no nodes: what is applied is admitted, kept and acted on by controllers, and no container
ever runs. Every run has keys of its own and every connection is encrypted and authenticated.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authority import certificate, new_authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from free_ports import free_ports

GET = "no Kubernetes API server here: set APISERVER_HOME, or have .ci/apiserver build one"
HOST = "127.0.0.1"
READY_S = 60.0
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")

#: Some are on without being named; these are what the tests rely on.
ADMISSION = (
    "NamespaceLifecycle",
    "ServiceAccount",
    "LimitRanger",
    "ResourceQuota",
    "PodSecurity",
    "ValidatingAdmissionPolicy",
)
CONTROLLERS = "system:kube-controller-manager"


def home() -> Path | None:
    """Find the folder with the programs; None where there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = sorted(
        (cache / "tarmac" / "programs").glob("apiserver-*"),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    named = os.environ.get("APISERVER_HOME")
    for found in [Path(named)] if named else kept:
        if all(os.access(found / program, os.X_OK) for program in PROGRAMS):
            return found
    return None


@dataclass
class ControlPlane:
    """A running control plane, and what a client needs to speak to it."""

    home: Path
    folder: Path
    url: str
    #: Of a user of the group `system:masters`, to whom everything is allowed.
    token: str
    controllers_token: str
    started_s: float = 0.0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def authority(self) -> Path:
        """The certificate that signed the server's."""
        return self.folder / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """A file for kubectl and helm."""
        return self._kubeconfig("admin", self.token)

    def _kubeconfig(self, user: str, token: str) -> Path:
        path = self.folder / f"{user}.kubeconfig"
        path.touch(0o600)
        path.write_text(
            f"""apiVersion: v1
kind: Config
clusters: [{{name: it, cluster: {{server: "{self.url}", certificate-authority: {self.authority}}}}}]
users: [{{name: it, user: {{token: {token}}}}}]
contexts: [{{name: it, context: {{cluster: it, user: it}}}}]
current-context: it
"""
        )
        return path

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl against it."""
        return subprocess.run(
            [self.home / "kubectl", "--kubeconfig", self.kubeconfig, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
        )

    def start_controllers(self) -> None:
        """Start what makes pods of workloads, counts quotas and gives namespaces their accounts."""
        self.start(
            "kube-controller-manager",
            kubeconfig=self._kubeconfig("controllers", self.controllers_token),
            leader_elect="false",
            bind_address=HOST,
            secure_port=0,
            use_service_account_credentials="true",
            service_account_private_key_file=self.folder / "accounts.key",
            root_ca_file=self.authority,
            horizontal_pod_autoscaler_sync_period="1s",  # so long until one asks for its least
        )

    def start(self, program: str, **flags: object) -> None:
        """Start one of the programs; it logs to a file of its name."""
        argv = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self.run(self.home / program, *argv)

    def run(
        self, program: Path, *argv: str, kubeconfig: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Run a program beside it; it logs to a file of its name."""
        own = {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
        with (self.folder / f"{program.name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [program, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    # A fifth less work for some more memory.
                    env={"HOME": str(self.folder), "PATH": os.environ["PATH"], "GOGC": "400"} | own,
                    start_new_session=True,
                )
            )
        return self.processes[-1]

    def log(self, program: str) -> str:
        """Read the end of a program's log."""
        return (self.folder / f"{program}.log").read_text(errors="replace")[-4000:]

    def is_ready(self) -> bool:
        """Tell whether it says of itself that it serves."""
        asked = urllib.request.Request(
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"}
        )
        trust = ssl.create_default_context(cafile=str(self.authority))
        try:
            with urllib.request.urlopen(asked, timeout=5, context=trust) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def wait(self) -> None:
        """Return when it serves. Raises AssertionError with its log if it ends or never does."""
        end = time.monotonic() + READY_S
        while not self.is_ready():
            for process in self.processes:
                program = Path(process.args[0]).name  # type: ignore[index]
                assert process.poll() is None, f"{program} ended:\n{self.log(program)}"
            assert time.monotonic() < end, self.log("kube-apiserver")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, the last that was started first: what it kept is of no use."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextlib.contextmanager
def control_plane(programs: Path, folder: Path) -> Iterator[ControlPlane]:
    """Start etcd and an API server in a folder; both end with the block."""
    began = time.monotonic()
    store, peer, api = free_ports(3)
    plane = ControlPlane(
        programs, folder, f"https://{HOST}:{api}", secrets.token_hex(32), secrets.token_hex(32)
    )
    write_keys(folder)
    tokens = folder / "tokens.csv"
    tokens.touch(0o600)
    tokens.write_text(
        f'{plane.token},admin,1,"system:masters"\n{plane.controllers_token},{CONTROLLERS},2\n'
    )
    authority, certificate, key = plane.authority, folder / "it.crt", folder / "it.key"
    try:
        plane.start(
            "etcd",
            data_dir=folder / "etcd",
            listen_client_urls=f"https://{HOST}:{store}",
            advertise_client_urls=f"https://{HOST}:{store}",
            listen_peer_urls=f"https://{HOST}:{peer}",
            initial_advertise_peer_urls=f"https://{HOST}:{peer}",
            initial_cluster=f"default=https://{HOST}:{peer}",
            cert_file=certificate,
            key_file=key,
            trusted_ca_file=authority,
            client_cert_auth="true",
            peer_cert_file=certificate,
            peer_key_file=key,
            peer_trusted_ca_file=authority,
            peer_client_cert_auth="true",
            unsafe_no_fsync="true",  # it does not outlive the test
        )
        plane.start(
            "kube-apiserver",
            etcd_servers=f"https://{HOST}:{store}",
            etcd_cafile=authority,
            etcd_certfile=certificate,
            etcd_keyfile=key,
            bind_address=HOST,
            advertise_address=HOST,
            secure_port=api,
            tls_cert_file=certificate,
            tls_private_key_file=key,
            token_auth_file=tokens,
            anonymous_auth="false",
            authorization_mode="RBAC",
            enable_admission_plugins=",".join(ADMISSION),
            service_account_issuer="https://kubernetes.default.svc",
            service_account_signing_key_file=folder / "accounts.key",
            service_account_key_file=folder / "accounts.key",
            service_cluster_ip_range="10.96.0.0/16",
            endpoint_reconciler_type="none",  # nobody reaches a loopback from a pod
            allow_privileged="true",  # as in clusters that people have: Pod Security refuses it
            profiling="false",
        )
        plane.wait()
        plane.started_s = time.monotonic() - began
        yield plane
    finally:
        plane.stop()


def write_keys(folder: Path, addresses: Sequence[str] = (HOST,)) -> None:
    """Write an authority, one certificate for all servers and etcd's client, a key for tokens.

    Where a kubelet trusts the authority, the certificate is an administrator's.
    """
    authority, root = new_authority()
    name = root.subject
    _write(folder / "ca.crt", root)
    key = ec.generate_private_key(ec.SECP256R1())
    administrators = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters")
    subject = x509.Name([administrators, x509.NameAttribute(NameOID.COMMON_NAME, "it")])
    names = x509.SubjectAlternativeName(
        [
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            x509.DNSName("kubernetes.default.svc"),
        ]
    )
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    signed = certificate(subject, name, key.public_key(), authority)
    signed = signed.add_extension(names, critical=False).add_extension(uses, critical=False)
    _write(folder / "it.crt", signed.sign(authority, hashes.SHA256()))
    _write(folder / "it.key", key)
    _write(folder / "accounts.key", ec.generate_private_key(ec.SECP256R1()))


def _write(path: Path, what: x509.Certificate | ec.EllipticCurvePrivateKey) -> None:
    path.touch(0o600)
    if isinstance(what, x509.Certificate):
        path.write_bytes(what.public_bytes(serialization.Encoding.PEM))
    else:
        path.write_bytes(
            what.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
