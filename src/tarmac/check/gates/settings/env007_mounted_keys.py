"""Files of a pod's volumes are keys of the ConfigMap or Secret that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.cluster_names import CA_CONFIG_MAP, CA_NAME
from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.stored_objects import ANY, StoredObject, StoredObjects, kept
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files


class KeyUse(NamedTuple):
    """One key of a ConfigMap or Secret that a pod mounts as a file."""

    own: Pods
    where: str
    kind: str
    name: str
    key: str
    #: Whether it is mounted alone, so that without it a folder is made in its place.
    alone: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield files of volumes that their ConfigMap or Secret does not have."""
    there = StoredObjects(kept(files))
    for use in _uses(files):
        found = there.named(use.kind, use.name, space_of(use.own.artifact))
        found = [one for one in found if not _is_apart(use.own.artifact, one)]
        known = [one.keys for one in found]
        if use.name == CA_CONFIG_MAP and not found:
            known = [frozenset({CA_NAME})]
        if known and ANY not in known and not any(use.key in keys for keys in known):
            keys = sorted(frozenset().union(*known))
            what = f"{title(use.own.artifact)} mounts {use.key} of {use.kind} {use.name}, which"
            end = "so a folder is made in its place" if use.alone else "so no pod starts"
            choice = did_you_mean(use.key, keys)
            yield Finding(use.where, f"{what} has no such key, {end}; {choice}")


def _is_apart(pods: Artifact, one: StoredObject) -> bool:
    """Tell whether an object is of another place than the chart of pods: of no namespace there."""
    folder = one.artifact.path[: one.artifact.path.rfind("/") + 1]
    is_far = not pods.path.startswith(folder)
    return is_templated(pods) and is_far and not one.namespace and not one.artifact.built_by


@once
def _uses(files: Files) -> Iterator[KeyUse]:
    for own in pods(files):
        volumes = {volume.name: volume for volume in own.spec.volumes}
        for number, volume in enumerate(own.spec.volumes):
            for source in volume.sources:
                for file in source.files if not source.optional else ():
                    where = own.at("volumes", number)
                    yield KeyUse(own, where, source.kind, source.name, file.key, alone=False)
        for container in own.containers:
            for number, mount in enumerate(container.mounts):
                sources = list(volumes[mount.volume].sources) if mount.volume in volumes else []
                # With items its files have names of their own; a path below is a folder of those.
                is_key = mount.sub_path and not {"/", "$"} & {*mount.sub_path}
                if is_key and len(sources) == 1 and not sources[0].files:
                    where, one = container.at("volumeMounts", number), sources[0]
                    yield KeyUse(own, where, one.kind, one.name, mount.sub_path, alone=True)


GATE = Gate(
    id="ENV007",
    title="Files of volumes are keys of their ConfigMap or Secret",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/storage/volumes/#configmap: a key that is named "
    "and not there keeps the pod from starting; a subPath that is not there becomes a folder",
    check=check,
    of_files=check,
    scope=counted_in_files("keys that pods mount", _uses),
    targets=("cluster",),
    reads="items and subPath of volumes beside ConfigMaps, Secrets and what makes Secrets, and the "
    "certificate that each namespace has.",
)
