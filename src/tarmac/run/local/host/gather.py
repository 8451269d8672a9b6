"""Gathers this machine's facts: programs, ports, interpreters; saves them for the next start."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.kind import ProviderCandidate, StoreKind
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.ports import PortNeed
from tarmac.run.local.host import toolchains
from tarmac.run.local.host.inherited_env import inherited_env
from tarmac.run.local.host.listeners import holder
from tarmac.run.local.host.sockets import LOOPBACK, is_free
from tarmac.run.local.state import vault
from tarmac.run.local.state.files import write_atomically
from tarmac.run.local.state.paths import Home

#: Ports without a preference: below those that kernels hand out for outgoing connections
#: (Linux from 32768, macOS from 49152), so that none is gone when a killed store comes back.
ANY_FROM, ANY_COUNT = 20000, 12000
#: To the next one to try: a prime, which reaches all of them and is out of a taken block at once.
STRIDE = 7919
#: How far above a taken port to look for a free one.
SEARCH = 200
LAST_PORT = 65535


def gather(
    system: System,
    kinds: Mapping[str, StoreKind],
    home: Home,
    *,
    offers: Mapping[str, ProviderCandidate],
    namespace: str,
    held: Mapping[str, int],
    take: Callable[[int], bool],
    shape: RunShape,
    strict_ports: bool,
    any_ports: bool = False,
) -> MachineFacts:
    """Find interpreters and free ports.

    Args:
        offers: what was chosen for each store.
        held: ports by key (`plan.ports`) that this system itself has now: they stay.
        take: holds a port if it is free; the caller releases it later.
        strict_ports: a taken port is an error instead of a move to the next free one.
        any_ports: leave the ports that the model names to another copy, where that can be.

    Raises:
        TarmacError: a port is taken and may not move.
    """
    here = {
        name: kinds[candidate.kind]
        for name, candidate in offers.items()
        if candidate.address is None
    }
    needs = tuple(ports.needs(system, here, shape))
    if any_ports:
        needs = tuple(need if need.fixed else replace(need, preferred=None) for need in needs)
    saved: dict[str, int] = {}
    ours = frozenset(held.values())
    with contextlib.suppress(OSError, ValueError, KeyError):  # none yet, or another version's
        known_facts = json.loads(home.facts.read_text())
        saved, preferred = known_facts["ports"], known_facts["preferred"]
        # A port that the model has changed since is chosen again, even while it is in use.
        changed = {n.key for n in needs if preferred.get(n.key, n.preferred) != n.preferred}
        saved = {key: port for key, port in saved.items() if key not in changed}
        held = {key: port for key, port in held.items() if key not in changed}
    # What goes leaves its ports to what comes, e.g. to a service of another name.
    going = ours.difference(held[need.key] for need in needs if need.key in held)

    def take_or_inherit(port: int) -> bool:
        return port in going or take(port)

    chosen = choose_ports(
        needs, saved, held, take_or_inherit, strict=strict_ports, salt=str(home.root)
    )
    wishes = toolchains.choices(system)
    return MachineFacts(
        namespace=namespace,
        pythons=pythons(system),
        python=sys.executable,
        ports=chosen,
        offers=offers,
        folder=str(Path(system.folder).resolve()),
        home=str(home.root),
        caller_tokens=str(home.callers),
        host=LOOPBACK,
        shape=shape,
        environ=inherited_env(),
        toolchains=toolchains.variables(wishes),
        lacks=tuple(filter(None, (choice.lacks for choice in wishes))),
        rotated=vault.rotated(home.secrets),
        kit_sources=_package_folders("tarmac_kit"),
        preferred={need.key: need.preferred for need in needs},
        holders={
            need.preferred: holder(need.preferred)
            for need in needs
            if need.preferred is not None and chosen[need.key] != need.preferred
        },
    )


def save(facts: MachineFacts, home: Home) -> None:
    """Keep the facts: the next start prefers the same ports, and a reader can see them."""
    content = {
        "namespace": facts.namespace,
        "ports": dict(sorted(facts.ports.items())),
        "preferred": dict(sorted(facts.preferred.items())),
        "programs": {
            name: {
                "kind": candidate.kind,
                "provider": candidate.provider,
                "version": candidate.version,
            }
            for name, candidate in facts.offers.items()
        },
        "fast_stores": facts.shape.fast_stores,
    }
    write_atomically(home.facts, json.dumps(content, indent=1) + "\n")


def choose_ports(
    needs: Iterable[PortNeed],
    saved: Mapping[str, int],
    held: Mapping[str, int] = MappingProxyType({}),
    take: Callable[[int], bool] = is_free,
    *,
    strict: bool = False,
    salt: str = "",
) -> dict[str, int]:
    """Choose a free port for each need: the preferred one, else last time's, else the next free.

    A port that another need prefers is never given away.

    Args:
        held: ports by key that stay as they are.
        take: holds a port if it is free.
        strict: a preferred port that is taken is an error.
        salt: spreads ports without a preference, so that two systems seldom look for the same.

    Raises:
        TarmacError: a port is taken and may not move.
    """
    wanted = list(needs)
    reserved = {need.preferred for need in wanted}
    chosen = {need.key: held[need.key] for need in wanted if need.key in held}
    if strict:
        _refuse_others(wanted, chosen)
    used = set(chosen.values())
    for need in wanted:
        if need.key not in chosen:
            candidates = (
                port
                for port in _candidates(need, saved, salt, strict=strict)
                if port not in used and (port == need.preferred or port not in reserved)
            )
            chosen[need.key] = _first_free(candidates, need, take, strict=strict)
            used.add(chosen[need.key])
    return chosen


def _refuse_others(needs: Iterable[PortNeed], held: Mapping[str, int]) -> None:
    """Refuse a running system that had to take other ports than the preferred ones."""
    for need in needs:
        port = held.get(need.key, need.preferred)
        if need.preferred is not None and port != need.preferred and not need.lent:
            raise TarmacError(
                f"{need.key.split('/')[1]}: runs on port {port}, not on {need.preferred}; stop it "
                "with `tarmac down` and start it again, or leave out --strict-ports"
            )


def _candidates(
    need: PortNeed, saved: Mapping[str, int], salt: str, *, strict: bool
) -> Iterator[int]:
    if need.preferred is not None:
        yield need.preferred
        if strict or need.fixed:
            return
    if need.key in saved:
        yield saved[need.key]
    if need.preferred is not None:
        yield from range(need.preferred + 1, min(need.preferred + SEARCH, LAST_PORT + 1))
    start = zlib.crc32(f"{salt}/{need.key}".encode())
    yield from (ANY_FROM + (start + step * STRIDE) % ANY_COUNT for step in range(ANY_COUNT))


def _first_free(
    candidates: Iterable[int],
    need: PortNeed,
    take: Callable[[int], bool],
    *,
    strict: bool,
) -> int:
    for port in candidates:
        if take(port) or need.lent:
            return port
    owner = need.store or need.key.split("/")[1]
    if need.preferred is None or not (strict or need.fixed):
        last = ANY_FROM + ANY_COUNT - 1
        raise TarmacError(
            f"{owner}: no port is free from {ANY_FROM} to {last}; stop the programs that use them"
        )
    advice = "or leave out --strict-ports"
    if need.fixed:  # the others need not wait for it
        advice = f"or start the rest: --without {owner}, which has `listen: fixed`"
    if need.store:
        advice = f"or have its programs read a variable, and remove `port` from `local` of {owner}"
    raise TarmacError(
        f"{owner}: port {need.preferred} is taken by {holder(need.preferred)}; "
        f"stop that program, {advice}"
    )


def pythons(system: System) -> dict[str, str]:
    """Find each service's own virtual environment: `.venv` in its folder or above it."""
    found = {"": sys.executable}
    for name, parts in system.parts.items():
        checkout = system.checkouts.get(name)
        top = Path(checkout.folder).resolve() if checkout else None
        for sourced in parts[:1]:
            folder = Path(sourced.folder).resolve()
            for place in (folder, *folder.parents):
                if (python := place / ".venv" / "bin" / "python").exists():
                    found[name] = str(python)
                    break
                if place == top or (place / ".git").exists():
                    break
    return found


def _package_folders(package: str) -> tuple[str, ...]:
    spec = importlib.util.find_spec(package)
    return tuple(spec.submodule_search_locations or ()) if spec else ()
