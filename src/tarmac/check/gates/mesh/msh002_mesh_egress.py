"""The egress of a pod in the mesh includes the mesh's control plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import has_sidecars
from tarmac.check.gates.views.network.peers import Peer
from tarmac.check.gates.views.network.policies import NAMESPACE, Policies
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import metadata, name_of, title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds that are used only where sidecars are.
KINDS = ("PeerAuthentication", "DestinationRule", "Sidecar")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that block a sidecar from its certificate."""
    known = published("istio")["control_plane"]
    control = Peer("istiod", {"app": known["app"]}, known["namespace"])
    policies = Policies(files.objects("NetworkPolicy"))
    kept = PodIndex(pods(files))
    for number, policy in enumerate(_egress(files)):
        for labels in _selected(kept, policy):
            own = Peer(f"{number} {labels}", labels, policy.namespace or "")
            if policies.holds(own, control, known["port"]):
                place = "egress" if policy.names_egress else "policyTypes"
                yield Finding(
                    policy.artifact.at("spec", place),
                    f"{title(policy.artifact)} blocks its pods from the mesh's control plane "
                    f"({known['app']} in {known['namespace']}, port {known['port']}): a sidecar "
                    "gets no certificate and no routes, and under STRICT no request reaches it; "
                    f"allow egress to the namespace whose label {NAMESPACE} is "
                    f"{known['namespace']}, on port {known['port']}",
                )
                break


def _meshed(files: Files) -> set[str | None]:
    """Find the namespaces whose pods get a sidecar; None stands for all."""
    found: set[str | None] = set()
    for space in files.objects("Namespace"):
        if has_sidecars(space):
            found.add(name_of(space))
    root = published("istio")["control_plane"]["namespace"]
    for artifact in files.objects(*KINDS):
        own = metadata(artifact).namespace
        found.add(None if own == root else own or "")
    for command in commands(files):
        words = command.text.split()
        if "istio-injection=enabled" in words and {"namespace", "ns"} & set(words):
            known = [w for w in words if w.replace("-", "").isalnum()]
            found.add(known[-1] if known else None)
    return found


def _selected(kept: PodIndex, policy: NetworkPolicy) -> list[Mapping[str, str]]:
    """List the labels of the pods that a policy limits; without any, those of its selector."""
    alone, space = Policies([policy.artifact]), policy.namespace or ""
    outside = Peer("outside", address="203.0.113.7")
    held = [
        pod.labels
        for pod in kept.selected(policy.selector)
        if alone.holds(Peer(f"{pod.kind} {pod.name}", pod.labels, space), outside, 1)
    ]
    return held or [labels_of(policy.selector)]


@once
def _egress(files: Files) -> Iterator[NetworkPolicy]:
    """Yield the policies that limit where pods with a sidecar connect to."""
    spaces = _meshed(files)
    for policy in map(NetworkPolicy, files.objects("NetworkPolicy")):
        meshed = (policy.namespace or "") in spaces or None in spaces
        if meshed and "Egress" in policy.types:
            yield policy


GATE = Gate(
    id="MSH002",
    title="Pods in the mesh can reach its control plane",
    phase="mesh",
    source="istiod is on 15012: https://istio.io/latest/docs/ops/deployment/application-requirements",
    check=check,
    scope=counted_in_files("egress policies of the mesh", _egress),
    of_files=check,
    targets=("cluster",),
    reads="NetworkPolicies of namespaces that have sidecars: by the label of the namespace, by "
    "`kubectl label` in a script, or by PeerAuthentication, DestinationRule or Sidecar objects.",
)
