"""Keys: every ConfigMap, Secret and volume that a pod references exists, with its key."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from tarmac.base.cluster_names import CA_CONFIG_MAP, CA_NAME
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import named
from tarmac.check.gates.views.objects.stored_data import ConfigMap, ExternalSecret, keys_of
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted

#: Keys of an object that is filled at runtime: any key may be in it.
ANY = frozenset({"*"})
#: What a cluster publishes in each namespace by itself.
BY_CLUSTER = {CA_CONFIG_MAP: frozenset({CA_NAME})}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references of pods to something that does not exist."""
    held = {"ConfigMap": _configs(subject), "Secret": _secrets(subject)}
    claims = named(subject, "PersistentVolumeClaim")
    for own in pods(subject):
        for kind, name, key in sorted(set(references(own))):
            keys = held[kind].get(name)
            if keys is None:
                keys = _by_script(subject, name, key) if kind == "Secret" else None
            if keys is None:
                what = f"needs {kind} {name}, but nothing creates it"
                yield Finding(own.artifact.path, f"{own.kind} {own.name} {what}; add it")
            elif key and key not in keys and keys != ANY:
                there = ", ".join(sorted(keys)) or "none"
                yield Finding(
                    own.artifact.path,
                    f"{own.kind} {own.name} needs the key {key} of {kind} {name}; it has {there}",
                )
        for claim in (volume.claim for volume in own.spec.volumes):
            if claim is not None and claim not in claims:
                yield Finding(
                    own.artifact.path,
                    f"{own.kind} {own.name} mounts the claim {claim}, which does not exist; add a "
                    "PersistentVolumeClaim",
                )


def _configs(subject: Subject) -> dict[str, frozenset[str]]:
    return BY_CLUSTER | {
        name: ConfigMap(config_map).keys for name, config_map in named(subject, "ConfigMap").items()
    }


def _secrets(subject: Subject) -> dict[str, frozenset[str]]:
    found = {name: keys_of(secret) for name, secret in named(subject, "Secret").items()}
    for external in map(ExternalSecret, subject.objects("ExternalSecret")):
        found[external.target] = ANY if external.keys is None else external.keys
    return found


def _by_script(subject: Subject, name: str, key: str) -> frozenset[str] | None:
    """Tell whether a script of the tree makes a Secret: it names it, and the key."""
    for artifact in subject.artifacts:
        if (
            isinstance(artifact.content, str)
            and artifact.path.endswith(".sh")
            and name in artifact.content
        ):
            return frozenset({key} if key in artifact.content else ())
    return None


def _judged(subject: Subject) -> Iterator[object]:
    for own in pods(subject):
        yield from set(references(own))
        yield from (volume for volume in own.spec.volumes if volume.claim is not None)


class PodReference(NamedTuple):
    """A ConfigMap or Secret, or one key of it."""

    kind: str
    name: str
    #: Empty: all of it.
    key: str


def references(own: Pods) -> Iterator[PodReference]:
    """Yield what the variables and volumes of a pod refer to and must find."""
    for container in own.containers:
        parts = (*(e.sources for e in container.sources), *(e.sources for e in container.variables))
        for source in chain.from_iterable(parts):
            if not source.optional:
                yield PodReference(source.kind, source.name, source.key)
    mounts = [mount for container in own.containers for mount in container.mounts]
    for volume in own.spec.volumes:
        paths = [mount.sub_path for mount in mounts if mount.volume == volume.name]
        for volume_source in volume.sources:
            if not volume_source.optional:
                keys = [file.key for file in volume_source.files] or paths or [""]
                yield from (
                    PodReference(volume_source.kind, volume_source.name, key) for key in keys
                )


GATE = Gate(
    id="ENV003",
    title="Every ConfigMap, Secret, key and claim that a pod references exists",
    phase="kubernetes",
    source="a pod whose key is missing never starts, which only its events show",
    check=check,
    scope=counted("references of pods", _judged),
    reads="env, envFrom and volumes of all pods, beside ConfigMaps, Secrets, ExternalSecrets "
    "and claims; a script that makes Secrets is searched for their names.",
)
