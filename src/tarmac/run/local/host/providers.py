"""Chooses the provider of each store of a system: the requested one, else what the machine has.

Called while facts are gathered. It asks `offers` what there is and starts nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tarmac.base.errors import BadInput, MissingTool, Problem, did_you_mean
from tarmac.catalog.stores.kind import (
    EXTERNAL,
    Address,
    ProviderCandidate,
    StoreKind,
    external_secret,
)
from tarmac.model import conventions
from tarmac.model.edge import BROKER_KINDS
from tarmac.model.system import System
from tarmac.plan.ports import BROKER
from tarmac.run.local.host import offers

Find = Callable[..., ProviderCandidate | None]
Refused = Callable[[StoreKind, str | None], Iterable[str]]


class ProviderRequest(NamedTuple):
    """A provider requested on the command line or in the model, for a store or a kind."""

    where: str
    name: str
    provider: str


@dataclass(frozen=True)
class ProviderChoice:
    """What was chosen for each store, the broker among them as `broker`."""

    offers: Mapping[str, ProviderCandidate]
    #: What the URLs of servers elsewhere hold: value by secret path.
    secrets: dict[str, str]


def choose(
    system: System,
    kinds: Mapping[str, StoreKind],
    requests: Iterable[str] = (),
    dotenv: Mapping[str, str] | None = None,
    find: Find | None = None,
    refused: Refused = offers.refused,
    off: Collection[str] = (),
) -> ProviderChoice:
    """Choose a provider for every store.

    Args:
        requests: NAME=PROVIDER of the command line; NAME is a store, a kind or `broker`.
        dotenv: variables of `.env`; they win over those of the environment.
        find: `offers.find` on one look at this machine.
        refused: why a kind's programs that are there cannot be used.
        off: stores that do not run: they may lack a server.

    Raises:
        BadInput: a request that cannot be, or a URL that is absent or wrong.
        MissingTool: this machine lacks a server, and how to get it.
    """
    look = find or _on_this_machine()
    stores = _stores(system, kinds)
    kind_of = {name: kind for name, (kind, _) in stores.items()}
    requested = {
        **_read(_in_the_model(system), kind_of),
        **_read(map(_in_the_command, requests), kind_of),
    }
    found: dict[str, ProviderCandidate] = {}
    secrets: dict[str, str] = {}
    problems: list[Problem] = []
    missing: list[str] = []
    for name, (kind, version) in stores.items():
        request = requested.get(name)
        try:
            if request == EXTERNAL:
                found[name], held = _external(system, name, kind, dotenv or {})
                secrets.update(held)
            elif request in kind.substitutes:
                found[name] = _substitute(system, name, kind, [kinds[request]], look, refused)
            else:
                candidate = look(kind, asked_version=version, asked_provider=request)
                others = () if request else kind.substitutes
                found[name] = candidate or _substitute(
                    system, name, kind, [kinds[other] for other in others], look, refused, request
                )
        except BadInput as error:
            problems += error.problems
        except MissingTool as error:
            if name in off:
                found[name] = ProviderCandidate("", {}, version or "", kind.id)
            else:
                missing.append(str(error))
    if problems:
        raise BadInput(problems)
    if missing and len(stores) == len(_asked(system)):  # an unknown kind is reported first
        raise MissingTool("\n".join(missing))
    return ProviderChoice(found, secrets)


def _on_this_machine() -> Find:
    machine = offers.Machine()

    def find(kind: StoreKind, **asked: str | None) -> ProviderCandidate | None:
        return offers.find(kind, machine, **asked)

    return find


def _stores(
    system: System, kinds: Mapping[str, StoreKind]
) -> dict[str, tuple[StoreKind, str | None]]:
    """List each store's kind and requested version; the plan reports unknown kinds."""
    asked = _asked(system)
    return {n: (kinds[kind], version) for n, (kind, version) in asked.items() if kind in kinds}


