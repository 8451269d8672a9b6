"""The daemon of Chaos Mesh speaks to the runtime that its nodes have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.resources import argument, resources_of

_CHART = "chaos-mesh"
#: Clusters whose nodes have containerd alone, since Kubernetes 1.24.
_CLUSTERS = {
    "aws_eks_cluster": "EKS",
    "google_container_cluster": "GKE",
    "azurerm_kubernetes_cluster": "AKS",
}


class DaemonValues(NamedTuple):
    """What the daemon is told."""

    where: str
    runtime: str
    #: Whether it is written, and not the chart's own.
    is_written: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield daemons for Docker in clusters without it."""
    told = [one for one in _daemons(files) if one.runtime == "docker"]
    cluster = next(_clusters(files), "") if told else ""
    for one in told if cluster else ():
        which = "is told that nodes run docker" if one.is_written else "takes docker by default"
        what = f"the daemon of Chaos Mesh {which}, and those of {cluster} run containerd: no fault"
        advice = "chaosDaemon: {runtime: containerd, socketPath: /run/containerd/containerd.sock}"
        yield Finding(one.where, f"{what} is ever injected; write {advice}")


@once
def _daemons(files: Files) -> Iterator[DaemonValues]:
    for given in given_values(files, frozenset({_CHART})):
        daemon = fields(given.artifact.data, *given.path, "chaosDaemon")
        at = (*given.path, *(("chaosDaemon", "runtime") if "runtime" in daemon else ()))
        runtime = string(daemon, "runtime") or "docker"
        yield DaemonValues(given.artifact.at(*at), runtime, "runtime" in daemon)
    for artifact in files.artifacts:
        if not artifact.is_object and (runtime := string(artifact.data, "chaosDaemon", "runtime")):
            yield DaemonValues(artifact.at("chaosDaemon", "runtime"), runtime, is_written=True)


def _clusters(files: Files) -> Iterator[str]:
    """Yield the names of services whose clusters these files make."""
    for root in resources_of(files):
        yield from (name for kind, name in _CLUSTERS.items() if root.of(kind))
        yield from ("EKS" for one in root.modules if "/eks/aws" in argument(one, "source")[1])


GATE = Gate(
    id="CHS004",
    title="The daemon of Chaos Mesh speaks to the runtime that nodes have",
    phase="resilience",
    source="https://chaos-mesh.org/docs/production-installation-using-helm: chaosDaemon.runtime is "
    "docker by default; Kubernetes 1.24 removed its support of Docker",
    check=check,
    of_files=check,
    scope=counted_in_files("values for the daemon of Chaos Mesh", _daemons),
    targets=("cluster",),
    reads="chaosDaemon.runtime in values of its chart, where these files make a cluster of "
    "EKS, GKE or AKS by Terraform.",
)
