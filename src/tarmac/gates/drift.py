"""Drift: a service has the same variables and edges in every environment as on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac import registry, stores
from tarmac.gates._gate import Gate, Subject
from tarmac.model.edge import BROKER_KINDS, ENTRY, edges, place
from tarmac.plan import ports, spans
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import Facts, Shape
from tarmac.plan.settings import settings
from tarmac.report import Finding
from tarmac.stores._kind import Offer


def check(subject: Subject) -> Iterator[Finding]:
    """Yield variables and connections that only one of the two has."""
    here = _here(subject)
    for workload in subject.plan.services:
        keys = settings(here, workload.name, 1)[0].keys()
        for name in sorted(workload.env.keys() - keys):
            yield Finding(
                workload.env[name].origin,
                f"{workload.name} has {name} in {subject.plan.environment} and not on a laptop; "
                "give it a value in the service's own `env`, too",
            )
        for name in sorted(keys - workload.env.keys()):
            yield Finding(
                workload.place,
                f"{workload.name} has {name} on a laptop and not in {subject.plan.environment}; "
                "nothing there gives it",
            )
    yield from _edges(subject)


def _edges(subject: Subject) -> Iterator[Finding]:
    system, there = subject.system, subject.plan.environment
    declared = {
        (each.source, ports.BROKER if each.kind in BROKER_KINDS else each.target)
        for each in edges(system)
        if each.source not in (ENTRY, each.target)
    }
    allowed = {(e.source, e.target): e.place for e in subject.plan.allowed if e.source != "world"}
    for source, target in sorted(declared - allowed.keys()):
        where = str(place(system, source, target))
        yield Finding(where, f"{source} uses {target} on a laptop, and may not reach it in {there}")
    for source, target in sorted(allowed.keys() - declared):
        where = allowed[source, target]
        yield Finding(where, f"{source} may reach {target} in {there}, and uses it on no laptop")


def _here(subject: Subject) -> Bindings:
    """Bind the system as on a laptop that has everything; only which variables there are counts."""
    kinds, file = registry.load(stores, "STORE"), subject.system.file
    plan = subject.plan
    asked = {name: each.kind for name, each in file.stores.items()}
    if file.broker is not None:
        asked[ports.BROKER] = file.broker.kind
    here = {name: kinds[kind] for name, kind in asked.items()}
    shape = Shape(direct=True)
    needs = ports.needs(subject.system, here, shape)
    return Bindings(
        subject.system,
        Facts(
            namespace="default",
            pythons={"": "python3"},
            ports={need.key: need.preferred or 20000 + n for n, need in enumerate(needs)},
            offers={name: Offer("laptop", {}, "", kind) for name, kind in asked.items()},
            folder=subject.system.folder,
            # What takes spans stands beside a system, and no service does anything else for it.
            spans=dict(spans.variables(plan.settings, plan.system, plan.environment)),
            shape=shape,
        ),
        kinds,
    )


GATE = Gate(
    id="ENV002",
    title="A service has the same variables and edges in every environment as on a laptop",
    phase="foundation",
    source="the twelve-factor app, X: dev/prod parity; what is only in production is tried there",
    check=check,
    looks_at="the plan of the environment beside the plan of a laptop: names of variables, and who "
    "uses what. Values differ, and may. Where spans are sent is left out.",
)
