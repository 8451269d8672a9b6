"""Argo CD in the tests' cluster, by its chart and the rendered values, with its server and pages.

Its program is built by `.ci/argocd`, with the pages in it; Git and what that needs are Debian's,
and Redis is Valkey. The stand-ins have the names of the chart's images: nothing of the rendered
values is changed. Beside them is said where the host of the repositories is, who signs for it, and
that there is no Dex, which only a single sign-on would ask.
"""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import argo_processes
import cluster_helm
import kube_images
import kube_trees
import pytest
import standins
import yaml
from cluster import Cluster
from cluster_argo import GIT, GIT_SERVER, WHERE
from cluster_helm import Programs
from cluster_node import HUB
from deployed import DeployedSystem
from docker_here import Docker
from free_ports import free_port
from git_repository import clone, push, remote
from rendered import artifacts_of

GET = "there is no Argo CD with its pages, or no Helm; run `make tools`"
RELEASE = NAMESPACE = argo_processes.NAMESPACE
SERVER = "deployment/argocd-server"
AVAILABLE_WITHIN_S = 300
IMAGE = "quay.io/argoproj/argocd:v3.1.9"
REDIS = "ecr-public.aws.com/docker/library/redis:7.2.11-alpine"
#: What its image has of Debian's, and calls.
CALLED = ("dash", "coreutils", "git", "gpg", "gpg-agent", "tini")
USER = "argocd:x:999:999:argocd:/home/argocd:/sbin/nologin\n"
#: The environment of each system in which it is followed.
FOLLOWED = {"shop": "production", "starter": "production", "travel": "prod"}
FORGE = "github.com"


def programs() -> Programs | None:
    """Find them."""
    home = argo_processes.home()
    file = home / "chart" if home else None
    return cluster_helm.programs(file if file and file.is_dir() else None)


@dataclass(frozen=True)
class Chart:
    """What is the same for all systems: the chart, and repositories that a cluster can reach."""

    cluster: Cluster
    found: Programs
    chart: Path
    own: Path
    repositories: Path

    def install(self, values: Path) -> None:
        """Install it with rendered values as the rendered script does, or bring it to these."""
        given = (f"--values={values}", f"--values={self.own}")
        if not self.cluster.kubectl("get", SERVER, WHERE, "--ignore-not-found"):
            alone = (*given, "--set=server.replicas=1")
            cluster_helm.install(self.cluster, self.found.helm, RELEASE, self.chart, *alone)
        cluster_helm.install(self.cluster, self.found.helm, RELEASE, self.chart, *given)

    def password(self) -> str:
        """Read the first one of its administrator, as the rendered page says."""
        path = "--output=jsonpath={.data.password}"
        read = self.cluster.kubectl("get", "secret", "argocd-initial-admin-secret", WHERE, path)
        return base64.b64decode(read).decode()


@dataclass(frozen=True)
class Followed:
    """A system whose rendered tree is in the repository that its Applications name."""

    system: DeployedSystem
    clone: Path

    @classmethod
    def lay_out(cls, chart: Chart, name: str, folder: Path) -> Followed:
        """Render a system's environment into the repository that its file names."""
        system = DeployedSystem.lay_out(chart.cluster, name, folder, FOLLOWED[name])
        root = {a.path: a for a in artifacts_of(name, FOLLOWED[name])}["argocd/root.yaml"].data
        place = root["spec"]["source"]["repoURL"].removeprefix(f"https://{FORGE}/")
        made = cls(system, clone(remote(chart.repositories / place), folder / "clone"))
        made.commit("feat: what is rendered")
        return made

    @property
    def tree(self) -> Path:
        """The rendered files of its environment."""
        return self.clone / "environments" / self.system.environment

    @property
    def domain(self) -> str:
        """The host of the server's pages."""
        values = yaml.safe_load((self.tree / "argocd/values/argo-cd.yaml").read_text())
        return str(values["global"]["domain"])

    def commit(self, message: str) -> None:
        """Render the model as it is now, and push that."""
        self.system.tarmac("render", "--env", self.system.environment, "--out", str(self.tree))
        push(self.clone, message)

    def read(self, file: str) -> dict[str, Any]:
        """Read an object that is rendered for Argo CD."""
        made: dict[str, Any] = yaml.safe_load((self.tree / "argocd" / file).read_text())
        return made

    def until_compared(self, name: str, state: str) -> None:
        """Wait until an Application was compared with Git, with this result."""
        cluster = self.system.cluster

        def status() -> Mapping[str, Any]:
            one = cluster.read("applications.argoproj.io", name, WHERE)
            read: Mapping[str, Any] = one.get("status", {})
            return read

        try:
            self.system.until(lambda: status().get("sync", {}).get("status") == state, 180)
        except AssertionError as error:
            raise AssertionError(f"{status()}\n{error}") from error


