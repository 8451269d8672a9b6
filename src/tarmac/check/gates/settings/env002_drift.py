"""Drift: a service has the same variables and edges in every environment as locally."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import registry
from tarmac.base.report import Finding
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import ProviderCandidate
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted
from tarmac.model.edge import BROKER_KINDS, ENTRY
from tarmac.plan import callers, ports, spans
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.settings import settings


def check(subject: Subject) -> Iterator[Finding]:
    """Yield variables and connections that only one of the two environments has."""
    here = _here(subject)
    for workload in subject.plan.services:
        keys = settings(here, workload.name, 1)[0].keys()
        for name in sorted(workload.env.keys() - keys):
            yield Finding(
                workload.env[name].origin,
                f"{workload.name} has {name} in {subject.plan.environment} and not locally; "
                "set it in the service's own `env`, too",
            )
        for name in sorted(keys - workload.env.keys()):
            yield Finding(
                workload.place,
                f"{workload.name} has {name} locally and not in {subject.plan.environment}; "
                "nothing there sets it",
            )
    yield from _edges(subject)


def _edges(subject: Subject) -> Iterator[Finding]:
    system, there = subject.system, subject.plan.environment
    declared = {
        (edge.source, ports.BROKER if edge.kind in BROKER_KINDS else edge.target)
        for edge in system.edges
        if edge.source not in (ENTRY, edge.target)
    }
    allowed = {(e.source, e.target): e.place for e in subject.plan.allowed if e.source != "world"}
    for source, target in sorted(declared - allowed.keys()):
        where = str(system.place(source, target))
        yield Finding(where, f"{source} uses {target} locally, and may not reach it in {there}")
    for source, target in sorted(allowed.keys() - declared):
        where = allowed[source, target]
        yield Finding(where, f"{source} may reach {target} in {there}, and does not use it locally")


def _here(subject: Subject) -> Bindings:
    """Bind the system locally with every provider; only the names of variables count."""
    kinds, file = registry.load(stores, "STORE"), subject.system.file
    plan = subject.plan
    asked = {name: store.kind for name, store in file.stores.items()}
    if file.broker is not None:
        asked[ports.BROKER] = file.broker.kind
    here = {name: kinds[kind] for name, kind in asked.items()}
    shape = RunShape(direct=True)
    # A cluster and a supervisor issue caller tokens differently.
    caller_tokens, caller_keys_url = callers.issued_in(plan.settings)
    needs = ports.needs(subject.system, here, shape)
    return Bindings(
        subject.system,
        MachineFacts(
            namespace="default",
            pythons={"": "python3"},
            ports={need.key: need.preferred or 20000 + n for n, need in enumerate(needs)},
            offers={
                name: ProviderCandidate("laptop", {}, "", kind) for name, kind in asked.items()
            },
            folder=subject.system.folder,
            caller_tokens=caller_tokens,
            caller_keys_url=caller_keys_url,
            # A vault is none, either: users of databases that it makes are read from files.
            lease_s=plan.settings.lease_s,
            # A collector of spans is not a part of a system.
            spans=dict(spans.variables(plan.settings, plan.system, plan.environment)),
            shape=shape,
        ),
        kinds,
    )


GATE = Gate(
    id="ENV002",
    title="A service has the same variables and edges in every environment as locally",
    phase="foundation",
    source="the twelve-factor app, X: dev/prod parity; a difference is first tested in production",
    check=check,
    scope=counted("services", lambda subject: subject.plan.services),
    reads="the plan of the environment beside the local plan: names of variables, and "
    "which service uses what. Values differ, and may. Where spans are sent, how a cluster issues "
    "caller tokens, and whether Vault makes users of databases, is left out.",
)
