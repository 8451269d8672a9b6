"""How a pod proves its identity: projected tokens, and the variables that say where they are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.views.objects import Pods, dig

#: What the kubelet takes where nothing is said.
LIFE_S = 3600


@dataclass(frozen=True)
class PodToken:
    """A token of a pod's service account, as its containers see it."""

    #: The file; empty where no container mounts it.
    path: str
    #: Empty: the API server's own.
    audience: str
    life_s: int = LIFE_S


@dataclass(frozen=True)
class PodAuthority:
    """A file of a ConfigMap, as a pod's containers see it."""

    path: str
    name: str
    key: str


def tokens(own: Pods) -> Iterator[PodToken]:
    """Yield the tokens that a pod's volumes hold."""
    for path, source in _projected(own):
        if isinstance(token := source.get("serviceAccountToken"), Mapping):
            file = posixpath.join(path, str(token.get("path", ""))) if path else ""
            life_s = token.get("expirationSeconds", LIFE_S)
            yield PodToken(file, str(token.get("audience") or ""), life_s)


def authorities(own: Pods) -> Iterator[PodAuthority]:
    """Yield the files of ConfigMaps beside the tokens."""
    for path, source in _projected(own):
        for item in dig(source, "configMap", "items") or ():
            file = posixpath.join(path, str(item.get("path", "")))
            yield PodAuthority(file, str(dig(source, "configMap", "name")), str(item.get("key")))


def _projected(own: Pods) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each source of a projected volume, and where it is mounted."""
    mounts = [mount for container in own.containers for mount in container.get("volumeMounts", ())]
    for volume in own.spec.get("volumes") or ():
        paths = [m.get("mountPath", "") for m in mounts if m.get("name") == volume.get("name")]
        for source in dig(volume, "projected", "sources") or ():
            yield from ((path, source) for path in paths or [""])


def variables(own: Pods, configs: Mapping[str, Artifact]) -> dict[str, str]:
    """Read the plain variables of a pod's containers, those of whole ConfigMaps among them."""
    found: dict[str, str] = {}
    for container in own.containers:
        for source in container.get("envFrom") or ():
            held = configs.get(str(dig(source, "configMapRef", "name")))
            prefix = source.get("prefix", "")
            for key, value in (dig(held.data, "data") or {}).items() if held else ():
                found[f"{prefix}{key}"] = str(value)
        found |= {
            str(one["name"]): str(one["value"])
            for one in container.get("env") or ()
            if "name" in one and "value" in one
        }
    return found