@contextlib.contextmanager
def begin(cluster: Cluster, docker: Docker, found: Programs, scratch: Path) -> Iterator[Chart]:
    """Have its images on the nodes, and a server of repositories by the forge's name.

    All that was installed is gone after the block.
    """
    _make_images(docker, found, cluster, scratch)
    kube_images.deliver(cluster.nodes, docker, (IMAGE, REDIS), scratch)
    served = scratch / "git"
    served.mkdir()
    root = argo_processes.write_certificates(scratch, FORGE)
    pair = (scratch / "tls.crt", scratch / "tls.key")
    server = cluster.hub.start(sys.executable, GIT_SERVER, served, str(GIT), *pair, HUB)
    own = scratch / "own.yaml"
    own.write_text(yaml.safe_dump(_own(root)))
    # Where there are its kinds, the chart has Prometheus watch it, as the values say.
    cluster.apply([kube_trees.definitions()["monitoring.coreos.com", "ServiceMonitor"]])
    copied = cluster_helm.copied(found.home / "chart", scratch / "chart")
    try:
        yield Chart(cluster, found, copied, own, served)
    finally:
        made = ("get", "applications.argoproj.io,appprojects.argoproj.io", WHERE, "--output=name")
        for name in cluster.kubectl(*made).split():  # nothing would take their finalizers away
            patch = ("--type=merge", '--patch={"metadata": {"finalizers": null}}')
            cluster.kubectl("patch", name, WHERE, *patch)
        env = {"KUBECONFIG": str(cluster.kubeconfig), "HOME": str(scratch)}
        subprocess.run([found.helm, "uninstall", RELEASE, WHERE, "--wait"], env=env, check=True)
        cluster.kubectl("delete", "namespace", NAMESPACE)
        cluster.hub.stop(server)


def _own(root: str) -> dict[str, Any]:
    """Write what differs here: the forge is a server beside the nodes, of the tests' authority."""
    return {
        "global": {"hostAliases": [{"ip": HUB, "hostnames": [FORGE]}]},
        "configs": {"tls": {"certificates": {FORGE: root}}},
        "crds": {"keep": False},
        "dex": {"enabled": False},
    }


def _make_images(docker: Docker, found: Programs, cluster: Cluster, scratch: Path) -> None:
    cache, root = scratch / "packages", scratch / "argocd"
    cache.mkdir()
    try:
        wanted = standins.with_needs(CALLED, cache)
        standins.fetch(wanted, cache)
    except standins.Unfetched as error:
        pytest.skip(str(error))
    standins.unpack(wanted, cache, root)
    with (root / "etc/passwd").open("a") as users:
        users.write(USER)
    place = root / "usr/local/bin"
    place.mkdir(parents=True, exist_ok=True)
    for program in (*found.home.glob("argocd*"), *found.home.glob("*-wrapper.sh")):
        shutil.copy(program, place, follow_symlinks=False)
    shutil.copy(cluster.programs / "kubectl", place)
    kustomize = place / "kustomize"
    kustomize.write_text(argo_processes.KUSTOMIZE.format(kubectl="/usr/local/bin/kubectl"))
    kustomize.chmod(0o755)
    for folder in ("home/argocd", "app/config/tls", "app/config/ssh", "app/config/gpg"):
        (root / folder).mkdir(parents=True)
    changes = ("USER 999", "ENV HOME=/home/argocd", 'ENTRYPOINT ["/usr/bin/tini", "--"]')
    standins.image(docker, IMAGE, root, *changes)
    context = scratch / "redis"
    context.mkdir()
    lines = (f"FROM {standins.VALKEY}", 'ENTRYPOINT ["valkey-server"]')
    (context / "Dockerfile").write_text("\n".join(lines))
    docker.run("build", "--tag", REDIS, str(context))


@contextlib.contextmanager
def forwarded(cluster: Cluster) -> Iterator[int]:
    """Lead a port of loopback to the server as the rendered page says, by kubectl itself."""
    here = free_port()
    told = ("port-forward", "service/argocd-server", WHERE, f"{here}:443")
    command = [cluster.programs / "kubectl", "--kubeconfig", cluster.kubeconfig, *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "Forwarding" in process.stdout.readline()
            yield here
        finally:
            process.terminate()
