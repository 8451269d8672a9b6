"""Keys: every ConfigMap, Secret and volume that a pod refers to exists, with the key it wants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import Pods, dig, name_of, named, pods
from tarmac.report import Finding

#: Keys of something that fills itself: any key may be in it.
ANY = frozenset({"*"})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references of pods that lead nowhere."""
    held = {"ConfigMap": _configs(subject), "Secret": _secrets(subject)}
    claims = named(subject, "PersistentVolumeClaim")
    for own in pods(subject):
        for kind, name, key in sorted(set(_references(own))):
            keys = held[kind].get(name)
            if keys is None:
                keys = _by_script(subject, name, key) if kind == "Secret" else None
            if keys is None:
                what = f"needs {kind} {name}, and nothing makes it"
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
                    f"{own.kind} {own.name} mounts the claim {claim}, which is not there; add a "
                    "PersistentVolumeClaim",
                )


def _configs(subject: Subject) -> dict[str, frozenset[str]]:
    return {
        name: frozenset([*(each.data.get("data") or {}), *(each.data.get("binaryData") or {})])
        for name, each in named(subject, "ConfigMap").items()
    }


def _secrets(subject: Subject) -> dict[str, frozenset[str]]:
    found = {
        name: frozenset([*(each.data.get("data") or {}), *(each.data.get("stringData") or {})])
        for name, each in named(subject, "Secret").items()
    }
    for each in subject.objects("ExternalSecret"):
        spec = each.data.get("spec") or {}
        template = dig(spec, "target", "template", "data") or {}
        keys = template or [entry["secretKey"] for entry in spec.get("data") or ()]
        name = str(dig(spec, "target", "name") or name_of(each))
        found[name] = ANY if spec.get("dataFrom") else frozenset(keys)
    return found


def _by_script(subject: Subject, name: str, key: str) -> frozenset[str] | None:
    """Tell whether a script of the tree makes a Secret: it names it, and the key."""
    for each in subject.artifacts:
        if isinstance(each.content, str) and each.path.endswith(".sh") and name in each.content:
            return frozenset({key} if key in each.content else ())
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
                    items = [item["key"] for item in it.get("items") or ()] or paths or [""]
                    name = str(it.get(key) or it.get("name"))
                    yield from ((kind, name, item) for item in items)


def _named(source: Any, kinds: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for field, kind in kinds.items():
        if (it := source.get(field)) and not it.get("optional"):
            yield kind, str(it.get("name")), str(it.get("key") or "")


GATE = Gate(
    id="ENV003",
    title="Every ConfigMap, Secret, key and claim that a pod refers to exists",
    phase="kubernetes",
    source="a pod whose key is missing waits for ever, and says so only to who asks it",
    check=check,
    looks_at="env, envFrom and volumes of all pods, beside ConfigMaps, Secrets, ExternalSecrets "
    "and claims; a script that makes Secrets is searched for their names.",
)
