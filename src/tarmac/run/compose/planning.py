"""What a deployment would change on a machine: pure, over what is wanted and what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tarmac.run import fields
from tarmac.run.compose.containers import ENVIRONMENT, HASH, SYSTEM, Container, by_service
from tarmac.run.compose.release import Release

#: Said by hash, label and image, in other words.
_SAID_OTHERWISE = ("image", "labels", "pull_policy")
SHORT_ID = 19


@dataclass(frozen=True)
class Change:
    """A service whose containers are new, or would be other ones."""

    id: str
    #: A line for each field; none for a new service.
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResolvedRelease:
    """A release with what tells its containers from others."""

    release: Release
    #: Compose's own digest of each service.
    hashes: Mapping[str, str] = field(default_factory=dict)
    #: The id of each service's image; one that is not there yet has none.
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a deployment would do."""

    added: tuple[Change, ...]
    changed: tuple[Change, ...]
    #: How many services stay as they are.
    unchanged: int
    #: Services with containers there that are not in the file any more.
    gone: tuple[str, ...]
    #: Containers of the project that another owner has put there.
    foreign: tuple[str, ...]


def plan(wanted: ResolvedRelease, there: Sequence[Container], before: Release | None) -> Plan:
    """Compare a release with the containers that are there.

    Args:
        before: the release that became ready last, to say which fields are others.
    """
    found = by_service(there)
    added, changed = [], []
    for name in wanted.release.services:
        if name not in found:
            added.append(Change(name))
        elif said := tuple(dict.fromkeys(_differ(wanted, found[name], before))):
            changed.append(Change(name, said))
    return Plan(
        tuple(added),
        tuple(changed),
        len(wanted.release.services) - len(added) - len(changed),
        tuple(sorted(found.keys() - wanted.release.services.keys())),
        tuple(one.name for one in there if not is_ours(one, wanted.release)),
    )


def is_ours(container: Container, release: Release) -> bool:
    """Whether an earlier deployment of the same system and environment has put it there."""
    labels = {SYSTEM: release.system, ENVIRONMENT: release.environment}
    return labels.items() <= container.labels.items()


def _differ(
    wanted: ResolvedRelease, containers: Sequence[Container], before: Release | None
) -> Iterator[str]:
    name = containers[0].service
    yield from too_many(containers)
    for container in containers:
        image = list(image_differs(wanted, container))
        yield from image
        if container.labels.get(HASH) != wanted.hashes.get(name):
            told = list(_fields(before, wanted.release, name))
            yield from told or ([] if image else ["its variables or files have other values"])


def too_many(containers: Sequence[Container]) -> Iterator[str]:
    """Yield how many containers a service has beside its one: successors of an ended `deploy`."""
    if len(containers) > 1:
        yield f"containers: {len(containers)} -> 1"


def image_differs(wanted: ResolvedRelease, container: Container) -> Iterator[str]:
    """Yield in which image a container differs."""
    image = wanted.images.get(container.service, "")
    if container.image != image:
        named = wanted.release.services[container.service]["image"]
        new = image[:SHORT_ID] or f"{named}, to be brought"
        yield f"image: {container.image[:SHORT_ID]} -> {new}"


def _fields(before: Release | None, wanted: Release, name: str) -> Iterator[str]:
    if before is None or name not in before.services:
        return
    old, new = (_plain(release.services[name]) for release in (before, wanted))
    yield from fields.differences(old, new)


def _plain(service: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in service.items() if key not in _SAID_OTHERWISE}
