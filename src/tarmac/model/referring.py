"""Checks what the variables of services refer to: `${stores.orders-db.url}`.

Called by `consistency`. Whether a thing has the output that is asked for is the plan's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tarmac.base.errors import Problem, did_you_mean
from tarmac.model.document import Document
from tarmac.model.gaps import Gaps
from tarmac.model.location import Path
from tarmac.model.reference import Reference, split
from tarmac.model.system import System
from tarmac.model.value import EnvValue


def where_from(section: str, name: str, known: list[str]) -> str:
    """Return what to do about a name that is not there: the near one, or where to add it."""
    hint = did_you_mean(name, known)
    if hint.startswith("did you mean"):
        return hint
    return f"add it under `{section}`" + (f", or {hint}" if known else "")


def _at(system: System, *path: str | int, key: bool = False) -> str:
    return str(system.locate(path, key=key))


#: A value, and the system that it is in: where it stands is looked up for a problem alone.
Placed = tuple[System, Path]


def _where(placed: Placed) -> str:
    system, path = placed
    return str(system.locate(path))


def of_service(system: System, name: str, gaps: Gaps) -> Iterator[Problem]:
    """Yield what is wrong with the references of one service's variables, in every environment."""
    service = system.file.services[name]
    for variable, value in service.env.items():
        own: Path = ("services", name, "env", variable)
        yield from _value((system, own), variable, value, gaps, name)
    for environment, spec in system.file.environments.items():
        for variable, value in spec.env.get(name, {}).items():
            own = ("environments", environment, "env", name, variable)
            yield from _value((system, own), variable, value, gaps, name)


def _value(
    placed: Placed, variable: str, value: object, gaps: Gaps, name: str
) -> Iterator[Problem]:
    system, _ = placed
    try:
        pieces = split(value) if isinstance(value, str) else ()
    except ValueError as error:
        yield Problem(_where(placed), f"{variable}: {error}")
        return
    service = system.file.services[name]
    for piece in pieces:
        if isinstance(piece, Reference):
            yield from _reference(placed, variable, piece, gaps, name)
            # A foreign program's subjects and queues may be known only to itself.
            told = service.publishes or service.consumes or not system.is_kit(name)
            if piece.root == "broker" and system.file.broker and not told:
                yield Problem(
                    _where(placed),
                    f"{variable} refers to the broker, but {name} has no topics; "
                    "add `publishes` or `consumes`",
                )


def of_all(document: Document, env: Mapping[str, EnvValue]) -> Iterator[Problem]:
    """Yield what is wrong with the references of the variables that a file gives every service."""
    for variable, value in env.items():
        where = str(document.locate(("env", variable)))
        try:
            pieces = split(value) if isinstance(value, str) else ()
        except ValueError as error:
            yield Problem(where, f"{variable}: {error}")
            continue
        for piece in pieces:
            if isinstance(piece, Reference) and piece.root != "system":
                yield Problem(
                    where,
                    f"{variable} of all services refers to '{piece.source}', which would connect "
                    "every service to it; set it in the services that need it",
                )


def _reference(
    placed: Placed, variable: str, reference: Reference, gaps: Gaps, user: str
) -> Iterator[Problem]:
    system, _ = placed
    services, root, name = system.file.services, reference.root, reference.name
    known: dict[str, Collection[str]] = {
        "services": services,
        "stores": system.file.stores,
        "volumes": services[user].volumes,
        "broker": ["broker"] if system.file.broker else [],
        "system": ["system"],
    }
    if root not in known:
        near = did_you_mean(root, known)
        forms = "begin it with services, stores, volumes, broker or system"
        hint = near if near.startswith("did you mean") else forms
        yield Problem(_where(placed), f"{variable} refers to '{reference.source}'; {hint}")
    elif name not in known[root]:
        if gaps.any("broker") if root == "broker" else gaps.has(root, name):
            return
        what = root.removesuffix("s")
        if root == "broker":
            yield Problem(
                _where(placed),
                f"{variable} refers to the broker, but there is none; add `broker: nats`",
            )
            return
        hint = where_from(root, name, [*known[root], *gaps.left_out(root)])
        yield Problem(_where(placed), f"{variable} refers to unknown {what} '{name}'; {hint}")
    elif root == "services" and not services[name].listening:
        there = _at(system, "services", name, key=True)
        yield Problem(
            _where(placed),
            f"{variable} refers to '{reference.source}', and {name} has no port; "
            f"add `port: 8080`, say, to it ({there})",
        )
