"""Which services' users of stores live for a while in a cluster, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import Problem
from tarmac.base.written import duration
from tarmac.catalog.stores.kind import User
from tarmac.plan.bindings import Bindings
from tarmac.plan.leases import OF_USER, PlannedLease
from tarmac.plan.secret_files import references_of


def planned(bindings: Bindings) -> tuple[PlannedLease, ...]:
    """List the users that Vault makes."""
    found = []
    for store, user in _users(bindings):
        kind, context = bindings.kinds[store], bindings.views[store]
        if kind.lease is None:
            continue
        server = ""
        if store in bindings.here:
            port = context.port_of(user, kind.clients)
            server = f"{store}.{bindings.facts.namespace}.svc:{port}"
        found.append(PlannedLease(user.service, store, kind.lease(context, user), server))
    return tuple(sorted(found, key=lambda lease: (lease.service, lease.store)))


def lease_problems(bindings: Bindings, environment: str, secrets: str) -> Iterator[Problem]:
    """Yield what keeps a user for longer than it lives, and addresses that nothing can give."""
    lives = duration(bindings.facts.lease_s)
    leased = {(user.service, store) for store, user in _users(bindings)}
    if bindings.facts.lease_s and not leased:
        place = str(bindings.system.locate(("environments", environment, "vault", "lease")))
        yield Problem(place, "no service logs into a PostgreSQL; remove `lease`")
    for service, store in sorted(leased):
        for path, reference in references_of(bindings, service):
            if reference.name == store and reference.output in OF_USER:
                what = (
                    f"{service} keeps the user of '{store}' in a variable, and it lives for {lives}"
                )
                advice = (
                    f"use ${{stores.{store}.{reference.output}_file}}, and read that file again "
                )
                place = str(bindings.system.locate(path))
                yield Problem(place, f"{what}; {advice}for each new connection")
    elsewhere = sorted({store for _, store in leased} - bindings.here.keys())
    if elsewhere and secrets == "script":
        place = str(bindings.system.locate(("environments", environment, "secrets"), key=True))
        what = f"'{elsewhere[0]}' is on a server of the cloud, and a script cannot say where"
        yield Problem(place, f"{what}; write `secrets: external` or `secrets: vault`")


def _users(bindings: Bindings) -> Iterator[tuple[str, User]]:
    for store, context in bindings.views.items():
        yield from ((store, user) for user in context.users if user.leased)
