"""From a system's file to a plan for this machine, with its secrets and fingerprints.

Used by the supervisor for each `apply`. It holds ports, writes the secrets' file and changes
nothing that runs.
"""

from __future__ import annotations

import os.path
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tarmac import registry, stores
from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.local.fingerprint import digest_of, fingerprint
from tarmac.local.home import vault
from tarmac.local.home.paths import Home
from tarmac.local.ignored import not_acted_on
from tarmac.local.machine import gather, providers
from tarmac.local.machine.sockets import Reservations
from tarmac.model.disk import missing
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.facts import Facts, Shape
from tarmac.plan.plan import Node, Plan
from tarmac.plan.resolve import LOCAL, resolve
from tarmac.stores._kind import StoreKind


@dataclass(frozen=True)
class Options:
    """How a system is to be run."""

    file: str
    namespace: str = "default"
    fast_stores: bool = False
    strict_ports: bool = False
    direct: bool = False
    watch: bool = False
    #: A copy for a while: on any free ports, and deleted when it ends.
    temporary: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    #: NAME=PROVIDER, of a store or a kind.
    providers: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """What of them the plan depends on."""
        return Shape(
            direct=self.direct,
            scale=dict(self.scale),
            without=frozenset(self.without),
            fast_stores=self.fast_stores,
        )


@dataclass(frozen=True)
class Resolved:
    """A plan and what came with it."""

    system: System
    kinds: Mapping[str, StoreKind]
    plan: Plan
    facts: Facts
    secrets: Mapping[str, str]
    #: By node; another one means that it would run differently.
    fingerprints: Mapping[str, str]
    #: Digest of the libraries that fork servers have loaded.
    preloaded: str


class Resolver:
    """One loaded system; asked again with other ports for what is to be replaced."""

    def __init__(self, options: Options, home: Home, reservations: Reservations) -> None:
        self._options = options
        self._home = home
        self._reservations = reservations
        self._kinds: dict[str, StoreKind] = registry.load(stores, "STORE")
        self.system = load(options.file, lambda path: Path(path).read_bytes())
        _check_disk(self.system)
        _check_names(self.system, options)
        self._dotenv = vault.read_dotenv(Path(self.system.folder) / ".env")
        self._chosen = providers.choose(self.system, self._kinds, options.providers, self._dotenv)
        #: Ports that are held for this plan and nobody has yet.
        self.taken: set[int] = set()

    def resolve(self, held: Mapping[str, int]) -> Resolved:
        """Resolve it.

        Args:
            held: ports by key that what runs has and keeps.

        Raises:
            TarmacError: the model is wrong or something is missing.
        """
        options = self._options
        try:
            facts = gather.gather(
                self.system,
                self._kinds,
                self._home,
                offers=self._chosen.offers,
                namespace=options.namespace,
                held=held,
                take=self._take,
                shape=options.shape,
                strict_ports=options.strict_ports,
                any_ports=options.temporary,
            )
            plan = resolve(self.system, LOCAL, facts, self._kinds)
            own = [each for each in plan.secrets if each.path not in self._chosen.secrets]
            secrets = vault.fill(self._home.secrets, own, self._dotenv) | self._chosen.secrets
            return Resolved(
                system=self.system,
                kinds=self._kinds,
                plan=replace(plan, notes=(*plan.notes, *not_acted_on(self.system))),
                facts=facts,
                secrets=secrets,
                fingerprints={n.name: fingerprint(n, secrets) for n in plan.nodes},
                preloaded=digest_of(facts.kit_sources),
            )
        except BaseException:
            self.give_back()
            raise

    def can_be_two(self, node: Node) -> bool:
        """Tell whether two instances can run beside each other while one replaces the other.

        Not where users know the very port, nor where both would write to one volume; a worker of
        another framework may not expect it.
        """
        if node.role == "entry":
            return not self._options.direct
        service = self.system.file.services.get(node.service)
        return (
            node.role == "service"
            and service is not None
            and not service.volumes
            and (bool(node.ports) or self.system.is_kit(node.service))
            and ports.is_wired(self.system, node.service, self._options.shape)
        )

    def give_back(self, keep: Collection[int] = ()) -> None:
        """Let go of the ports that were held for plans that are not carried out."""
        self._reservations.release(self.taken.difference(keep))
        self.taken.clear()

    def _take(self, port: int) -> bool:
        if self._reservations.take(port):
            self.taken.add(port)
            return True
        return False


def _check_names(system: System, options: Options) -> None:
    """Refuse options that name services that do not exist."""
    services = system.file.services
    wrong = [
        Problem(f"--{option} {name}", f"no such service; {did_you_mean(name, services)}")
        for option, names in (("scale", options.scale), ("without", options.without))
        for name in names
        if name not in services
    ]
    if wrong:
        raise BadInput(wrong)


def _check_disk(system: System) -> None:
    """Find a folder or file that is named and missing before anything starts."""
    problems = list(missing(system, os.path.isdir, os.path.isfile))
    if problems:
        raise BadInput(problems)
