"""Adds an instance of a service's new version to a plan: it runs beside the others.

It is planned as one more instance, by the system's own file or by another (in a checkout of a
branch), and differs from the others by its launch alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.base.foreign import files
from tarmac.base.launch import secrets_of, text
from tarmac.catalog.stores.kind import StoreKind
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.plan import Plan
from tarmac.plan.resolve import resolve
from tarmac.run.local.state.options import NewVersion

ORIGIN = "the new version that a drill tries"


def name_of(service: str) -> str:
    """Name the instance of a service's new version."""
    return f"{service}.new"


def with_room(shape: RunShape, system: System, versions: Mapping[str, NewVersion]) -> RunShape:
    """Count the instances of new versions: each listens somewhere, too."""
    more = {name: ports.instances(system, name, shape) + 1 for name in versions}
    return replace(shape, scale={**shape.scale, **more})


def added(
    plan: Plan,
    system: System,
    facts: MachineFacts,
    kinds: Mapping[str, StoreKind],
    versions: Mapping[str, NewVersion],
) -> Plan:
    """Return the plan with an instance for each of them.

    Args:
        facts: have a port for one more instance of each.

    Raises:
        TarmacError: it needs what this system does not have, or only one instance can be.
    """
    for service, version in versions.items():
        other = load(version.file, files.content) if version.file else system
        shape = with_room(facts.shape, system, {service: version})
        if more := other.file.stores.keys() - system.file.stores.keys():
            raise _unfit(service, version, ", ".join(sorted(more)))
        try:
            there = replace(facts, folder=str(Path(other.folder).resolve()), shape=shape)
            found = resolve(other, plan.environment, there, kinds)
            node = found.node(f"{service}.{shape.scale[service]}")
        except KeyError as error:
            raise _unfit(service, version, str(error)) from None
        launch = replace(
            node.launch, env={**node.launch.env, **{k: text(v) for k, v in version.env.items()}}
        )
        if version.file:  # a fork would have the modules of the others
            launch = replace(launch, forked=None)
        origins = {**node.origins, **dict.fromkeys(version.env, ORIGIN)}
        new = replace(node, name=name_of(service), launch=launch, origins=origins)
        secrets = {secret.path: secret for secret in (*plan.secrets, *secrets_of(launch))}
        plan = replace(
            plan,
            nodes=(*plan.nodes, new),
            secrets=tuple(secrets[path] for path in sorted(secrets)),
        )
    return plan


def _unfit(service: str, version: NewVersion, what: str) -> TarmacError:
    return TarmacError(
        f"{version.file}: the new version of {service} cannot run in this system, which has no "
        f"{what}; a canary drill compares versions that differ in code and settings only"
    )
