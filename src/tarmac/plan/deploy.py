"""`deploy`: a model and one of its environments -> the plan of a cluster. Pure, no I/O.

The same `Bindings` and `settings` that run a system on a laptop compute its names, ports and
variables here; only the facts differ: every service and store is found by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.catalog.stores.kind import (
    MANAGED,
    Container,
    ProviderCandidate,
    StoreKind,
)
from tarmac.model.environment import Environment
from tarmac.model.system import System
from tarmac.plan import callers, ports, routes, secret_files, spans
from tarmac.plan.bindings import Bindings
from tarmac.plan.catalogue import catalogue, team
from tarmac.plan.cluster import (
    ClusterPlan,
    ConnectionUse,
    ManagedStore,
    Scale,
    StoreHealthCheck,
)
from tarmac.plan.cluster_services import DRAIN_S, VOLUMES, public_urls, service_workload
from tarmac.plan.cluster_stores import (
    connections,
    containers,
    made,
    offered,
    setup_workload,
    store_workload,
)
from tarmac.plan.dns import dns_problems
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.infrastructure import infrastructure, laid_out, server_problems
from tarmac.plan.leased_users import lease_problems, planned
from tarmac.plan.organization import organization
from tarmac.plan.reach import allowed_connections
from tarmac.plan.roles import role_problems, roles
from tarmac.plan.settings import domain
from tarmac.plan.sizes import StoreSizing, connection_uses, scale, store_sizes

#: Where a kit service without a port of its own answers health and metrics.
WORKER_PORT = 8080


@dataclass(frozen=True)
class _BoundSystem:
    """Services and stores bound by their names in the cluster."""

    bindings: Bindings
    #: By store.
    containers: Mapping[str, Container]
    users: tuple[ConnectionUse, ...]
    #: By store: how large its server is for its users.
    sizes: Mapping[str, StoreSizing]


def no_environment(system: System, asked: str | None = None) -> BadInput:
    """Report an environment that a system does not have, or that it has none."""
    known = system.file.environments
    advice = f"write `environments: {{{asked or 'production'}: {{}}}}`"
    what = f"environment '{asked}' does not exist" if asked else "the model has no environment"
    advice = did_you_mean(asked, known) if asked and known else advice
    return BadInput([Problem(str(system.locate(("environments",), key=True)), f"{what}; {advice}")])


def deploy(system: System, environment: str, kinds: Mapping[str, StoreKind]) -> ClusterPlan:
    """Compute everything that a cluster's artifacts say of a system.

    Args:
        environment: one of the model's own, e.g. `production`.
        kinds: the catalogue of stores.

    Raises:
        BadInput: no such environment; a store that has neither an image nor a server; a reference
            that leads nowhere.
    """
    if environment not in system.file.environments:
        raise no_environment(system, environment)
    settled = system.file.environments[environment]
    scales = {name: scale(system, settled, name) for name in system.file.services}
    bound = _bind(system, environment, settled, kinds, scales)
    bindings = bound.bindings
    problems: list[Problem] = []
    workloads = [
        *(
            store_workload(bindings, name, bound.containers[name], bound.sizes[name])
            for name in bindings.here
        ),
        *(
            service_workload(bindings, settled, name, count, problems)
            for name, count in scales.items()
        ),
    ]
    found = (setup_workload(bindings, settled, name) for name in bindings.facts.made)
    setups = tuple(filter(None, found))
    if settled.target == "cluster" or settled.entry:
        problems += routes.conflicts(system, workloads)
    problems += server_problems(system, environment, settled, kinds)
    granted = roles(system, environment, settled, (*workloads, *setups))
    problems += role_problems(system, environment, settled, granted)
    problems += dns_problems(system, environment, settled, workloads)
    problems += lease_problems(bindings, environment, settled.secrets)
    if problems:
        raise BadInput(problems)
    servers = {store: server for server, stores in settled.servers.items() for store in stores}
    managed = tuple(
        ManagedStore(
            name,
            kind.id,
            servers.get(name, ""),
            next(iter(kind.external.values()), 0),
            connections(settled, servers.get(name, "")),
            bindings.views[name].admin if name in bindings.facts.made else None,
        )
        for name, kind in bindings.kinds.items()
        if name not in bindings.here
    )
    return ClusterPlan(
        system=system.name,
        environment=environment,
        settings=settled,
        owner=team(system.file.owner or system.name),
        domain=domain(bindings),
        namespace=settled.namespace or system.name,
        model=system.document.file,
        workloads=tuple(workloads),
        managed=managed,
        setups=setups,
        allowed=tuple(
            allowed_connections(
                bindings, {workload.name: workload for workload in workloads}, managed
            )
        ),
        connects=bound.users,
        leases=planned(bindings),
        externals={name: external.hosts for name, external in system.file.externals.items()},
        objectives=system.file.objectives,
        delivery=system.file.delivery,
        environments=system.file.environments,
        cloud=infrastructure(system, environment, settled, kinds, workloads),
        roles=granted,
        organization=organization(system),
        live={name: deploy(system, name, kinds) for name in laid_out(system, settled)},
        catalogue=catalogue(system, kinds),
        asked={n: StoreHealthCheck(k.id, k.check, k.needed) for n, k in bindings.kinds.items()},
    )


def _bind(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    scales: Mapping[str, Scale],
) -> _BoundSystem:
    """Bind services and stores by their names in the cluster; lay out the stores' containers."""
    offers = offered(system, environment, settled, kinds)
    answering = {name: kinds[candidate.kind] for name, candidate in offers.items()}
    users = connection_uses(system, settled, scales, answering)
    sizes = dict(store_sizes(settled, answering, users))
    facts = replace(
        _facts(system, environment, settled, kinds, offers),
        sizes={name: sizing.size for name, sizing in sizes.items()},
    )
    unplaced = Bindings(system, facts, kinds)
    # A server listens where its container says, which is known only once its container is made.
    inside = {
        ports.store_key(name, port): number
        for name, container in containers(unplaced).items()
        for port, number in container.ports.items()
    }
    found = {key: inside.get(key, port) for key, port in facts.ports.items()}
    bindings = unplaced.placed(replace(facts, ports=found))
    return _BoundSystem(bindings, containers(bindings), users, sizes)


