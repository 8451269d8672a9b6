"""How the containers on a machine differ from what is rendered: pure, over both.

Used by `tarmac drift`. Containers cannot be changed, only replaced: image, Compose's digest of the
configuration and labels are all of it. What can change besides are its state and its networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tarmac.run.compose.containers import ENVIRONMENT, HASH, SYSTEM, Container, by_service
from tarmac.run.compose.planning import Change, ResolvedRelease, image_differs, too_many
from tarmac.run.fields import short


@dataclass(frozen=True)
class Drift:
    """What became of a release since it was deployed."""

    #: How many services were compared.
    compared: int
    missing: tuple[str, ...]
    #: A line for each field: what is there -> what is rendered.
    changed: tuple[Change, ...]
    #: Containers of the project that nothing rendered asks for.
    extra: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return bool(self.missing or self.changed or self.extra)


def drift(wanted: ResolvedRelease, there: Sequence[Container]) -> Drift:
    """Compare containers with a release."""
    services = wanted.release.services
    missing = set(services) - {one.service for one in there}
    changed = [
        Change(one.name, said)
        for one in there
        if one.service in services and (said := tuple(_differ(wanted, one)))
    ]
    several = {name: tuple(too_many(own)) for name, own in by_service(there).items()}
    changed += [Change(name, said) for name, said in several.items() if said and name in services]
    extra = [one.name for one in there if one.service not in services]
    return Drift(len(services), tuple(sorted(missing)), tuple(changed), tuple(extra))


def _differ(wanted: ResolvedRelease, one: Container) -> Iterator[str]:
    release = wanted.release
    image = list(image_differs(wanted, one))
    yield from image
    if not image and one.labels.get(HASH) != wanted.hashes.get(one.service):
        yield "configuration: another one than is rendered"
    for label, value in ((SYSTEM, release.system), (ENVIRONMENT, release.environment)):
        if one.labels.get(label) != value:
            yield f"label {label}: {short(one.labels.get(label))} -> {value}"
    service = release.services[one.service]
    if not (one.is_done if release.ends(one.service) else one.state == "running"):
        yield f"state: {one.detail} -> {'done' if release.ends(one.service) else 'running'}"
    networks = {f"{release.project}_{name}" for name in service.get("networks") or ()}
    for name in sorted(networks - one.networks.keys()):
        yield f"network {name}: not connected"
    for name in sorted(one.networks.keys() - networks - {"none"}):
        yield f"network {name}: connected, and not rendered"
