"""Texts that pods see as files: what of ConfigMaps they mount, by the path inside."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods


def mounted_texts(files: Files, own: Pods) -> dict[str, str]:
    """Read the texts of the ConfigMaps that a pod's containers mount, by where these see them."""
    space, maps = space_of(own.artifact), _maps(files)[0]
    found = {}
    for volume in own.spec.volumes:
        places = [
            (mount.path, mount.sub_path)
            for container in own.containers
            for mount in container.mounts
            if mount.volume == volume.name
        ]
        for source in volume.sources if places else ():
            if source.kind != "ConfigMap" or (space, source.name) not in maps:
                continue
            texts = maps[space, source.name].data
            shown = {file.key: file.path for file in source.files} or {key: key for key in texts}
            for path, sub_path in places:
                for key, below in shown.items():
                    place = path if sub_path == below else posixpath.join(path, below)
                    if sub_path in ("", below) and isinstance(texts.get(key), str):
                        found[place] = str(texts[key])
    return found


@once
def _maps(files: Files) -> Iterator[dict[tuple[str, str], ConfigMap]]:
    """Find all ConfigMaps by namespace and name, once for all pods."""
    yield {(space_of(one), name_of(one)): ConfigMap(one) for one in files.objects("ConfigMap")}
