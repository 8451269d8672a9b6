"""From a system's file to a plan for this machine, with its secrets and fingerprints.

Used by the supervisor for each `apply`. It holds ports, writes the secrets' file and changes
nothing that runs.
"""

from __future__ import annotations

import os.path
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreKind
from tarmac.model.disk import missing
from tarmac.model.system import System
from tarmac.plan import facts, ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.part import Part, named, off
from tarmac.plan.plan import Node, Plan
from tarmac.plan.resolve import LOCAL, bound, planned
from tarmac.project.reading import check_names, load
from tarmac.run.local.host import gather, privileges, providers
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.host.sources import digest_of
from tarmac.run.local.process.prepare import LOADED, folder_of
from tarmac.run.local.snapshots.local_stores import LocalStores, stores_of_offers
from tarmac.run.local.state import vault
from tarmac.run.local.state.options import NewVersion, Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.fingerprint import fingerprint
from tarmac.run.local.supervisor.unsupported import unsupported


@dataclass(frozen=True)
class ResolvedSystem:
    """A plan, with what it was resolved from."""

    bindings: Bindings
    plan: Plan
    secrets: Mapping[str, str]
    #: By node; another one means that it would run differently.
    fingerprints: Mapping[str, str]
    #: Digest of the libraries that fork servers have loaded.
    preloaded: str

    @property
    def system(self) -> System:
        """The model that it was resolved from."""
        return self.bindings.system

    @property
    def facts(self) -> MachineFacts:
        """What this machine had for it."""
        return self.bindings.facts


class Resolver:
    """One loaded system; asked again with other ports for what is to be replaced."""

    def __init__(
        self,
        options: Options,
        home: Home,
        reservations: Reservations,
        secrets: Mapping[str, str] = MappingProxyType({}),
        before: Options | None = None,
    ) -> None:
        """Take the values of secrets that what runs has, and the options of the last time."""
        self._secrets = secrets
        self._home = home
        self._reservations = reservations
        self._kinds: Mapping[str, StoreKind] = registry.catalogue(stores, "STORE")
        self.system = load(options.file, sources=options.sources)
        _check_disk(self.system)
        options = options.without_lost(before, named(self.system))
        self._options = options
        _check_names(self.system, options)
        known = before.sources if before is not None else {}
        check_names(options.sources.keys() - known.keys(), self.system, "--source ")
        self._shape = shape_of(options, self.system)
        self._dotenv = vault.read_dotenv(self.dotenv)
        self._chosen = providers.choose(
            self.system, self._kinds, options.providers, self._dotenv, off=self._shape.off
        )
        #: Ports that are held for this plan and not handed over yet.
        self.taken: set[int] = set()

    @property
    def given(self) -> Mapping[str, str]:
        """The variables of `.env`, as it was last read."""
        return self._dotenv

    def read_given_again(self) -> None:
        """Read `.env` again. Raises BadInput."""
        self._dotenv = vault.read_dotenv(self.dotenv)

    @property
    def dotenv(self) -> Path:
        """Where values are that a person gives."""
        return Path(self.system.folder) / ".env"

    def stores(self) -> LocalStores:
        """List the stores as they are about to run."""
        return stores_of_offers(
            self._home, self.system.name, self._chosen.offers, fast=self._shape.fast_stores
        )

    def resolve(self, held: Mapping[str, int]) -> ResolvedSystem:
        """Resolve it.

        Args:
            held: ports by key that what runs has and keeps.

        Raises:
            TarmacError: the model is wrong or something is missing.
        """
        options = self._options
        try:
            found = gather.gather(
                self.system,
                self._kinds,
                self._home,
                offers=self._chosen.offers,
                namespace=options.namespace,
                held=held,
                take=self._take,
                shape=self._shape,
                strict_ports=options.strict_ports,
                any_ports=options.temporary,
            )
            bindings = bound(self.system, found, self._kinds)
            plan = planned(bindings, LOCAL)
            _check_user(plan)
            own = [secret for secret in plan.secrets if secret.path not in self._chosen.secrets]
            told = vault.close(self._home.secrets)
            filled = vault.fill(
                self._home.secrets,
                own,
                self._dotenv,
                running=self._secrets,
                known_to_programs=bindings.known_passwords(),
                with_data=[n.name for n in plan.nodes if self._has_data(n)],
            )
            secrets = filled | self._chosen.secrets
            return ResolvedSystem(
                bindings=bindings,
                plan=replace(
                    plan,
                    notes=(
                        *filter(None, (told,)),
                        *plan.notes,
                        *unsupported(self.system, telemetry=options.telemetry),
                    ),
                ),
                secrets=secrets,
                fingerprints={n.name: fingerprint(n, secrets) for n in plan.nodes},
                preloaded=digest_of(found.kit_sources),
            )
        except BaseException:
            self.release_ports()
            raise

    def _has_data(self, node: Node) -> bool:
        """Tell whether a store was prepared before: its passwords are in its data."""
        if node.role not in ("store", "broker") or node.outside:
            return False
        folder = folder_of(self._home, node.name, node.launch)
        if (folder / LOADED).exists():  # it is given the passwords of this copy
            return False
        return folder.exists() and any(folder.iterdir())  # a disk of its own is there, and empty

    def can_overlap(self, node: Node) -> bool:
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
            and ports.is_wired(self.system, node.service, self._shape)
        )

    def release_ports(self, keep: Collection[int] = ()) -> None:
        """Let go of the ports that were held for plans that are not carried out."""
        self._reservations.release(self.taken.difference(keep))
        self.taken.clear()

    def _take(self, port: int) -> bool:
        if self._reservations.take(port):
            self.taken.add(port)
            return True
        return False


