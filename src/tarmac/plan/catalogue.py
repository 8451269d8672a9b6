"""What a reader's catalogue lists of a system: services, owners, APIs, stores, relations.

Computed from the model alone, without an environment: the portal's files, `tarmac docs` and the
dashboard's page are made of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tarmac.model.edge import BROKER_KINDS, Edge
from tarmac.plan import ports

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreKind
    from tarmac.model.system import System

Description = Literal["openapi", "asyncapi", "grpc", "graphql"]
_BY_END: Mapping[str, Description] = {".proto": "grpc", ".graphql": "graphql"}


def team(owner: str) -> str:
    """Name the team of an owner, as a label may: `@acme/orders`, `orders@acme.com` are `orders`."""
    name = owner.removeprefix("@").rpartition("/")[2].partition("@")[0]
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:63]


@dataclass(frozen=True)
class ApiDocument:
    """A file that describes an API."""

    #: The service's name; of a service with several parts, the part's behind it: `products.stock`.
    name: str
    kind: Description
    #: From the repository's root, as the model's own path is.
    path: str


@dataclass(frozen=True)
class CatalogueService:
    """A service as other teams see it."""

    name: str
    about: str
    #: As the model writes it: `@acme/orders`.
    owner: str
    place: str
    #: Folders of its sources, from the repository's root; none of what another repository has.
    folders: tuple[str, ...]
    apis: tuple[ApiDocument, ...]
    #: Services, stores (`broker` among them) and externals that it uses, each once, sorted.
    calls: tuple[str, ...]
    stores: tuple[str, ...]
    externals: tuple[str, ...]
    publishes: tuple[str, ...]
    consumes: tuple[str, ...]
    #: The repository that it comes from, where that is not the system's own.
    repository: str = ""


@dataclass(frozen=True)
class CatalogueStore:
    """A store, or the broker."""

    name: str
    kind: str
    about: str
    place: str


@dataclass(frozen=True)
class Catalogue:
    """Everything of one system, in the model's order."""

    system: str
    owner: str
    services: tuple[CatalogueService, ...]
    stores: tuple[CatalogueStore, ...]
    #: The JSON Schemas of events, by topic; of those that have one.
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def owners(self) -> tuple[str, ...]:
        """Every owner, each once; the system's own first."""
        return tuple(dict.fromkeys((self.owner, *(one.owner for one in self.services))))

    def publishers(self, topic: str) -> tuple[str, ...]:
        """Name the services that publish a topic."""
        return tuple(one.name for one in self.services if topic in one.publishes)


def catalogue(system: System, kinds: Mapping[str, StoreKind]) -> Catalogue:
    """List what a system consists of.

    Args:
        kinds: the catalogue of stores, for their titles; an unknown kind is its own title.
    """
    file = system.file
    found: dict[str, list[Edge]] = {}
    for edge in system.edges:
        found.setdefault(edge.source, []).append(edge)
    stores = [
        (name, store.kind, system.locate(("stores", name), key=True))
        for name, store in file.stores.items()
    ]
    if file.broker is not None:
        stores.append((ports.BROKER, file.broker.kind, system.locate(("broker",), key=True)))
    return Catalogue(
        system.name,
        file.owner or system.name,
        tuple(_service(system, name, found.get(name, ())) for name in file.services),
        tuple(
            CatalogueStore(name, kind, kinds[kind].title if kind in kinds else kind, str(place))
            for name, kind, place in stores
        ),
        system.schemas,
    )


def _service(system: System, name: str, own: Sequence[Edge]) -> CatalogueService:
    spec, parts = system.file.services[name], system.parts[name]

    def targets(*kinds: str) -> set[str]:
        return {edge.target for edge in own if edge.kind in kinds and edge.target != name}

    elsewhere = system.checkouts.get(name)
    folders = tuple(_rooted(part.folder) for part in parts)
    folders = folders or (_rooted(posixpath.join(system.folder, spec.cwd or ".")),)
    stores = targets("store") | ({ports.BROKER} if targets(*BROKER_KINDS) else set())
    about = " + ".join(part.part.package or part.part.part for part in parts)
    return CatalogueService(
        name=name,
        about=about or " ".join(spec.run or ()),
        owner=spec.owner or system.file.owner or system.name,
        place=str(system.locate(("services", name), key=True)),
        folders=() if elsewhere else folders,
        apis=() if elsewhere else _apis(system, name),
        calls=tuple(sorted(targets("call"))),
        stores=tuple(sorted(stores)),
        externals=tuple(sorted(targets("external"))),
        publishes=spec.publishes,
        consumes=spec.consumes,
        repository=elsewhere.revision.url if elsewhere else "",
    )


def _apis(system: System, name: str) -> tuple[ApiDocument, ...]:
    spec, parts = system.file.services[name], system.parts[name]
    if spec.api is not None:
        return (_document(name, posixpath.join(system.folder, spec.api)),)
    described = [(one.part.part, one.folder, one.part.api) for one in parts if one.part.api]
    several = len(described) > 1
    return tuple(
        _document(f"{name}.{part}" if several else name, posixpath.join(folder, api or ""))
        for part, folder, api in described
    )


def _document(name: str, path: str) -> ApiDocument:
    stem, end = posixpath.splitext(posixpath.basename(path))
    by_name: Description = "asyncapi" if "asyncapi" in stem.lower() else "openapi"
    return ApiDocument(name, _BY_END.get(end.lower(), by_name), _rooted(path))


def _rooted(path: str) -> str:
    return posixpath.normpath(path)
