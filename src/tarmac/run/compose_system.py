"""A running system with Docker Compose on one machine, as `tarmac deploy` has put it there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tarmac.base.errors import BadInput, Problem, TarmacError, check_names
from tarmac.model.edge import ENTRY
from tarmac.model.system import System
from tarmac.plan.access import url_variable, user_of
from tarmac.plan.scrape import ScrapeTarget
from tarmac.project.reading import load
from tarmac.render import in_memory
from tarmac.render.compose.parts.entry_routes import local_ports
from tarmac.run import pod_objectives, releases
from tarmac.run.compose import docker as clients
from tarmac.run.compose import release as recorded
from tarmac.run.compose.compose_target import KIND, ComposeTarget
from tarmac.run.compose.containers import Container, listed
from tarmac.run.compose.planning import is_ours
from tarmac.run.compose.project import Project, folder_of
from tarmac.run.compose.release import Release
from tarmac.run.compose.running import ComposedSystem, WorkloadState
from tarmac.run.local.stores import invariants
from tarmac.run.pod_edges import PodEdges, pod_edges
from tarmac.run.scraping import scraping
from tarmac.run.shells import store_access
from tarmac.run.system import Logs, Restart, StoreAccess, SystemStatus
from tarmac.run.telemetry import awaited
from tarmac.run.telemetry.log_lines import Line
from tarmac.run.telemetry.objectives import ObservedObjective
from tarmac.run.undoing import undo_process

#: Of a restart, as of a deployment.
WITHIN_S = 300.0
#: Requests are counted for so long.
OBSERVED_S = 10.0


@dataclass(frozen=True)
class ComposeStatus:
    """The state of every workload."""

    deployed: ComposedSystem
    workloads: tuple[WorkloadState, ...]

    @property
    def healthy(self) -> bool:
        """Whether every workload is ready."""
        return all(state.ready for state in self.workloads)

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        return {
            "system": self.deployed.plan.system,
            "environment": self.deployed.plan.environment,
            "host": self.deployed.docker.host,
            "project": self.deployed.release.project,
            "healthy": self.healthy,
            "workloads": [
                {
                    "name": state.name,
                    "role": state.role,
                    "ready": state.ready,
                    "detail": state.detail,
                    "causes": [cause.text for cause in state.causes],
                    "containers": [
                        {"name": c.name, "state": c.detail, "restarts": c.restarts, "id": c.id}
                        for c in state.containers
                    ],
                }
                for state in self.workloads
            ],
        }


@dataclass(frozen=True)
class ComposeSystem:
    """A system with one Docker daemon."""

    file: Path
    deployed: ComposedSystem
    #: What its file says, where that was read before.
    loaded: System | None = None
    kind: str = KIND

    @cached_property
    def model(self) -> System:
        """What its file says."""
        return self.loaded or load(str(self.file))

    def status(self) -> ComposeStatus:
        """Read the state of every workload. Raises Refusal."""
        return ComposeStatus(self.deployed, self.deployed.look())

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool, trace: str = ""
    ) -> Logs:
        """Read logs of the containers that are there now. Raises TarmacError."""
        if trace:
            raise TarmacError("log lines of containers are not stored, so a trace has none")
        return Logs(map(Line._make, self.deployed.logs(names, last=last, follow=follow)))

    def restart(
        self,
        names: Collection[str],
        within_s: float | None,
        look: Callable[[SystemStatus], None] = lambda _: None,  # noqa: ARG002 - Compose waits
    ) -> Restart:
        """Replace the containers of workloads, and wait for the new ones. Raises TarmacError."""
        within = WITHIN_S if within_s is None else within_s
        states, failed = self.deployed.restart(names, within)
        return Restart(ComposeStatus(self.deployed, states), failed)

    @contextlib.contextmanager
    def connect(self, store: str, user: str = "") -> Iterator[StoreAccess]:
        """Lead to a store as a service, the first that uses it without one."""
        yield store_access(self.deployed.plan, store, self._store_url(store, user))

    def invariants(self, within_s: float = 0.0) -> tuple[invariants.InvariantResult, ...]:
        """Ask each store as the first service that uses it, until they hold or time is over."""
        return invariants.ask_within(self.model, functools.cache(self._store_url), within_s)

    def edges(self) -> PodEdges:
        """Read what the containers of callers have counted of each call. Raises TarmacError."""
        return pod_edges(self.model, self._metered, self._counting)

    def objectives(self, for_s: float | None) -> tuple[list[ObservedObjective], int]:
        """Count requests in services' containers from now on; judge the objectives by them."""
        seconds = OBSERVED_S if for_s is None else for_s
        where = self.deployed.docker.host
        return pod_objectives.observe(self.model, self._metered, self._counting, seconds, where)

    @contextlib.contextmanager
    def counting(self, services: Collection[str]) -> Iterator[Path]:
        """Count the requests of services in their own containers until the end."""
        with self._counting(services) as telemetry:
            awaited.wait_read(telemetry, services)
            yield telemetry

    def stores(self) -> Sequence[str]:
        """Return what each store and broker really is."""
        return [f"{one.name}: {one.about}" for one in self.deployed.plan.stores]

    @contextlib.contextmanager
    def target(self, urls: Mapping[str, str]) -> Iterator[ComposeTarget]:
        """Open what a drill may disturb, once all is ready; at the end all is undone.

        Args:
            urls: where visitors find services; at their containers without.
        """
        services = [one.name for one in self.deployed.plan.services]
        # NAME:PORT is one of several ports.
        known = [*services, ENTRY]
        check_names((name.partition(":")[0] for name in urls), known, "no service")
        late = [one for one in self.deployed.look() if not one.ready]
        if late:
            where = f"{self.deployed.plan.system} on {self.deployed.docker.host}"
            named = ", ".join(f"{one.name} ({one.detail})" for one in late)
            raise TarmacError(f"{where} is not ready: {named}; see `tarmac ps`")
        self.deployed.project.lay_out_again()
        entries = dict(urls) or self._urls()
        client = self.deployed.docker
        with undo_process((client.program,), env=client.env) as undo:
            yield ComposeTarget(self.deployed, undo, entries)

    def _urls(self) -> dict[str, str]:
        """Return where each service answers: at the entry's port for it, its own, its container."""
        found = {}
        by_service = {one.service: one for one in reversed(self._near())}
        plan, entry = self.deployed.plan, by_service.get(ENTRY)
        local = local_ports(plan) if entry is not None else {}
        for workload in plan.services:
            one, port = by_service.get(workload.name), next(iter(workload.ports.values()), None)
            if entry is not None and workload.name in local:
                found[workload.name] = f"http://{entry.published[local[workload.name]]}"
            elif one is not None and port is not None:
                published = one.published.get(port)
                found[workload.name] = f"http://{published or f'{_address(one)}:{port}'}"
        return found

    def _near(self) -> tuple[Container, ...]:
        """List the containers, whose addresses have to be reachable. Raises TarmacError."""
        if not self.deployed.docker.is_here:
            what = "containers are reached on their own machine alone; run this there"
            raise TarmacError(f"{self.deployed.docker.host}: {what}")
        return self.deployed.containers()

    def _store_url(self, store: str, user: str = "") -> str:
        """Take the URL by which a service's containers reach a store; at the store's own address.

        Raises:
            BadInput: no such store, or that service does not use it.
            TarmacError: one of the two does not run.
        """
        user = user_of(self.deployed.plan, store, user)
        variable, found = url_variable(self.deployed.plan, store, user), self._near()
        running = {one.service: one for one in found if one.state == "running"}
        check_names((user, store), running, "does not run")
        url = urlsplit(running[user].env[variable])
        account = url.netloc.rpartition("@")[0]
        return url._replace(netloc=f"{account}@{_address(running[store])}:{url.port}").geturl()

    @contextlib.contextmanager
    def _counting(self, services: Collection[str]) -> Iterator[Path]:
        metrics = {
            one.name: one.metrics
            for one in self.deployed.plan.services
            if one.name in services and one.metrics is not None
        }

        def find() -> list[ScrapeTarget]:
            return [
                ScrapeTarget(
                    one.service,
                    f"{one.service}-{one.number}",
                    f"{_address(one)}:{metrics[one.service]}",
                )
                for one in self._near()
                if one.service in metrics and one.state == "running" and _address(one)
            ]

        if metrics:
            self._near()
        with scraping(find if metrics else None) as telemetry:
            yield telemetry

    @property
    def _metered(self) -> list[str]:
        """The services that have metrics."""
        return [one.name for one in self.deployed.plan.services if one.metrics is not None]


