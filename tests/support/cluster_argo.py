"""Argo CD in the tests' cluster: its controller and what it reads repositories with, as processes.

Beside them (`argo_processes`) are a Valkey and a server of Git repositories over HTTPS. It follows
Git by asking, every few seconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import argo_processes as processes
import kube_trees
import yaml
from cluster import Cluster
from deployed import DeployedSystem
from git_repository import clone, git, push, remote
from rendered import plan_of

GIT_SERVER = Path(__file__).with_name("git_server.py")
#: Ports of the network that these processes have for themselves.
GIT, REDIS, REPOSITORIES = 443, 6379, 8081
WHERE = f"--namespace={processes.NAMESPACE}"
#: What follows Git in the model of a small cluster's environment, beside a namespace of its own.
FOLLOWED = """\
    namespace: {system}-gitops
    gitops: {{source: {source}}}
    replicas: {{min: 1, max: 3, cpu: 70}}
    nodes: {{role: general}}
"""
HOME = Path("environments/kind")


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
    processes.write_certificates(folder)
    pair = (folder / "tls.crt", folder / "tls.key")
    (folder / "git").mkdir()
    hub.start(sys.executable, GIT_SERVER, folder / "git", str(GIT), *pair)
    processes.lend_builders(cluster.programs / "kubectl", folder / "bin")
    inside = cluster.inside_kubeconfig()
    cluster.apply(processes.objects(programs))
    env = processes.env(programs, folder, inside, hub.env["PATH"])
    for argv in processes.commands(programs, inside, REDIS, REPOSITORIES):
        hub.start(*argv, env=env)


def follow(followed: Followed) -> None:
    """Have the settings that are rendered for Argo CD, and the kinds that the tree is of."""
    cluster, tree = followed.system.cluster, followed.clone / HOME
    values = yaml.safe_load((tree / "argocd/values/argo-cd.yaml").read_text())
    cluster.apply(
        [processes.settings("argocd-cm", {k: _text(v) for k, v in values["configs"]["cm"].items()})]
    )
    define(cluster, tree)


def define(cluster: Cluster, tree: Path) -> None:
    """Have the kinds that a rendered tree is of."""
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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()