def _facts(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    offers: Mapping[str, ProviderCandidate],
) -> MachineFacts:
    """Say what a cluster offers: each service and store by its name, on the ports of the model."""
    here = {
        n: kinds[candidate.kind] for n, candidate in offers.items() if candidate.provider != MANAGED
    }
    shape = RunShape(direct=True)
    imaged = {
        ports.service_key(name, ports.main_port(system, name)): service.image_port
        for name, service in system.file.services.items()
    }
    given = {
        need.key: imaged.get(need.key) or need.preferred or WORKER_PORT
        for need in ports.needs(system, here, shape, known=False)
    }
    watched = settled.observability
    caller_tokens, caller_keys_url = callers.issued_in(settled)
    return MachineFacts(
        namespace=settled.namespace or system.name,
        pythons={"": "python3"},
        ports=given,
        offers=offers,
        folder=system.folder,
        home=VOLUMES,
        secret_files=secret_files.IN_CONTAINERS,
        caller_tokens=caller_tokens,
        caller_keys_url=caller_keys_url,
        hosts={name: name for name in (*system.file.services, *here)},
        listen="0.0.0.0",  # in its container; policies limit the callers
        public_urls=dict(public_urls(system, settled)),
        drain_delay_s=f"{DRAIN_S:g}",
        environment=environment,
        lease_s=settled.lease_s,
        made=made(settled, {name: kinds[offer.kind] for name, offer in offers.items()}),
        passwords=settled.infrastructure.passwords if settled.infrastructure else 1,
        watched=watched is not None and watched.metrics == "prometheus",
        spans=dict(spans.variables(settled, system.name, environment)),
        shape=shape,
    )
