"""Replaces the containers of a service without a gap: their successors serve first, then they end.

Compose itself stops a container before it starts its successor. Where nothing of a service is one
container's alone, both can run for a moment; a successor that does not come up changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from tarmac.run.compose import containers as c
from tarmac.run.compose import entry
from tarmac.run.compose.containers import Container
from tarmac.run.compose.project import STOPPED_WITHIN_S, Project
from tarmac.run.compose.release import Release

POLL_S = 0.5
#: Clients keep the addresses of a name for so long (aiohttp, the kit's gateway): a successor runs
#: for at least that before the one before it ends.
NAMES_S = 10.0
#: A container that ended so often does not come up by itself.
MOST_RESTARTS = 3
#: What is one container's alone: a port of the machine, a folder with data, a hook of Compose.
_OWN = ("ports", "volumes", "pre_stop", "container_name")


@dataclass(frozen=True)
class Successors:
    """Containers that were started beside those of a service."""

    before: tuple[Container, ...]
    after: tuple[Container, ...]
    #: They serve, and those before them are gone. Otherwise both are there.
    ready: bool


@dataclass(frozen=True)
class Steps:
    """What a release changes before everything else is brought up by Compose at once."""

    #: What is new, and changed stores and set-ups; only if something can then be replaced.
    first: tuple[str, ...]
    #: The services to replace without a gap, each after those that it depends on.
    then: tuple[str, ...]


def can_overlap(service: Mapping[str, Any]) -> bool:
    """Whether two containers of a service of Compose can run beside each other."""
    return not any(service.get(key) for key in _OWN)


def planned(
    release: Release,
    services: Collection[str],
    there: Mapping[str, Sequence[Container]],
    hashes: Mapping[str, str],
) -> Steps:
    """Find what a release can replace without a gap: what serves, has changed, and can overlap.

    Args:
        services: the names of the model's services, without its stores.
        there: the containers of each service of Compose.
        hashes: Compose's digest of each service, as it is in a container's labels.
    """
    changed = [
        name
        for name in release.services
        if any(one.labels.get(c.HASH) != hashes[name] for one in there.get(name, ()))
    ]
    overlapping = [
        name
        for name in changed
        if name in services
        and all(one.serves for one in there[name])
        and can_overlap(release.services[name])
    ]
    if not overlapping:
        return Steps((), ())
    first = [
        name
        for name in release.services
        if name not in there or (name in changed and name not in services)
    ]
    return Steps(tuple(first), tuple(_in_order(release, overlapping)))


def hand_over(project: Project, name: str, within_s: float) -> Successors:
    """Start as many containers of a service as it has beside them, then end those before.

    Successors get the names of those before, so that `docker logs` finds the service as it did.
    Those that do not serve in time are left for the caller to ask, and to `withdraw`.

    Raises:
        Refusal: Docker refused.
    """
    docker = project.docker
    before = _of(project, name)
    known = [one.id for one in before]
    try:
        if is_led := _is_led(project, name):
            entry.lead(project, name, before)
        docker.run(*project.scaling(name, 2 * len(before)))
        made = _waited(project, name, before, within_s)
    except BaseException:
        withdraw(project, name, before)
        raise
    if not made.ready:
        return made
    try:
        if is_led:
            entry.lead(project, name, made.after)
        docker.run("stop", *known, within_s=STOPPED_WITHIN_S)
        docker.run("rm", "--force", *known)
    finally:
        if is_led:
            entry.lead(project, name)
    for old, new in zip(before, made.after, strict=True):
        docker.run("rename", new.id, old.name)
    return made


def withdraw(project: Project, name: str, before: Iterable[Container]) -> None:
    """Remove the containers of a service that were not there before. Raises Refusal."""
    known = {one.id for one in before}
    if new := [one.id for one in _of(project, name) if one.id not in known]:
        project.docker.run("rm", "--force", *new)
    if _is_led(project, name):
        entry.lead(project, name)


def has_given_up(one: Container) -> bool:
    """Whether it ends again and again; how, it says between two starts."""
    return one.restarts >= MOST_RESTARTS and one.state not in ("running", "created")


def _is_led(project: Project, name: str) -> bool:
    return entry.leads_to(project, c.listed(project.docker, project.release.project), name)


def _of(project: Project, name: str) -> tuple[Container, ...]:
    listed = c.listed(project.docker, project.release.project)
    return tuple(one for one in listed if one.service == name)


def _waited(
    project: Project, name: str, before: tuple[Container, ...], within_s: float
) -> Successors:
    known, began = {one.id for one in before}, time.monotonic()
    while True:
        after = tuple(one for one in _of(project, name) if one.id not in known)
        passed = time.monotonic() - began
        if passed >= NAMES_S and len(after) == len(before) and all(one.serves for one in after):
            return Successors(before, after, ready=True)
        if passed > within_s or any(map(has_given_up, after)):
            return Successors(before, after, ready=False)
        time.sleep(POLL_S)


def _in_order(release: Release, names: Collection[str]) -> Iterator[str]:
    needs = {
        name: [one for one in said.get("depends_on") or () if one in release.services]
        for name, said in release.services.items()
    }
    yield from (name for name in TopologicalSorter(needs).static_order() if name in names)
