"""What selects pods, and which of the pods that are kept here it selects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, space_of
from tarmac.check.gates.views.pods.pods import Pods

#: Labels that controllers write on pods; no template has them.
CONTROLLED = frozenset({
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "pod-template-hash",
    "controller-revision-hash", "pod-template-generation", "controller-uid", "job-name",
    "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index", "rollouts-pod-template-hash",
    # Operators whose kinds have whole pods in them.
    "ray.io/cluster", "ray.io/group", "ray.io/node-type", "ray.io/is-ray-node", "ray.io/identifier",
    "serving.knative.dev/service", "serving.knative.dev/configuration",
    "serving.knative.dev/revision", "training.kubeflow.org/job-name",
    "training.kubeflow.org/operator-name", "training.kubeflow.org/replica-type",
    "training.kubeflow.org/replica-index", "training.kubeflow.org/job-role",
})  # fmt: skip
#: So many that are named are not one.
TWO_NAMESPACES = 2


class Selection(NamedTuple):
    """A selector, and what it is to find."""

    artifact: Artifact
    path: Path
    selector: Fields
    #: For a reader: `allows traffic from`.
    verb: str
    namespace: str

    @property
    def is_service(self) -> bool:
        """Whether requests are sent to what it selects."""
        return kind_of(self.artifact) == "Service"


def selections(files: Files) -> Iterator[Selection]:
    """Yield the selectors of Services, budgets and policies that name some pods."""
    for artifact in files.objects("Service", "PodDisruptionBudget", "NetworkPolicy"):
        kind, space = kind_of(artifact), space_of(artifact)
        key = "podSelector" if kind == "NetworkPolicy" else "selector"
        own = fields(artifact.data, "spec", key)
        plain = uncontrolled({"matchLabels": own} if kind == "Service" else own)
        if own and any(plain.values()):
            yield Selection(artifact, ("spec", key), plain, "selects", space)
        if kind == "NetworkPolicy":
            yield from _peers(artifact, space)


def _peers(artifact: Artifact, space: str) -> Iterator[Selection]:
    for way, key, verb in (
        ("ingress", "from", "allows traffic from"),
        ("egress", "to", "allows traffic to"),
    ):
        for number, rule in enumerate(items(artifact.data, "spec", way)):
            for other, peer in enumerate(items(rule, key)):
                if (own := fields(peer, "podSelector")) and "namespaceSelector" not in peer:
                    path = ("spec", way, number, key, other, "podSelector")
                    yield Selection(artifact, path, uncontrolled(own), verb, space)


def uncontrolled(selector: Fields) -> Fields:
    """Leave out of a selector what controllers write."""
    labels = {k: v for k, v in fields(selector, "matchLabels").items() if k not in CONTROLLED}
    asked = [
        one for one in items(selector, "matchExpressions") if text(one, "key") not in CONTROLLED
    ]
    return {"matchLabels": labels, "matchExpressions": asked}


def chosen(selection: Selection, kept: PodIndex) -> list[Pods] | None:
    """List the pods that are selected; None: none of its namespace are kept here."""
    found = [
        own
        for own in kept.selected(selection.selector)
        if len({space_of(own.artifact), selection.namespace} - {""}) < TWO_NAMESPACES
    ]
    return found if found or kept.near.of(selection.artifact) else None


def spreads(own: Pods) -> Iterator[tuple[Path, Fields]]:
    """Yield the selectors by which pods are kept apart from their own like."""
    spec = own.spec.data
    for number, constraint in enumerate(items(spec, "topologySpreadConstraints")):
        path: Path = (*own.path, "topologySpreadConstraints", number, "labelSelector")
        yield path, fields(constraint, "labelSelector")
    for key, terms in fields(spec, "affinity", "podAntiAffinity").items():
        for number, term in enumerate(items(terms)):
            inner = ("podAffinityTerm",) if "podAffinityTerm" in term else ()
            path = (*own.path, "affinity", "podAntiAffinity", key, number, *inner, "labelSelector")
            yield path, fields(term, *inner, "labelSelector")


def without_ends(files: Files) -> Iterator[Artifact]:
    """Yield Services that select nothing and whose addresses nothing lists."""
    named = {name_of(end) for end in files.objects("Endpoints")}
    named |= {
        str(metadata(end).labels.get("kubernetes.io/service-name"))
        for end in files.objects("EndpointSlice")
    }
    for artifact in files.objects("Service"):
        spec = fields(artifact.data, "spec")
        is_alias = text(spec, "type") == "ExternalName"
        # Without a port, too, it is one that a controller gives its addresses.
        is_alias = is_alias or (text(spec, "clusterIP") == "None" and not spec.get("ports"))
        if not fields(spec, "selector") and not is_alias and name_of(artifact) not in named:
            yield artifact
