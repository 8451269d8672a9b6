"""The system: the whole of one `tarmac.yaml`, and of the parts that its services are made of."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from tarmac.model.delivery import Delivery
from tarmac.model.document import Document
from tarmac.model.edge import ENTRY, Edge, references
from tarmac.model.environment import Environment, ExternalService
from tarmac.model.include import Checkout, IncludeEntry
from tarmac.model.location import Location, Path
from tarmac.model.objective import Invariant, Objective
from tarmac.model.organization import Organization
from tarmac.model.part import Part, Slot
from tarmac.model.second_region import with_second_regions
from tarmac.model.service import Service
from tarmac.model.store import BrokerEntry, StoreEntry
from tarmac.model.texts import Domain, Owner
from tarmac.model.value import EnvName, EnvValue, HostLabel, Name, PortNumber, StrictModel

#: What a part says of itself, in its folder.
PART_FILE = "service.yaml"
#: Environments of these names have the target that they name, unless they say another.
_TARGETS = ("compose", "repository")


def _targets_by_name(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: {"target": name, **said} if name in _TARGETS and isinstance(said, dict) else said
        for name, said in value.items()
    }


def _services_or_include(schema: dict[str, Any]) -> None:
    schema["required"].remove("services")
    schema["anyOf"] = [{"required": ["services"]}, {"required": ["include"]}]


class SystemFile(StrictModel):
    """What stands in `tarmac.yaml`."""

    model_config = ConfigDict(json_schema_extra=_services_or_include)

    tarmac: Literal[1] = Field(description="The format's version.")
    system: Name = Field(description="The name of the system.")
    include: tuple[IncludeEntry, ...] = Field(
        default=(),
        description="Other systems' files, whose services, stores, broker, externals, objectives "
        "and invariants become part of this one; with it, `services` may be left out.",
    )
    owner: Owner | None = Field(default=None, description="The team that owns it: @acme/shop.")
    domain: Domain | None = Field(default=None, description="The domain of its public hosts.")
    env: dict[EnvName, EnvValue] = Field(default={}, description="For every service.")
    secrets: tuple[EnvName, ...] = Field(
        default=(), description="Secrets whose value is shared by all services that list them."
    )
    hosts: bool = Field(
        default=False,
        description="On this machine programs reach what they use by its name, a broker also by "
        "that of its kind, and the port that it has elsewhere (http://orders:8080, nats:4222), "
        "as in a network of containers; Linux only.",
    )
    services: dict[Name, Service]
    entry: dict[HostLabel, PortNumber] = Field(
        default={},
        description="One local address for each public host: its label (empty: the domain itself) "
        "-> port. Requests go to the services that are public there, by path, as an Ingress does.",
    )
    stores: dict[Name, StoreEntry] = {}
    broker: BrokerEntry | None = None
    externals: dict[Name, ExternalService] = {}
    objectives: tuple[Objective, ...] = ()
    invariants: dict[Name, Invariant] = {}
    environments: Annotated[dict[Name, Environment], BeforeValidator(_targets_by_name)] = {}
    delivery: Delivery | None = None
    organization: Organization | None = Field(
        default=None,
        description="The AWS accounts of the environments, and the groups of people that enter "
        "them; without it, accounts are made elsewhere.",
    )

    @model_validator(mode="after")
    def _complete_second_regions(self) -> Self:
        self.environments.update(with_second_regions(self.environments))
        return self

    @model_validator(mode="before")
    @classmethod
    def _may_only_include(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("include") and "services" not in value:
            return {**value, "services": {}}
        return value


@dataclass(frozen=True)
class SourcedPart:
    """A part and its folder."""

    part: Part
    #: The folder of its service.yaml, relative to the system's file or absolute.
    folder: str
    document: Document

    @property
    def file(self) -> str:
        """The path of its service.yaml."""
        return posixpath.join(self.folder, PART_FILE)


@dataclass(frozen=True)
class System:
    """A loaded system: the file, its parts by service, and every place for error messages."""

    file: SystemFile
    #: The folder of `tarmac.yaml`, as it was given.
    folder: str
    document: Document
    parts: Mapping[str, tuple[SourcedPart, ...]]
    #: The stores' files of SQL that could be read, by the paths that the file gives them.
    sql: Mapping[str, str] = field(default_factory=dict)
    #: The JSON Schemas of events that parts publish, by topic; of those that have one.
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The files that it includes, as they are read.
    included: tuple[str, ...] = ()
    #: The repositories that it includes, each once.
    repositories: tuple[Checkout, ...] = ()
    #: The repository of each service and store that is included from one.
    checkouts: Mapping[str, Checkout] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The system's name."""
        return self.file.system

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, sorted; a reference in an env value is an edge too."""
        found: set[Edge] = set()
        for name, service in self.file.services.items():
            if self.entrance(name) is not None:
                found.add(Edge(ENTRY, name, "entry"))
            found.update(Edge(name, target, "call") for target in service.calls)
            found.update(Edge(name, store, "store", slot) for slot, store in service.stores.items())
            found.update(Edge(name, topic, "publish") for topic in service.publishes)
            found.update(Edge(name, topic, "consume") for topic in service.consumes)
            found.update(Edge(name, external, "external") for external in service.externals)
            for value in service.env.values():
                for reference in references(value):
                    # Its public address is for others to use: it is nothing to wait for.
                    told = reference.output.endswith("public_url")
                    known = (name, *service.calls)
                    if reference.root == "services" and reference.name not in known and not told:
                        found.add(Edge(name, reference.name, "call"))
                    if reference.root == "broker" and not (service.publishes or service.consumes):
                        found.add(Edge(name, "broker", "broker"))
                    if reference.root == "stores" and reference.name not in service.stores.values():
                        found.add(Edge(name, reference.name, "store"))
        return tuple(sorted(found))

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the model: its own first, then those that it includes, and of the parts."""
        parts = {part.file for parts in self.parts.values() for part in parts}
        return (self.document.file, *sorted({*self.included, *parts} - {self.document.file}))

    @property
    def replaced(self) -> tuple[str, ...]:
        """Say which folders stand in place of included revisions."""
        own = (checkout for checkout in self.repositories if checkout.own)
        return tuple(
            f"{one.revision.name} is {one.folder}, not revision {one.revision.revision}"
            for one in own
        )

    def locate(self, path: Path, *, key: bool = False) -> Location:
        """Find the place of a value in `tarmac.yaml`."""
        return self.document.locate(path, key=key)

    def place(self, source: str, target: str) -> Location:
        """Find where a service says that it uses another or a store; the service where it is not.

        Args:
            source: a service, or a store where there is no such service.
        """
        service = self.file.services.get(source)
        root = ("services", source)
        if service is None:
            return self.locate(("stores", source), key=True)
        if target in service.calls:
            return self.locate((*root, "calls", target), key=True)
        for slot, store in service.stores.items():
            if store == target:
                return self.locate((*root, "stores", slot))
        for variable, value in service.env.items():
            if any(reference.name == target for reference in references(value)):
                return self.locate((*root, "env", variable))
        if target == "broker" and (service.publishes or service.consumes):
            return self.locate((*root, "publishes" if service.publishes else "consumes"), key=True)
        return self.locate(root, key=True)

    def is_kit(self, service: str) -> bool:
        """Tell whether a service is made of kit parts."""
        return any(sourced.part.package for sourced in self.parts.get(service, ()))

    def bound_slots(self, service: str) -> dict[str, tuple[Slot, str]]:
        """List the slots of a service's parts that have a store, each with the store's name."""
        slots = {name: slot for one in self.parts[service] for name, slot in one.part.slots.items()}
        bound = self.file.services[service].stores.items()
        return {name: (slots[name], store) for name, store in bound if name in slots}

    def consumers(self, service: str, topic: str) -> tuple[str, ...]:
        """List a service's parts that consume a topic."""
        parts = (sourced.part for sourced in self.parts.get(service, ()))
        return tuple(part.part for part in parts if topic in part.consumes)

    def entrance(self, service: str) -> str | None:
        """Return the host label under which the entry leads to a service; None: it does not."""
        public = self.file.services[service].public
        label = None if public is None else public.host or ""
        return label if label in self.file.entry else None

    def roles(self, service: str) -> tuple[str, ...]:
        """List the roles that a service plays: its parts' names."""
        return tuple(sourced.part.part for sourced in self.parts.get(service, ()))
