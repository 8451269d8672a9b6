"""A change of settings starts new pods: variables are read once, when a pod begins."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}
#: What starts new pods although no name changes.
_RESTARTS = ("checksum", "reloader.stakater.com", "hash", "wave.pusher.com", "stakater")


def check(files: Files) -> Iterator[Finding]:
    """Yield generated settings without a hash that pods read as variables."""
    running = list(pods(files, "Deployment", "StatefulSet", "DaemonSet", "Rollout"))
    for artifact in kustomization_files(files):
        folder = posixpath.dirname(artifact.path)
        for key, kind in _GENERATORS.items():
            for number, made in numbered(artifact.data, key):
                name, place = string(made, "name"), _unhashed(artifact, key, number, made)
                user = _reader(running, kind, name, folder) if place else None
                if place and name and user is not None:
                    what = f"generates {kind} {name} without a hash, and {title(user.artifact)} has"
                    why = "it as variables: a change of it starts no new pod"
                    where = artifact.at(*place)
                    yield Finding(where, f"{what} {why}; leave the hash", warning=True)


def _unhashed(
    artifact: Artifact, key: str, number: int, made: Mapping[str, Any]
) -> tuple[str | int, ...] | None:
    if dig(made, "options", "disableNameSuffixHash") is True:
        return (key, number, "options", "disableNameSuffixHash")
    is_own = "disableNameSuffixHash" in fields(made, "options")
    if not is_own and dig(artifact.data, "generatorOptions", "disableNameSuffixHash") is True:
        return ("generatorOptions", "disableNameSuffixHash")
    return None


def _reader(running: list[Pods], kind: str, name: str, folder: str) -> Pods | None:
    ref, key = ("configMapRef", "configMapKeyRef")
    if kind == "Secret":
        ref, key = ("secretRef", "secretKeyRef")
    for own in running:
        # What is built elsewhere may have a generator of its own.
        if not own.artifact.path.startswith(folder) or _is_restarted(own):
            continue
        for container in own.containers:
            named = [string(one, ref, "name") for one in items(container.data, "envFrom")]
            named += [string(one, "valueFrom", key, "name") for one in items(container.data, "env")]
            if name in named:
                return own
    return None


def _is_restarted(own: Pods) -> bool:
    noted = [*own.metadata.annotations, *fields(own.artifact.data, "metadata", "annotations")]
    return any(word in str(one) for one in noted for word in _RESTARTS)


def _judged(files: Files) -> Iterator[object]:
    for artifact in kustomization_files(files):
        for key in _GENERATORS:
            yield from items(artifact.data, key)


GATE = Gate(
    id="OBJ023",
    title="A change of generated settings starts new pods",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/configuration/configmap: variables are not "
    "updated; kustomize puts a hash behind the name, by which a change makes new pods",
    check=check,
    of_files=check,
    scope=counted_in_files("generated settings", _judged),
    targets=(),
    reads="generators of kustomizations beside `envFrom` and `env` of the pods of their folder; "
    "not where an annotation restarts them. Judges files without a plan only.",
)
