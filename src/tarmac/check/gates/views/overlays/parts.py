"""Parts of objects: patches that no kustomization here names, so that a program must add them."""

from __future__ import annotations

import re

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, mappings
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of

#: What a definition of a kind is made of.
_DEFINED = frozenset(("group", "names", "versions"))
#: What KubeSpawner writes on the claims that it makes, and how those of a StatefulSet are called.
_SPAWNED = "hub.jupyter.org/"
_OF_SET = re.compile(r".+-\d+")
_KEPT = ("DaemonSet", "Deployment", "StatefulSet")


def is_part(artifact: Artifact) -> bool:
    """Tell whether a file is called a patch, or lacks all that its kind consists of."""
    if artifact.built_by:
        return False
    above, _, name = artifact.path.rpartition("/")
    if "patch" in name or above.endswith("patches"):
        return True
    spec = fields(artifact.data, "spec")
    if kind_of(artifact) in _KEPT and "selector" not in spec:
        containers = mappings(dig(spec, "template", "spec", "containers"))
        return not any("image" in container for container in containers)
    is_definition = kind_of(artifact) == "CustomResourceDefinition"
    return is_definition and _DEFINED.isdisjoint(spec)


def is_grown(artifact: Artifact) -> bool:
    """Tell whether a claim is one that a program made, and is given here a size alone."""
    if kind_of(artifact) != "PersistentVolumeClaim" or fields(artifact.data, "spec").keys() != {
        "resources"
    }:
        return False
    own = metadata(artifact)
    is_spawned = any(str(key).startswith(_SPAWNED) for key in own.annotations)
    return is_spawned or _OF_SET.fullmatch(name_of(artifact)) is not None
