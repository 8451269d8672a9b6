"""Namespaces: everything of a system is in its own, so that deleting and limiting it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.gates import _argo
from tarmac.gates._gate import Files, Gate, Subject
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
#: Who names another object of its own namespace, and where.
REFERENCES = {
    "HorizontalPodAutoscaler": "scaleTargetRef",
    "Canary": "targetRef",
    "ScaledObject": "scaleTargetRef",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects in another namespace than the environment's, and what leads them there."""
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
    for app in _argo.applications(subject):
        if app.space not in (wanted, _argo.NAMESPACE):
            what = f"{app.title} fills namespace {app.space}; {subject.plan.environment} is in"
            yield Finding(app.at("spec", "destination"), f"{what} {wanted}: write that")
    for each in subject.objects("Kustomization"):
        if each.data.get("namespace") not in (None, wanted):
            what = f"puts what it makes into {each.data['namespace']}; {subject.plan.environment}"
            yield Finding(each.at("namespace"), f"{what} is in {wanted}: write that")
    yield from _apart(subject, REFERENCES.keys() - OWN)


def of_files(files: Files) -> Iterator[Finding]:
    """Yield namespaces that differ where there must be one, by an Application or a reference."""
    for app in _argo.applications(files):
        for each in _argo.below(files, app) if app.space and "{{" not in app.space else ():
            kustomized = each.data.get("kind") == "Kustomization"
            path = ("namespace",) if kustomized else ("metadata", "namespace")
            given = dig(each.data, *path)
            if given not in (None, app.space) and (
                kustomized or each.data.get("kind") in TEMPLATES
            ):
                yield Finding(
                    each.at(*path),
                    f"namespace is {given}, and {app.title} puts this folder into {app.space} "
                    f"({app.at('spec', 'destination', 'namespace')}): policies, quotas and secrets "
                    "of the one do not hold in the other; write one name",
                )
    yield from _apart(files, REFERENCES)


def _apart(files: Files, kinds: Iterable[str]) -> Iterator[Finding]:
    """Yield those who look for another object in their own namespace, where it is not."""
    spaces: dict[tuple[str, str], list[str]] = {}
    for each in files.objects(*TEMPLATES):
        space = str(dig(each.data, "metadata", "namespace") or "")
        spaces.setdefault((each.data["kind"], name_of(each)), []).append(space)
    for each in files.objects(*kinds):
        target = dig(each.data, "spec", REFERENCES[each.data["kind"]]) or {}
        own = str(dig(each.data, "metadata", "namespace") or "")
        found = spaces.get((target.get("kind", ""), target.get("name", "")), [])
        if found and own and own not in found and "" not in found:
            yield Finding(
                each.at("metadata", "namespace"),
                f"{title(each)} is in {own}, and its {target['kind']} {target['name']} in "
                f"{found[0]}, where it is not looked for; write {found[0]}",
            )


GATE = Gate(
    id="OBJ002",
    title="Every object of the system is in the environment's one namespace",
    phase="kubernetes",
    source="policies, quotas and rights hold in a namespace; what stands outside has none of them",
    check=check,
    of_files=of_files,
    looks_at="metadata.namespace of workloads, their settings, addresses and limits, and the "
    "namespace of Argo CD's Applications and of Kustomizations. Routes, monitors and others' "
    "resources may belong elsewhere and are not judged. Of files without a plan: each Application "
    "beside the Kustomization and the workloads in the folder that it follows, and who scales or "
    "releases whom.",
)
