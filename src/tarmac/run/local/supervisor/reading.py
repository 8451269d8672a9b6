"""The plan of a system as it runs or would run, without holding a port or writing a file.

Used by verbs that only read. Ports and providers are those of the last start, where there was one.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from tarmac.base import registry
from tarmac.base.errors import BadInput, MissingTool
from tarmac.catalog import stores
from tarmac.model.system import System
from tarmac.plan.facts import RunShape
from tarmac.plan.plan import Plan
from tarmac.plan.ports import BROKER
from tarmac.plan.resolve import LOCAL, resolve
from tarmac.project.reading import load
from tarmac.run.local.host import gather, providers
from tarmac.run.local.state import vault
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client


def plan_of(file: str, namespace: str) -> tuple[System, Plan]:
    """Load a system and resolve it with the facts of its last start.

    Raises:
        TarmacError: the model is wrong, or this machine lacks a store's server.
    """
    home = Home.of(Path(file), namespace)
    system = load(file, sources=client.sources_of(home))
    kinds = registry.catalogue(stores, "STORE")
    saved: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        saved = json.loads(home.facts.read_text())
    dotenv = vault.read_dotenv(Path(system.folder) / ".env")
    try:
        chosen = providers.choose(system, kinds, _provider_requests(system, saved), dotenv)
    except (BadInput, MissingTool):  # what was there at the last start may be gone
        chosen = providers.choose(system, kinds, (), dotenv)
    facts = gather.gather(
        system,
        kinds,
        home,
        offers=chosen.offers,
        namespace=namespace,
        held=saved.get("ports", {}),
        take=lambda _: True,
        shape=_shape(system, saved),
        strict_ports=False,
    )
    return system, resolve(system, LOCAL, facts, kinds)


def _provider_requests(system: System, saved: dict[str, Any]) -> list[str]:
    """Ask for the providers of the last start."""
    asked = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        asked[BROKER] = system.file.broker.kind
    return [
        f"{name}={was['provider'] if was['kind'] == asked[name] else was['kind']}"
        for name, was in saved.get("programs", {}).items()
        if name in asked
    ]


def _shape(system: System, saved: dict[str, Any]) -> RunShape:
    """Read from the ports of the last start how it was run."""
    keys = saved.get("ports", {})
    scale: dict[str, int] = {}
    for key in keys:
        kind, *rest = key.split("/")
        if kind == "instances" and rest[0] in system.file.services:
            scale[rest[0]] = max(scale.get(rest[0], 1), int(rest[1]))
    wired = any(key.startswith(("edges/", "instances/")) for key in keys)
    return RunShape(
        direct=bool(keys) and not wired,
        scale=scale,
        fast_stores=bool(saved.get("fast_stores")),
    )
