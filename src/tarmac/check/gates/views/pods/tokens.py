"""How a pod proves its identity: projected tokens, and the variables that say where they are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tarmac.base.foreign.reading import Fields, items, number, text
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.pods.pods import Pods

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
        if "serviceAccountToken" in source:
            token = source["serviceAccountToken"]
            file = posixpath.join(path, text(token, "path") or "") if path else ""
            life_s = number(token, "expirationSeconds")
            yield PodToken(
                file, text(token, "audience") or "", LIFE_S if life_s is None else life_s
            )


def authorities(own: Pods) -> Iterator[PodAuthority]:
    """Yield the files of ConfigMaps beside the tokens."""
    for path, source in _projected(own):
        for item in items(source, "configMap", "items"):
            file = posixpath.join(path, text(item, "path") or "")
            name, key = text(source, "configMap", "name"), text(item, "key")
            yield PodAuthority(file, str(name), str(key))


def _projected(own: Pods) -> Iterator[tuple[str, Fields]]:
    """Yield each source of a projected volume, and where it is mounted."""
    mounts = [mount for container in own.containers for mount in container.mounts]
    for volume in own.spec.volumes:
        if projected := volume.projected:
            paths = [mount.path for mount in mounts if mount.volume == volume.name]
            for source in projected:
                yield from ((path, source) for path in paths or [""])


def variables(own: Pods, configs: Mapping[str, ConfigMap]) -> dict[str, str]:
    """Read the plain variables of a pod's containers, those of whole ConfigMaps among them."""
    found: dict[str, str] = {}
    for container in own.containers:
        for source in container.sources:
            held = configs.get(str(source.config_map))
            for key, value in held.data.items() if held else ():
                found[f"{source.prefix}{key}"] = str(value)
        found |= {
            variable.name: str(variable.value)
            for variable in container.variables
            if variable.name is not None and variable.has_value
        }
    return found
