"""Systems in memory: the model is read without a disk."""

from __future__ import annotations

import errno
import textwrap

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import ProviderCandidate
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import MachineFacts, RunShape

FILE = "systems/demo/tarmac.yaml"
#: Services of the kit's parts below, for a file that has the stores `orders-db` and `cache`.
KIT_SERVICES = """\
      order-service:
        source: services/orders
        port: 3003
        stores: {db: orders-db, cache: cache}
        calls: [product-service]
        publishes: [order.placed]
        consumes: [payment.captured]
        env: {JWKS_URL: "http://keys"}
      product-service: {source: services/catalog, port: 8000}
      payment-service:
        source: services/payments
        publishes: [payment.captured]
        consumes: [order.placed]
"""

ORDERS = """
    part: orders
    package: tarmac_orders
    slots:
      db: {kind: postgres, env: DATABASE_URL}
      cache: {kind: redis, env: REDIS_URL, required: false}
    calls:
      catalog: {}
    publishes: [order.placed]
    consumes: [payment.captured]
    settings:
      JWKS_URL: {required: true, about: "where the keys are"}
      TTL_S: {default: "900"}
    secrets:
      SIGNING_SECRET: {bytes: 32}
    """
CATALOG = """
    part: catalog
    package: tarmac_catalog
    """
PAYMENTS = """
    part: payments
    package: tarmac_payments
    publishes: [payment.captured]
    consumes: [order.placed]
    """
PARTS = {"orders": ORDERS, "catalog": CATALOG, "payments": PAYMENTS}

DEMO = """
    tarmac: 1
    system: demo
    domain: demo.example.com
    env:
      JWT_ISSUER: https://${system.domain}
    services:
      web:
        run: [python, -m, http.server]
        port: 8080
        public: {host: www, paths: [/]}
        env:
          ORDERS: ${services.order-service.url}/orders
          STORE: ${stores.orders-db.url}
      order-service:
        source: services/orders
        port: 3003
        stores: {db: orders-db, cache: cache}
        calls: [{product-service: {timeout: 2500ms, retries: 3}}]
        publishes: [order.placed]
        consumes: [payment.captured]
        env: {JWKS_URL: "${services.product-service.url}/keys"}
      product-service:
        source: [services/catalog]
        port: 8000
      payment-service:
        source: services/payments
        publishes: [payment.captured]
        consumes: [order.placed]
    stores:
      orders-db: postgres
      cache: {kind: redis, version: "7"}
    broker: nats
    """


def files(main: str = DEMO, **parts: str) -> dict[str, bytes]:
    """Write a system's files: the main one and its parts' service.yaml."""
    found = {FILE: textwrap.dedent(main).lstrip("\n").encode()}
    for name, content in {**PARTS, **parts}.items():
        path = f"systems/demo/services/{name}/service.yaml"
        found[path] = textwrap.dedent(content).lstrip("\n").encode()
    return found


def load_files(content: dict[str, bytes]) -> System:
    """Load from memory."""

    def read(path: str) -> bytes:
        if path not in content:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return content[path]

    return load(FILE, read)


def demo(main: str = DEMO, **parts: str) -> System:
    """Load a system from memory."""
    return load_files(files(main, **parts))


def problems_of(content: dict[str, bytes]) -> tuple[Problem, ...]:
    """Load from memory; return what is wrong, nothing if it loads."""
    try:
        load_files(content)
    except BadInput as error:
        return error.problems
    return ()


def problems(main: str = DEMO, **parts: str) -> list[str]:
    """Load a system; return every problem as it is printed, the folder's name cut."""
    found = problems_of(files(main, **parts))
    return [str(problem).replace("systems/demo/", "") for problem in found]


KINDS = registry.load(stores, "STORE")


def facts_for(system: System, **changes: object) -> MachineFacts:
    """Make up the facts of a machine that has everything."""
    asked = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        asked["broker"] = system.file.broker.kind
    kinds = {name: KINDS[kind] for name, kind in asked.items() if kind in KINDS}
    known = {
        name: ProviderCandidate(
            kind.providers[0].id,
            {program: (f"/bin/{program}",) for program in kind.providers[0].programs},
            "18.6",
        )
        for name, kind in kinds.items()
    }
    shape = changes.get("shape", RunShape())
    given_ports: dict[str, int] = {}
    for number, need in enumerate(ports.needs(system, kinds, shape)):
        is_new = need.preferred and need.preferred not in given_ports.values()
        given_ports[need.key] = need.preferred if is_new else 20000 + number
    values = {
        "namespace": "test",
        "pythons": {"": "/venv/bin/python"},
        "ports": given_ports,
        "offers": known,
        "folder": "/srv/demo",
        "environ": {"PATH": "/bin"},
    }
    return MachineFacts(**{**values, **changes})
