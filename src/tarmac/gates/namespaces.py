"""Namespaces: everything of a system is in its own, so that deleting and limiting it is whole."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import TEMPLATES, dig, name_of, title
from tarmac.report import Finding

#: Kinds that no namespace holds.
CLUSTER_WIDE = frozenset((
    "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "PersistentVolume", "PriorityClass", "StorageClass", "GatewayClass", "IngressClass",
    "ClusterSecretStore", "ClusterIssuer",
))  # fmt: skip
#: A system's own: they may stand nowhere else.
OWN = frozenset((
    *TEMPLATES, "Service", "ServiceAccount", "ConfigMap", "Secret", "ExternalSecret",
    "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim",
    "ResourceQuota", "LimitRange",
))  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects in another namespace than the environment's."""
    wanted = subject.plan.namespace
    for artifact in subject.objects():
        kind = artifact.data["kind"]
        given = dig(artifact.data, "metadata", "namespace")
        if kind in CLUSTER_WIDE:
            if given is not None:
                yield Finding(
                    artifact.path, f"{title(artifact)} has a namespace ({given}); no {kind} has one"
                )
        elif given is None and kind in OWN:
            yield Finding(
                artifact.path,
                f"{title(artifact)} names no namespace: it goes wherever its reader happens to be; "
                f"write `namespace: {wanted}`",
            )
        elif given != wanted and kind in OWN:
            yield Finding(
                artifact.path,
                f"{title(artifact)} is in {given}; {subject.plan.environment} is in {wanted}",
            )
    spaces = subject.objects("Namespace")
    if spaces and wanted not in map(name_of, spaces):
        yield Finding(
            spaces[0].path, f"no Namespace {wanted} is made, where all objects are; add it"
        )


GATE = Gate(
    id="OBJ002",
    title="Every object of the system is in the environment's one namespace",
    phase="kubernetes",
    source="policies, quotas and rights hold in a namespace; what stands outside has none of them",
    check=check,
    looks_at="metadata.namespace of workloads, their settings, addresses and limits. Routes, "
    "monitors and others' resources may belong elsewhere and are not judged.",
)
