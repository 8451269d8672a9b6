"""References reach what they name: of that kind, in that namespace, by that many pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.asked_gateways import asked_gateways
from tarmac.check.gates.views.objects.certificates import is_of_entry
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import (
    CLUSTER_WIDE,
    group_of,
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.objects.named_places import NamedObject, namings
from tarmac.check.gates.views.objects.scaling import Controller
from tarmac.check.gates.views.objects.stored_objects import StoredObject, StoredObjects, kept
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds that are named as each other by mistake.
_ALIKE = (
    ("Issuer", "ClusterIssuer"), ("SecretStore", "ClusterSecretStore"),
    ("TriggerAuthentication", "ClusterTriggerAuthentication"), ("Role", "ClusterRole"),
    ("Deployment", "StatefulSet", "DaemonSet", "Rollout"), ("ConfigMap", "Secret"),
    ("AnalysisTemplate", "ClusterAnalysisTemplate"),
    ("GitRepository", "OCIRepository", "HelmRepository"), ("HelmRelease", "Kustomization"),
)  # fmt: skip
#: Types of Secrets by which a kubelet pulls images; it passes over all others.
_PULLING = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
#: Where each kind says of which type the Secret is that is made of it.
_TYPES: dict[str, Path] = {
    "Secret": ("type",), "SealedSecret": ("spec", "template", "type"),
    "ExternalSecret": ("spec", "target", "template", "type"),
}  # fmt: skip
#: Kinds whose references may be answered from other namespaces, or by what is applied elsewhere.
#: A project is of Argo CD's own namespace, whichever its Application is of.
_APART = ("Service", "Gateway", "AppProject")


def check(files: Files) -> Iterator[Finding]:
    """Yield references that find nothing, where the name is of another kind or namespace."""
    stored = list(kept(files))
    there = StoredObjects(stored)
    by_name: dict[str, list[StoredObject]] = {}
    for one in stored:
        by_name.setdefault(one.name, []).append(one)
    for naming in namings(files, of_pods=True):
        named = there.named(naming.kind, naming.name, naming.namespace)
        if naming.name and not named and not is_of_entry(naming.kind, naming.artifact):
            yield from _elsewhere(naming, by_name.get(naming.name, []))
        elif "imagePullSecrets" in naming.path:
            yield from _pulling(naming, named)
    yield from _gateways(files)
    yield from _certificates(files)
    claims, configs = (_by_place(files, kind) for kind in ("PersistentVolumeClaim", "ConfigMap"))
    for own in pods(files):
        yield from _volumes(own, claims, configs)


def _elsewhere(naming: NamedObject, same: list[StoredObject]) -> Iterator[Finding]:
    what = f"{title(naming.artifact)} names {naming.kind} {naming.name}"
    where = naming.artifact.at(*naming.path)
    place = place_of(naming.artifact)
    alike = {kind for group in _ALIKE if naming.kind in group for kind in group} - {naming.kind}
    for one in same:
        is_near = one.kind in CLUSTER_WIDE or one.kind.startswith("Cluster")
        is_near = is_near or place_of(one.artifact) == place
        is_near = is_near or bool(naming.namespace and one.namespace == naming.namespace)
        # A kustomization brings releases of its name, but none waits for it.
        is_brought = one.kind == "Kustomization" and "dependsOn" not in naming.path
        if one.kind in alike and is_near and not is_brought and one.artifact is not naming.artifact:
            yield Finding(where, f"{what}, and {naming.name} is a {one.kind}; name that kind")
            return
    own = [one for one in same if one.kind == naming.kind and one.namespace]
    if own and naming.namespace and naming.kind not in (*_APART, *CLUSTER_WIDE):
        spaces = ", ".join(sorted({one.namespace for one in own}))
        why = f"of the namespace {naming.namespace}, and it is of {spaces}"
        yield Finding(where, f"{what} {why}; move one of both")


def _pulling(naming: NamedObject, named: list[StoredObject]) -> Iterator[Finding]:
    """Yield Secrets to pull by that are of a type which is not read."""
    given: set[str] = set()
    for one in named:
        if (kind := kind_of(one.artifact)) not in _TYPES:
            return
        given.add(string(one.artifact.data, *_TYPES[kind]) or "Opaque")
    if given and not given & set(_PULLING):
        what = f"{title(naming.artifact)} pulls images by Secret {naming.name}, whose type is"
        why = f"{min(given)}, which is not read to pull by; write {_PULLING[0]}"
        yield Finding(naming.artifact.at(*naming.path), f"{what} {why}")


def _gateways(files: Files) -> Iterator[Finding]:
    """Yield Gateways of another namespace than the one that a route means."""
    gateways: dict[str, set[str]] = {}
    for one in files.objects("Gateway"):
        gateways.setdefault(f"{group_of(one)} {name_of(one)}", set()).add(space_of(one))
    for asked in asked_gateways(files):
        spaces, own = gateways.get(f"{asked.group} {asked.name}", set()), space_of(asked.artifact)
        if spaces and own and "" not in spaces and own not in spaces:
            what = f"{title(asked.artifact)} names Gateway {asked.name} of its own namespace {own}"
            space = min(spaces)
            advice = f"namespace: {space}" if asked.is_parent else f"{space}/{asked.name}"
            said = f"{what}, and it is of {', '.join(sorted(spaces))}; write {advice}"
            yield Finding(asked.artifact.at(*asked.path), said)


def _certificates(files: Files) -> Iterator[Finding]:
    """Yield Secrets of an Ingress that the Certificate of its host writes by another name."""
    written: dict[tuple[tuple[str, str], str], str] = {}
    for artifact in files.objects("Certificate"):
        for host in items(artifact.data, "spec", "dnsNames"):
            written[place_of(artifact), str(host)] = string(artifact.data, "spec", "secretName")
    there = {(space_of(one), name_of(one)) for one in files.objects("Secret", "ExternalSecret")}
    for artifact in files.objects("Ingress"):
        if any("cert-manager.io/" in str(key) for key in metadata(artifact).annotations):
            continue
        for number, tls in numbered(artifact.data, "spec", "tls"):
            name = string(tls, "secretName")
            made = [written.get((place_of(artifact), str(host))) for host in items(tls, "hosts")]
            is_there = (space_of(artifact), name) in there or name in written.values()
            if name and made and all(made) and name not in made and not is_there:
                what = f"{title(artifact)} names Secret {name}, and the Certificate of its host "
                path: Path = ("spec", "tls", number, "secretName")
                yield Finding(artifact.at(*path), f"{what}writes {made[0]}; name that")


def _by_place(files: Files, kind: str) -> dict[tuple[object, str], Artifact]:
    return {(place_of(one), name_of(one)): one for one in files.objects(kind)}


def _volumes(
    own: Pods,
    claims: Mapping[tuple[object, str], Artifact],
    configs: Mapping[tuple[object, str], Artifact],
) -> Iterator[Finding]:
    """Yield claims of one node that pods of several share, and keys that are not there."""
    most = Controller(own.artifact).replicas or 1
    for number, volume in numbered(own.artifact.data, *own.path, "volumes"):
        name = string(volume, "persistentVolumeClaim", "claimName")
        claim = claims.get((place_of(own.artifact), name))
        modes = set(map(str, items(claim.data, "spec", "accessModes"))) if claim else set()
        is_of_one = bool(modes) and modes <= {"ReadWriteOnce", "ReadWriteOncePod"}
        if is_of_one and own.kind in SERVING and most > 1:
            what = f"{title(own.artifact)} has {most} pods on the claim {name}, which one node"
            yield Finding(own.at("volumes", number), f"{what} mounts at a time; write one pod")
        called = string(volume, "configMap", "name")
        config = configs.get((place_of(own.artifact), called))
        keys = _keys(config.data) if config else set[str]()
        for place, item in numbered(volume, "configMap", "items"):
            key = string(item, "key")
            if keys and key and key not in keys and not fields(volume, "configMap").get("optional"):
                what = f"{title(own.artifact)} mounts the key {key} of ConfigMap {called}"
                at = own.at("volumes", number, "configMap", "items", place)
                advice = did_you_mean(key, sorted(keys))
                yield Finding(at, f"{what}, which it does not have, so no pod starts; {advice}")


def _keys(data: object) -> set[str]:
    return {str(key) for part in ("data", "binaryData") for key in fields(data, part)}


def _judged(files: Files) -> Iterator[object]:
    yield from namings(files, of_pods=True)
    yield from (one for one in pods(files) if kind_of(one.artifact) in SERVING)


GATE = Gate(
    id="OBJ019",
    title="References reach what they name, in its kind and namespace",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces: a name "
    "is looked up in one namespace and kind; what is in another one is not found",
    check=check,
    of_files=check,
    scope=counted_in_files("references", _judged),
    targets=(),
    reads="the places of assets/object_rules.yaml, beside objects of the same name; Gateways of a "
    "mesh and of routes, Secrets of certificates, keys and claims of volumes, types of Secrets to "
    "pull by. Judges files without a plan only.",
)
