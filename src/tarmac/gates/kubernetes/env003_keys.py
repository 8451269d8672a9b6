"""Keys: every ConfigMap, Secret and volume that a pod references exists, with its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import Pods, dig, name_of, named, pods
from tarmac.gates.views.scope import counted
from tarmac.plan.callers import CA_CONFIG_MAP, CA_NAME
from tarmac.report import Finding

#: Keys of an object that is filled at runtime: any key may be in it.
ANY = frozenset({"*"})
#: What a cluster publishes in each namespace by itself.
BY_CLUSTER = {CA_CONFIG_MAP: frozenset({CA_NAME})}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references of pods to something that does not exist."""
    held = {"ConfigMap": _configs(subject), "Secret": _secrets(subject)}
    claims = named(subject, "PersistentVolumeClaim")
    for own in pods(subject):
        for kind, name, key in sorted(set(_references(own))):
            keys = held[kind].get(name)
            if keys is None:
                keys = _by_script(subject, name, key) if kind == "Secret" else None
            if keys is None:
                what = f"needs {kind} {name}, and nothing creates it"
                yield Finding(own.artifact.path, f"{own.kind} {own.name} {what}; add it")
            elif key and key not in keys and keys != ANY:
                there = ", ".join(sorted(keys)) or "none"
                yield Finding(
                    own.artifact.path,
                    f"{own.kind} {own.name} needs the key {key} of {kind} {name}; it has {there}",
                )
        for volume in own.spec.get("volumes") or ():
            claim = dig(volume, "persistentVolumeClaim", "claimName")
            if claim is not None and claim not in claims:
                yield Finding(
                    own.artifact.path,
                    f"{own.kind} {own.name} mounts the claim {claim}, which does not exist; add a "
                    "PersistentVolumeClaim",
                )


def _configs(subject: Subject) -> dict[str, frozenset[str]]:
    return BY_CLUSTER | {
        name: frozenset(
            [*(config_map.data.get("data") or {}), *(config_map.data.get("binaryData") or {})]
        )
        for name, config_map in named(subject, "ConfigMap").items()
    }


def _secrets(subject: Subject) -> dict[str, frozenset[str]]:
    found = {
        name: frozenset([*(secret.data.get("data") or {}), *(secret.data.get("stringData") or {})])
        for name, secret in named(subject, "Secret").items()
    }
    for artifact in subject.objects("ExternalSecret"):
        spec = artifact.data.get("spec") or {}
        template = dig(spec, "target", "template", "data") or {}
        keys = template or [str(entry.get("secretKey")) for entry in spec.get("data") or ()]
        name = str(dig(spec, "target", "name") or name_of(artifact))
        found[name] = ANY if spec.get("dataFrom") else frozenset(keys)
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


def _references(own: Pods) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and key (empty: all of it) of what a pod must find."""
    for container in own.containers:
        for source in container.get("envFrom") or ():
            yield from _named(source, {"configMapRef": "ConfigMap", "secretRef": "Secret"})
        for variable in container.get("env") or ():
            kinds = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
            yield from _named(variable.get("valueFrom") or {}, kinds)
    mounted = [m for c in own.containers for m in c.get("volumeMounts") or ()]
    for volume in own.spec.get("volumes") or ():
        paths = [m.get("subPath", "") for m in mounted if m.get("name") == volume.get("name")]
        for source in (volume, *(dig(volume, "projected", "sources") or ())):
            for field, kind, key in (
                ("configMap", "ConfigMap", "name"),
                ("secret", "Secret", "secretName"),
            ):
                if (it := source.get(field)) and not it.get("optional"):
                    items = (
                        [str(item.get("key")) for item in it.get("items") or ()] or paths or [""]
                    )
                    name = str(it.get(key) or it.get("name"))
                    yield from ((kind, name, item) for item in items)


def _named(source: Any, kinds: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for field, kind in kinds.items():
        if (it := source.get(field)) and not it.get("optional"):
            yield kind, str(it.get("name")), str(it.get("key") or "")


def _judged(subject: Subject) -> Iterator[object]:
    for own in pods(subject):
        yield from set(_references(own))
        for volume in own.spec.get("volumes") or ():
            if dig(volume, "persistentVolumeClaim", "claimName") is not None:
                yield volume


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
