"""Requests about a running system's stores: connect, seed, reset.

Used by the control socket. Nothing here is done without being asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.base.launch import reveal
from tarmac.base.target import SERVING
from tarmac.plan.access import shell_call
from tarmac.run.local.process.prepare import folder_of
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor.remove import erase, size_mb
from tarmac.run.local.supervisor.requests import (
    Connect,
    Reset,
    ResetResult,
    Seed,
    SeedResult,
    StoreShell,
)

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.supervisor import Supervisor


async def connect(supervisor: Supervisor, request: Connect) -> StoreShell:
    """Return how to get into a store, as its administrator or as one of its users."""
    now = supervisor.required()
    name, user = request.name, request.user
    accesses = {access.store: access for access in now.plan.access}
    _check([name], accesses, "no store of the system")
    access = accesses[name]
    if user not in access.urls:
        known = [name for name in access.urls if name]
        if not known:
            raise TarmacError(f"{name}: no service uses it, so it has no user to connect as")
        if user:
            raise BadInput(
                [Problem(f"--as {user}", f"no user of {name}; {did_you_mean(user, known)}")]
            )
        user = known[0]
    url = reveal(access.urls[user], now.secrets)
    return StoreShell(access.title, url, **shell_call(access.shell, url))


async def seed(supervisor: Supervisor, request: Seed) -> list[SeedResult]:
    """Apply seeds that were never applied; with `again`, all."""
    now = supervisor.required()
    seeds = {seed.store: seed for seed in now.plan.seeds if not seed.is_init}
    _check(request.names, seeds, "no store with a seed")
    ready = {node.name for node in supervisor.state.nodes() if node.state in SERVING}
    found = []
    for store in request.names or seeds:
        seed = seeds[store]
        if seed.service not in ready:
            raise TarmacError(
                f"{store}: {seed.service} creates its tables and is not ready; try again when it is"
            )
        outcome = await contents.apply_seed(seed, now.secrets, again=request.again)
        found.append(SeedResult(store, seed.file, outcome))
    return found


async def reset(supervisor: Supervisor, request: Reset) -> ResetResult:
    """Reset stores: stop their users, delete the data, restart all; seeds are applied then."""
    now = supervisor.required()
    nodes = {node.name: node for node in now.plan.nodes}
    stores = {name: node for name, node in nodes.items() if node.role in ("store", "broker")}
    names = list(dict.fromkeys(request.names))
    _check(names, stores, "no running store")
    users = [n for n, node in nodes.items() if {*node.after, *node.needs} & {*names}]
    deleted: list[str] = []

    async def delete() -> None:
        for name in names:
            folder = folder_of(supervisor.home, name, stores[name].launch)
            if folder.exists():
                deleted.append(f"{folder} ({size_mb(folder):.1f} MB)")
                await asyncio.to_thread(erase, folder)

    await supervisor.restart_stopped([*names, *users], between=delete)
    return ResetResult(tuple(deleted), tuple(users))


def _check(names: Iterable[str], known: Iterable[str], what: str) -> None:
    wrong = [name for name in names if name not in known]
    if wrong:
        raise BadInput([Problem(name, f"{what}; {did_you_mean(name, known)}") for name in wrong])