def shape_of(options: Options, system: System) -> RunShape:
    """Return what of the options the plan depends on. Raises BadInput: a wrong name or file."""
    wanted = Part(options.whole, options.part, options.groups, options.only, options.profiles)
    left_out = frozenset(options.without) - {*system.file.services}
    return RunShape(
        direct=options.direct,
        scale=dict(options.scale),
        without=frozenset(options.without) - left_out,
        stopped=frozenset(options.stopped),
        off=off(system, wanted) | left_out,
        left_out=left_out,
        fast_stores=options.fast_stores,
        telemetry=options.telemetry,
        read_only=options.read_only,
        versions={
            name: _new_version(asked, options.sources) for name, asked in options.versions.items()
        },
        overrides=options.environment,
    )


def _new_version(asked: NewVersion, sources: Mapping[str, str]) -> facts.NewVersion:
    """Load the system of a new version, if it is another than the others'."""
    if not asked.file:
        return facts.NewVersion(asked.env)
    system = load(asked.file, sources=sources)
    return facts.NewVersion(asked.env, system, str(Path(system.folder).resolve()))


def _check_names(system: System, options: Options) -> None:
    """Refuse options that name services, or stores to be left out, that do not exist."""
    services = tuple(system.file.services)
    wrong = [
        Problem(f"{option}{name}", f"no such {what}; {did_you_mean(name, known)}")
        for option, names, what, known in (
            ("--scale ", options.scale, "service", services),
            ("--without ", options.without, "service or store", named(system)),
            ("", options.stopped, "service", services),
        )
        for name in names
        if name not in known
    ]
    if wrong:
        raise BadInput(wrong)


def _check_user(plan: Plan) -> None:
    """Refuse a user that a server refuses, before it is tried again and again."""
    if any(node.launch.refuses_root for node in plan.nodes) and (said := privileges.refused()):
        raise TarmacError(said)


def _check_disk(system: System) -> None:
    """Find a folder or file that is named and missing before anything starts."""
    problems = list(missing(system, os.path.isdir, os.path.isfile))
    if problems:
        raise BadInput(problems)