def _asked(system: System) -> dict[str, tuple[str, str | None]]:
    found = {name: (store.kind, store.version) for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        found[BROKER] = (system.file.broker.kind, system.file.broker.version)
    return found


def _in_the_model(system: System) -> Iterator[ProviderRequest]:
    for name, store in system.file.stores.items():
        if store.provider is not None:
            place = system.locate(("stores", name, "provider"))
            yield ProviderRequest(str(place), name, store.provider)
    if (broker := system.file.broker) is not None and broker.provider is not None:
        yield ProviderRequest(str(system.locate(("broker", "provider"))), BROKER, broker.provider)


def _in_the_command(request: str) -> ProviderRequest:
    name, _, provider = request.partition("=")
    return ProviderRequest(f"--provider {request}", name, provider)


def _read(requests: Iterable[ProviderRequest], stores: Mapping[str, StoreKind]) -> dict[str, str]:
    """Read the requests into provider by store; a store's own name wins over its kind's."""
    by_name: dict[str, str] = {}
    problems: list[Problem] = []
    for where, name, provider in requests:
        meant = [kind for store, kind in stores.items() if name in (store, kind.id)]
        if not provider:
            problems.append(Problem(where, "not NAME=PROVIDER; write for example redis=docker"))
        elif not meant:
            known = {*stores, *(kind.id for kind in stores.values())}
            problems.append(
                Problem(where, f"no store or kind '{name}'; {did_you_mean(name, known)}")
            )
        for kind in meant[:1] if provider else ():
            known = {*(offered.id for offered in kind.providers), *kind.substitutes}
            known |= {EXTERNAL} if kind.external else set()
            if provider not in known:
                hint = did_you_mean(provider, known)
                problems.append(Problem(where, f"{kind.id} has no provider '{provider}'; {hint}"))
        by_name[name] = provider
    if problems:
        raise BadInput(problems)
    requested = {store: by_name.get(store, by_name.get(kind.id)) for store, kind in stores.items()}
    return {store: provider for store, provider in requested.items() if provider is not None}


def _substitute(
    system: System,
    name: str,
    kind: StoreKind,
    others: Iterable[StoreKind],
    find: Find,
    refused: Refused,
    request: str | None = None,
) -> ProviderCandidate:
    """Find a kind that may answer in another's place: the kit speaks to either, others do not."""
    get = " or ".join(provider.get for provider in kind.providers if request in (None, provider.id))
    by = f" by provider '{request}'" if request else ""
    for other in others:
        if (candidate := find(other)) is not None:
            users = _users(system, name)
            foreign = sorted(user for user in users if not system.is_kit(user))
            if not foreign:
                return candidate
            raise MissingTool(
                f"{name}: {other.title} cannot substitute {kind.title}: services outside "
                f"the kit use it ({', '.join(foreign)}); {get}{_left_out(system, name)}"
            )
    seen = ", ".join(refused(kind, request))
    told = f"no {kind.title} on this machine{by}" + (f" that can be used ({seen})" if seen else "")
    used = bool(_users(system, name))
    rest = ""
    if not used and name != BROKER:
        rest = f"; or start the rest: `tarmac up --without {name}`, as nothing uses it yet"
    if used and kind.external:
        rest = f"; or name one that runs elsewhere: --provider {name}=external"
    rest += _left_out(system, name)
    raise MissingTool(f"{name}: {told}; {get}{rest}")


def _left_out(system: System, name: str) -> str:
    """Say how the rest starts without a store, and which services then miss it."""
    if not (users := sorted(_users(system, name))):
        return ""
    missed = f"{', '.join(users)} then {'miss' if len(users) > 1 else 'misses'} it"
    return f"; or leave it out: --without {name}, and {missed}"


def _users(system: System, name: str) -> set[str]:
    """List the services that use a store, or the broker."""
    used = [edge for edge in system.edges if edge.kind == "store" and edge.target == name]
    if name == BROKER:
        used = [edge for edge in system.edges if edge.kind in BROKER_KINDS]
    return {edge.source for edge in used}


def _external(
    system: System, name: str, kind: StoreKind, dotenv: Mapping[str, str]
) -> tuple[ProviderCandidate, dict[str, str]]:
    """Read where a server is that runs elsewhere; errors never show the URL, which has a password.

    Raises:
        BadInput: no URL, or one that is wrong.
    """
    variable = conventions.env_prefix(name) + conventions.URL_SUFFIX
    example = f"{next(iter(kind.external))}://user:password@host"
    url = dotenv.get(variable) or os.environ.get(variable)
    if not url:
        place = str(system.locate(("broker",) if name == BROKER else ("stores", name), key=True))
        what = (
            f"{name} has provider `external`, but neither .env nor the environment has {variable}"
        )
        raise BadInput([Problem(place, f"{what}; set it, like {example}")])
    wrong = ""
    try:
        # Of several hosts the first stands for all: together they are one server.
        parts = urlsplit(re.sub(r",[^/?#@]*(?=[/?#]|$)", "", url, count=1))
        port = parts.port
    except ValueError:
        wrong = "it is not a URL"
    else:
        if parts.scheme not in kind.external:
            wrong = f"its scheme is '{parts.scheme}', not {' or '.join(kind.external)}"
        elif not parts.hostname:
            wrong = "it names no host"
    if wrong:
        where = _place(Path(system.folder) / ".env", variable) if variable in dotenv else variable
        raise BadInput([Problem(where, f"{variable} is wrong: {wrong}; write it like {example}")])
    held = {"url": url, "user": unquote(parts.username or "")}
    held["password"] = unquote(parts.password or "")
    address = Address(
        parts.hostname or "", port or kind.external[parts.scheme], unquote(parts.path.lstrip("/"))
    )
    return ProviderCandidate(EXTERNAL, {}, "", kind=kind.id, address=address), {
        external_secret(name, output).path: value for output, value in held.items()
    }


def _place(file: Path, variable: str) -> str:
    """Find a variable's line in `.env`."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = file.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if line.strip().removeprefix("export ").partition("=")[0].strip() == variable:
            return f"{file}:{number}:1"
    return str(file)
