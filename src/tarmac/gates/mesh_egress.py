"""What a pod of the mesh may reach includes the mesh's control plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig, name_of, pods, title
from tarmac.gates._policies import NAMESPACE, Peer, Policies
from tarmac.gates._published import published
from tarmac.gates._scripts import commands
from tarmac.report import Finding

#: Kinds of which there is one only where sidecars are.
KINDS = ("PeerAuthentication", "DestinationRule", "Sidecar")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that keep a sidecar from its certificate."""
    if not (spaces := _meshed(files)):
        return
    known = published("istio")["control_plane"]
    control = Peer("istiod", {"app": known["app"]}, known["namespace"])
    policies = Policies(files.objects("NetworkPolicy"))
    for number, artifact in enumerate(files.objects("NetworkPolicy")):
        space = str(dig(artifact.data, "metadata", "namespace") or "")
        spec = artifact.data.get("spec") or {}
        types = spec.get("policyTypes") or (("Egress",) if "egress" in spec else ())
        if "Egress" not in types or not (space in spaces or None in spaces):
            continue
        for labels in _selected(files, artifact, spec):
            own = Peer(f"{number} {labels}", labels, space)
            if policies.holds(own, control, known["port"]):
                place = "egress" if "egress" in spec else "policyTypes"
                yield Finding(
                    artifact.at("spec", place),
                    f"{title(artifact)} keeps its pods from the mesh's control plane "
                    f"({known['app']} in {known['namespace']}, port {known['port']}): a sidecar "
                    "gets no certificate and no routes, and under STRICT nobody reaches it; let "
                    f"egress go to the namespace whose label {NAMESPACE} is {known['namespace']}, "
                    f"on port {known['port']}",
                )
                break


def _meshed(files: Files) -> set[str | None]:
    """Find the namespaces whose pods get a sidecar; None stands for all."""
    found: set[str | None] = set()
    for space in files.objects("Namespace"):
        labels = dig(space.data, "metadata", "labels") or {}
        if labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels:
            found.add(name_of(space))
    root = published("istio")["control_plane"]["namespace"]
    for each in files.objects(*KINDS):
        space = dig(each.data, "metadata", "namespace")
        found.add(None if space == root else str(space or ""))
    for command in commands(files):
        words = command.text.split()
        if "istio-injection=enabled" in words and {"namespace", "ns"} & set(words):
            known = [w for w in words if w.replace("-", "").isalnum()]
            found.add(known[-1] if known else None)
    return found


def _selected(files: Files, artifact: Artifact, spec: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """List the labels of the pods that a policy holds; where none is there, what it asks for."""
    alone = Policies([artifact])
    space = str(dig(artifact.data, "metadata", "namespace") or "")
    nobody = Peer("nobody", address="203.0.113.7")
    held = [
        each.labels
        for each in pods(files)
        if alone.holds(Peer(f"{each.kind} {each.name}", each.labels, space), nobody, 1)
    ]
    return held or [dig(spec, "podSelector", "matchLabels") or {}]


GATE = Gate(
    id="MSH002",
    title="Pods of the mesh may reach its control plane",
    phase="mesh",
    source="istiod is on 15012: https://istio.io/latest/docs/ops/deployment/application-requirements",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="NetworkPolicies of namespaces that have sidecars: by the label of the namespace, by "
    "`kubectl label` in a script, or by PeerAuthentication, DestinationRule or Sidecar objects.",
)
