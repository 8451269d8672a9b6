"""Namespaces: every object of a system is in its own, so that quotas and rights cover it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.argo.applications import NAMESPACE, App, applications
from tarmac.check.gates.views.argo.followed import KUSTOMIZATIONS, followed
from tarmac.check.gates.views.objects.metadata import (
    CLUSTER_WIDE,
    kind_of,
    metadata,
    name_of,
    title,
)
from tarmac.check.gates.views.objects.references import Reference, reference_to, target_of
from tarmac.check.gates.views.overlays.kustomizations import Kustomization
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.templates import SPECS

#: A system's own: they may be nowhere else.
OWN = frozenset((
    *SPECS, "Service", "ServiceAccount", "ConfigMap", "Secret", "ExternalSecret",
    "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim",
    "ResourceQuota", "LimitRange",
))  # fmt: skip
#: Kinds that name another object of their own namespace.
REFERRING = ("HorizontalPodAutoscaler", "Canary", "ScaledObject")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects in another namespace than the environment's, and what leads them there."""
    wanted = subject.plan.namespace
    for artifact in subject.objects():
        kind, given = kind_of(artifact), metadata(artifact).namespace
        if kind in CLUSTER_WIDE:
            if given is not None:
                yield Finding(
                    artifact.path, f"{title(artifact)} has a namespace ({given}); no {kind} has one"
                )
        elif given is None and kind in OWN:
            yield Finding(
                artifact.path,
                f"{title(artifact)} has no namespace, so its client decides; "
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
    for app in applications(subject):
        if app.space not in (wanted, NAMESPACE):
            what = f"{app.title} fills namespace {app.space}; {subject.plan.environment} is in"
            yield Finding(app.at("spec", "destination"), f"{what} {wanted}: write that")
    for kustomization in subject.objects("Kustomization"):
        given = Kustomization(kustomization).namespace
        if given not in (None, wanted):
            what = f"puts what it makes into {given}; {subject.plan.environment}"
            yield Finding(kustomization.at("namespace"), f"{what} is in {wanted}: write that")
    yield from _apart(subject, [kind for kind in REFERRING if kind not in OWN])


def of_files(files: Files) -> Iterator[Finding]:
    """Yield namespaces that differ where there must be one, by an Application or a reference."""
    for app, artifact in _followed(files):
        path, given = _namespace(artifact)
        if given not in (None, app.space):
            what = (
                f"namespace is {given}, and {app.title} puts this folder into {app.space} "
                f"({app.at('spec', 'destination', 'namespace')}): policies, quotas and "
                "secrets apply in one namespace only; write one name"
            )
            # An object that names its own is left there; a whole overlay is moved.
            yield Finding(artifact.at(*path), what, warning=path != ("namespace",))
    yield from _apart(files, REFERRING)


def _followed(files: Files) -> Iterator[tuple[App, Artifact]]:
    """Yield what says a namespace in a folder that an Application puts into one.

    Of kustomizations that is the folder's own, which has the last word about all that it includes.
    """
    for app, folder, found in followed(files):
        if app.space and "{{" not in app.space:
            tops = [one for one in found if one.path in {f"{folder}/{n}" for n in KUSTOMIZATIONS}]
            yield from ((app, one) for one in tops or found if _namespace(one)[0])


def _namespace(artifact: Artifact) -> tuple[tuple[str, ...], str | None]:
    """Read the namespace of a Kustomization or workload, and its path; no path for others."""
    kind = artifact.data.get("kind")
    if kind == "Kustomization":
        return ("namespace",), Kustomization(artifact).namespace
    path = ("metadata", "namespace") if kind in SPECS else ()
    return path, metadata(artifact).namespace


def _apart(files: Files, kinds: Iterable[str]) -> Iterator[Finding]:
    """Yield objects that reference another one of their own namespace, where it is not."""
    spaces: dict[Reference, list[str]] = {}
    for artifact in files.objects(*SPECS):
        space = metadata(artifact).namespace or ""
        spaces.setdefault(reference_to(artifact), []).append(space)
    for artifact in files.objects(*kinds):
        target, own = target_of(artifact), metadata(artifact).namespace or ""
        found = spaces.get(target, [])
        if found and own and own not in found and "" not in found:
            yield Finding(
                artifact.at("metadata", "namespace"),
                f"{title(artifact)} is in {own}, and its {target.kind} {target.name} in "
                f"{found[0]}, so it is not found; write {found[0]}",
            )


def _placed(subject: Subject) -> Iterator[object]:
    yield from subject.objects(*sorted(CLUSTER_WIDE | OWN), "Kustomization")
    yield from applications(subject)


def _paired(files: Files) -> Iterator[object]:
    """Yield what has another object whose namespace must be the same."""
    yield from (artifact for _, artifact in _followed(files))
    there = set(map(reference_to, files.objects(*SPECS)))
    for artifact in files.objects(*REFERRING):
        if target_of(artifact) in there:
            yield artifact


GATE = Gate(
    id="OBJ002",
    title="Every object of the system is in the environment's one namespace",
    phase="kubernetes",
    source="policies, quotas and rights hold in a namespace; objects outside have none of them",
    check=check,
    scope=counted_in_files("objects", _paired, _placed),
    of_files=of_files,
    reads="metadata.namespace of workloads, their settings, addresses and limits, and the "
    "namespace of Argo CD's Applications and of Kustomizations. Routes, monitors and others' "
    "resources may belong elsewhere and are not judged. Of files without a plan: each Application "
    "beside the Kustomization and the workloads in the folder that it follows, and objects that "
    "scale or release others.",
)