def _address(one: Container) -> str:
    """Return an address of a container that this machine reaches; empty where it has none."""
    return next(filter(None, one.networks.values()), "")


def opened(
    file: Path,
    host: str | None,
    context: str | None,
    environment: str | None,
    loaded: System | None = None,
) -> ComposeSystem:
    """Open a system with a Docker daemon.

    Args:
        environment: the only one for Docker Compose without.
        loaded: what its file says, where that was read before.

    Raises:
        BadInput: no such environment or context, or nothing was deployed there.
        MissingTool: there is no Docker, or no Compose.
        TarmacError: the daemon does not answer.
    """
    plan = in_memory.planned(file, environment or _only(file, loaded))
    releases.check_target(plan, KIND)
    docker = clients.connected(host, context)
    named = Release(plan.system, plan.environment, plan.namespace, {})
    release = recorded.read(docker, named)
    if release is None and any(is_ours(one, named) for one in listed(docker, named.project)):
        release = named  # the first deployment has failed
    if release is None:
        what = f"{plan.system} for {plan.environment} was never deployed to {docker.host}"
        raise BadInput([Problem(str(file), f"{what}; run `tarmac deploy`")])
    project = Project(docker, release, folder_of(file, plan.environment))
    return ComposeSystem(file, ComposedSystem(project, plan), loaded)


def _only(file: Path, loaded: System | None) -> str | None:
    """Return the only environment for Docker Compose; None where there are several."""
    system = loaded or load(str(file))
    found = [name for name, one in system.file.environments.items() if one.target == KIND]
    return found[0] if len(found) == 1 else None
