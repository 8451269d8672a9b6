"""The stores of one copy of a system as they last ran, with what their kinds say of snapshots.

Read from the copy's own files, so that it need not run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem
from tarmac.base.launch import Secret, StoreSecret
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import EXTERNAL, ProviderCandidate, StoreKind, StoreSnapshot
from tarmac.run.local.host import privileges
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import StateFile


@dataclass(frozen=True)
class LocalStore:
    """A store whose server runs, or ran, on this machine."""

    name: str
    kind: StoreKind
    provider: str
    version: str
    folder: Path
    #: The folder stands outside the project, and is another user's.
    is_outside: bool
    #: Tells whether the administrator's password is the same; empty: there is none yet.
    admin: str = ""
    #: The migrations that it had; empty: it was not asked.
    migrations: tuple[str, ...] = ()

    @property
    def rule(self) -> StoreSnapshot:
        """How its data is kept."""
        return self.kind.snapshot

    def data(self) -> list[Path]:
        """List what holds its data now."""
        if not self.folder.is_dir():
            return []
        return sorted(
            path for path in self.folder.iterdir() if any(map(path.match, self.rule.keeps))
        )


@dataclass(frozen=True)
class LocalStores:
    """All stores of one copy."""

    system: str
    here: Mapping[str, LocalStore]
    #: Stores that no snapshot holds, and why.
    left: Mapping[str, str]
    fast: bool


def stores_of(home: Home) -> LocalStores:
    """Find the stores that run, or ran last. Raises BadInput where none ever did."""
    facts: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        facts = json.loads(home.facts.read_text())
    programs: dict[str, dict[str, str]] = facts.get("programs", {})
    system, names = _ran(home)
    if not names:
        what = f"no store ever ran in namespace '{home.root.name}'; start it with `tarmac up`"
        raise BadInput([Problem(str(home.root), what)])
    return _found(home, system, names, programs, fast=bool(facts.get("fast_stores")))


def stores_of_offers(
    home: Home, system: str, offers: Mapping[str, ProviderCandidate], *, fast: bool
) -> LocalStores:
    """Find the stores of a copy that is about to start for the first time."""
    programs = {
        name: {"kind": offer.kind, "provider": offer.provider, "version": offer.version}
        for name, offer in offers.items()
    }
    return _found(home, system, list(offers), programs, fast=fast)


def _found(
    home: Home, system: str, names: list[str], programs: Mapping[str, Any], *, fast: bool
) -> LocalStores:
    kinds: dict[str, StoreKind] = registry.load(stores, "STORE")
    digests = _digests(home)
    here: dict[str, LocalStore] = {}
    left: dict[str, str] = {}
    for name in names:
        program = programs.get(name)
        if program is None or program["provider"] == EXTERNAL or program["kind"] not in kinds:
            left[name] = "it runs elsewhere"
            continue
        kind = kinds[program["kind"]]
        if kind.snapshot.is_empty:
            left[name] = f"{kind.title} keeps nothing on the disk"
        folder = folder_of(home, name, kind.snapshot, program["provider"])
        here[name] = LocalStore(
            name,
            kind,
            program["provider"],
            program["version"],
            folder,
            is_outside=folder.parent != home.nodes,
            admin=digests.get(name, ""),
        )
    return LocalStores(system, here, left, fast)


def folder_of(home: Home, name: str, rule: StoreSnapshot, provider: str) -> Path:
    """Name a store's folder: the one that is there, or where its server will look for it."""
    inside = home.nodes / name
    if privileges.drop() != "setuid":
        return inside
    outside = nodes_outside(home) / name
    if outside.exists() or (rule.refuses_root and provider != "docker" and not inside.exists()):
        return outside
    return inside


def _ran(home: Home) -> tuple[str, list[str]]:
    if not home.state.exists():
        return "", []
    with contextlib.closing(StateFile(home.state)) as file:
        meta, nodes = file.meta(), file.nodes()
    names = [node.name for node in nodes if node.role in ("store", "broker")]
    return meta.get("system", ""), names


def _digests(home: Home) -> dict[str, str]:
    """Digest each administrator's password: 24 random bytes, which no digest gives away."""
    secrets: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        secrets = json.loads(home.secrets.read_text())
    found: dict[str, str] = {}
    for path, value in secrets.items():
        with contextlib.suppress(ValueError):
            owner = Secret(path).owner
            if isinstance(owner, StoreSecret) and owner.user == "admin":
                found[owner.store] = hashlib.sha256(value.encode()).hexdigest()[:32]
    return found
