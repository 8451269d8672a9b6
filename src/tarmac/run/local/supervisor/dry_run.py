"""What `up` refuses of a system's file that is known without starting anything.

`tarmac init` asks before it writes one. It holds no port and writes nothing.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tarmac.base import registry
from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import Image, ProviderCandidate, StoreKind
from tarmac.model.disk import missing
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import RunShape
from tarmac.plan.resolve import LOCAL, resolve
from tarmac.project.reading import load
from tarmac.run.local.host import gather, listeners, offers, providers, sockets, toolchains
from tarmac.run.local.host.missing_programs import missing_programs
from tarmac.run.local.state import vault
from tarmac.run.local.state.paths import Home

NAMESPACE = "default"


class Refusal(NamedTuple):
    """What keeps a system from being started."""

    #: What is wrong in its file, with the places.
    problems: tuple[Problem, ...]
    #: What this machine has not, or has in use now.
    lacks: tuple[str, ...]


def dry_run(file: str, text: str) -> Refusal:
    """Read a system's file as it would be written, and plan it for this machine.

    Args:
        file: where it would be.
    """
    name = os.path.normpath(file)

    def read(path: str) -> bytes:
        return text.encode() if os.path.normpath(path) == name else files.content(path)

    try:
        system = load(file, read, root=None)
    except BadInput as error:
        return Refusal(error.problems, ())
    except TarmacError as error:
        return Refusal((), (str(error),))
    kinds: Mapping[str, StoreKind] = registry.catalogue(stores, "STORE")
    lacks = [*missing_programs(system), *toolchains.lacks(system)]
    if problems := tuple(missing(system, os.path.isdir, os.path.isfile)):
        return Refusal(problems, tuple(lacks))
    try:
        chosen, absent = _offers(system, kinds)
        found = gather.gather(
            system,
            kinds,
            Home.of(Path(file), NAMESPACE),
            offers=chosen,
            namespace=NAMESPACE,
            held={},
            take=lambda _: True,
            shape=RunShape(),
            strict_ports=False,
        )
        resolve(system, LOCAL, found, kinds)
    except BadInput as error:
        return Refusal(error.problems, tuple(lacks))
    here = {name: kinds[candidate.kind] for name, candidate in chosen.items()}
    return Refusal((), (*lacks, *absent, *_taken(system, here)))


def _offers(
    system: System, kinds: Mapping[str, StoreKind]
) -> tuple[Mapping[str, ProviderCandidate], list[str]]:
    """Choose providers, with a nominal one for each store that this machine has none for."""
    dotenv = vault.read_dotenv(Path(system.folder) / ".env")
    absent: list[str] = []
    try:
        return providers.choose(system, kinds, (), dotenv).offers, absent
    except MissingTool as error:
        absent = str(error).splitlines()
    machine = offers.Machine()

    def find(kind: StoreKind, **asked: str | None) -> ProviderCandidate | None:
        known = offers.find(kind, machine, **asked)
        return known or _nominal(kind, asked.get("asked_provider"))

    return providers.choose(system, kinds, (), dotenv, find).offers, absent


def _nominal(kind: StoreKind, asked: str | None) -> ProviderCandidate:
    provider = next((p for p in kind.providers if p.id == asked), kind.providers[0])
    programs = {name: (name,) for name in provider.programs}
    first = next(iter(provider.programs.values()))
    image = f"{first.name}:{first.tag}" if isinstance(first, Image) else ""
    return ProviderCandidate(provider.id, programs, "", kind.id, image)


def _taken(system: System, kinds: Mapping[str, StoreKind]) -> Iterator[str]:
    """Yield the ports that may not move and that another process has now."""
    for need in ports.needs(system, kinds, RunShape()):
        if need.fixed and need.preferred is not None and not sockets.is_free(need.preferred):
            owner = need.store or need.key.split("/")[1]
            holder = listeners.holder(need.preferred)
            yield f"{owner}: port {need.preferred} is taken by {holder}; stop that program"
