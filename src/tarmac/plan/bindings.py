"""What each service is bound to: the URLs, credentials and topics that become its environment."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.errors import MissingTool, Problem
from tarmac.launch import Secret, Text, text
from tarmac.model import conventions
from tarmac.model.edge import Edge, edges
from tarmac.model.reference import Reference
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import Facts
from tarmac.plan.references import Outputs, substitute
from tarmac.stores._kind import Offer, StoreKind, User, View


class Bindings:
    """A system's stores and services seen from one machine; answers what each offers to whom."""

    def __init__(self, system: System, facts: Facts, kinds: Mapping[str, StoreKind]) -> None:
        self.system = system
        self.facts = facts
        self._kinds = kinds
        self.edges = edges(system)
        self._edges_of: dict[str, list[Edge]] = {name: [] for name in system.file.services}
        for edge in self.edges:
            self._edges_of[edge.source].append(edge)
        self._kind_ids = {name: store.kind for name, store in system.file.stores.items()}
        if system.file.broker is not None:
            self._kind_ids[ports.BROKER] = system.file.broker.kind
        self.views = {name: self._view(name) for name in self._kind_ids}

    def kind(self, store: str) -> StoreKind:
        """Find a store's kind; the broker is the store named `broker`."""
        return self._kinds[self._kind_ids[store]]

    def offer(self, store: str) -> Offer:
        """Find what this machine has for a store. Raises MissingTool."""
        kind = self.kind(store)
        if kind.id not in self.facts.offers:
            raise MissingTool(
                f"{store}: nothing on this machine can be a {kind.title}; "
                f"install Tarmac with its dependencies (pip install --force-reinstall tarmac)"
            )
        return self.facts.offers[kind.id]

    def asked_version(self, store: str) -> str | None:
        """Read which version the model asks for."""
        if store == ports.BROKER:
            return self.system.file.broker.version if self.system.file.broker else None
        return self.system.file.stores[store].version

    def stores_of(self, service: str) -> set[str]:
        """List the stores that a service uses, the broker among them."""
        used = {edge.target for edge in self._edges_of[service] if edge.kind == "store"}
        return used | ({ports.BROKER} if self._uses_broker(service) else set())

    def calls_of(self, service: str) -> tuple[str, ...]:
        """List the services that a service calls, by declaration or by reference."""
        return tuple(edge.target for edge in self._edges_of[service] if edge.kind == "call")

    def listen_port(self, service: str) -> int:
        """Find where a service itself listens: its first port, or the one for its health."""
        spec = self.system.file.services[service]
        name = next(iter(spec.listening), ports.HEALTH)
        return self.facts.ports[ports.service_key(service, name)]

    def store_outputs(self, store: str, service: str) -> Outputs:
        """Compute what a store offers to one of its users."""
        view = self.views[store]
        user = next(user for user in view.users if user.service == service)
        return {name: output(view, user) for name, output in self.kind(store).outputs.items()}

    def service_outputs(self, service: str) -> Outputs:
        """Compute what a service offers to its callers, for each of its ports.

        The first port's outputs have plain names, every port's also `NAME_url` and so on.
        """
        host = self.facts.host
        offered: dict[str, Text] = {}
        spec = self.system.file.services[service]
        for name in spec.listening:
            port = self.facts.ports[ports.service_key(service, name)]
            values = {
                "url": text(f"http://{host}:{port}"),
                "host": text(host),
                "port": text(str(port)),
                "address": text(f"{host}:{port}"),
                "public_url": text(f"http://{host}:{port}"),
            }
            offered.update({f"{name}_{key}": value for key, value in values.items()})
            offered = {**values, **offered}
        return offered

    def env(self, service: str) -> tuple[dict[str, Text], tuple[Problem, ...]]:
        """Compute a service's whole environment, later entries winning: ours, shared, its own."""
        spec = self.system.file.services[service]
        env: dict[str, Text] = {key: text(value) for key, value in self.facts.environ.items()}
        env[conventions.SERVICE_NAME] = text(service)
        env[conventions.HOST] = text(self.facts.host)
        if spec.listening or self.system.is_kit(service):
            env[conventions.PORT] = text(str(self.listen_port(service)))
        if self.system.is_kit(service):
            # No balancer stands before it here that would need time to look elsewhere.
            env[conventions.DRAIN_DELAY_S] = text("0")
        env.update(self._calls(service))
        env.update(self._stores(service))
        if spec.publishes or spec.consumes:
            env[conventions.PUBLISHES] = text(",".join(spec.publishes))
            env[conventions.CONSUMES] = text(",".join(spec.consumes))
        for sourced in self.system.parts[service]:
            for variable, secret in sourced.part.secrets.items():
                env[variable] = (Secret(f"services/{service}/{variable}", secret.bytes),)
        for variable in spec.secrets:
            env[variable] = (Secret(f"services/{service}/{variable}"),)
        problems: list[Problem] = []
        shared = [(("env", key), key, value) for key, value in self.system.file.env.items()]
        own = [(("services", service, "env", key), key, value) for key, value in spec.env.items()]
        for path, variable, value in [*shared, *own]:
            env[variable], wrong = substitute(
                value,
                lambda reference: self._outputs(reference, service),
                lambda path=path: str(self.system.locate(path)),  # type: ignore[misc]
            )
            problems.extend(wrong)
        return env, tuple(problems)

    def _outputs(self, reference: Reference, service: str) -> Outputs:
        if reference.root == "services":
            return self.service_outputs(reference.name)
        if reference.root in ("stores", "broker"):
            return self.store_outputs(reference.name, service)
        return {
            "name": text(self.system.name),
            "domain": text(self.system.file.domain or ""),
            "folder": text(self.facts.folder),
            "namespace": text(self.facts.namespace),
        }

    def _calls(self, service: str) -> dict[str, Text]:
        """Compute the variables of each call, by the callee's name and by the roles it plays."""
        wanted = {role for each in self.system.parts[service] for role in each.part.calls}
        env: dict[str, Text] = {}
        for target, call in self.system.file.services[service].calls.items():
            url = self.service_outputs(target).get("url")
            names = [target, *(role for role in self.system.roles(target) if role in wanted)]
            for prefix in map(conventions.env_prefix, names):
                if url is not None:
                    env[prefix + conventions.URL_SUFFIX] = url
                env[prefix + conventions.TIMEOUT_SUFFIX] = text(f"{call.timeout:g}")
                env[prefix + conventions.RETRIES_SUFFIX] = text(str(call.retries))
        return env

    def _stores(self, service: str) -> dict[str, Text]:
        slots = {
            slot: spec
            for each in self.system.parts[service]
            for slot, spec in each.part.slots.items()
        }
        env = {
            slots[slot].env: self.store_outputs(store, service)["url"]
            for slot, store in self.system.file.services[service].stores.items()
            if slot in slots
        }
        if self._uses_broker(service):
            env[conventions.BROKER_URL] = self.store_outputs(ports.BROKER, service)["url"]
        return env

    def _uses_broker(self, service: str) -> bool:
        spec = self.system.file.services[service]
        return bool(spec.publishes or spec.consumes)

    def _view(self, store: str) -> View:
        users = {
            edge.source: User(edge.source, Secret(f"stores/{store}/{edge.source}"))
            for edge in self.edges
            if edge.kind == "store" and edge.target == store
        }
        if store == ports.BROKER:
            users = {
                name: User(
                    name, Secret(f"stores/{store}/{name}"), service.publishes, service.consumes
                )
                for name, service in self.system.file.services.items()
                if self._uses_broker(name)
            }
        kind = self._kinds[self._kind_ids[store]]
        database = None if store == ports.BROKER else self.system.file.stores[store].database
        return View(
            name=store,
            host=self.facts.host,
            ports={port: self.facts.ports[ports.store_key(store, port)] for port in kind.ports},
            database=database or store.removesuffix("-db").replace("-", "_"),
            admin=Secret(f"stores/{store}/admin"),
            users=tuple(users[name] for name in sorted(users)),
        )
