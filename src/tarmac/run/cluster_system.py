"""A running system in a cluster, as `tarmac deploy` has put it there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput, Problem, TarmacError, check_names
from tarmac.model.edge import ENTRY
from tarmac.model.system import System
from tarmac.project.reading import load
from tarmac.render import in_memory
from tarmac.run import pod_objectives
from tarmac.run.cluster import kubectl
from tarmac.run.cluster.cluster_target import KIND, ClusterTarget
from tarmac.run.cluster.running import DeployedSystem, WorkloadState
from tarmac.run.cluster.store_access import store_url
from tarmac.run.local.stores import invariants
from tarmac.run.pod_edges import PodEdges, pod_edges
from tarmac.run.pod_metrics import pod_metrics
from tarmac.run.shells import store_access
from tarmac.run.system import Logs, Restart, StoreAccess, SystemStatus
from tarmac.run.telemetry import awaited
from tarmac.run.telemetry.log_lines import Line
from tarmac.run.telemetry.objectives import ObservedObjective
from tarmac.run.undoing import undo_process

#: Of a restart, as of a deployment; a wave of `tarmac deploy` is given as much.
WITHIN_S = 300.0
#: Requests of pods are counted for so long.
OBSERVED_S = 10.0


@dataclass(frozen=True)
class ClusterStatus:
    """The state of every workload."""

    deployed: DeployedSystem
    workloads: tuple[WorkloadState, ...]

    @property
    def healthy(self) -> bool:
        """Whether every workload is ready."""
        return all(state.readiness.ready for state in self.workloads)

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        plan = self.deployed.plan
        return {
            "system": plan.system,
            "environment": plan.environment,
            "context": self.deployed.kubectl.context,
            "namespace": plan.namespace,
            "healthy": self.healthy,
            "workloads": [
                {
                    "name": state.name,
                    "role": state.role,
                    "ready": state.readiness.ready,
                    "detail": state.readiness.detail,
                    "causes": [cause.text for cause in state.causes],
                    "pods": [asdict(pod) for pod in state.pods],
                }
                for state in self.workloads
            ],
        }


@dataclass(frozen=True)
class ClusterSystem:
    """A system in one context of a kubeconfig."""

    file: Path
    deployed: DeployedSystem
    #: What its file says, where that was read before.
    loaded: System | None = None
    kind: str = KIND

    @cached_property
    def model(self) -> System:
        """What its file says."""
        return self.loaded or load(str(self.file))

    def status(self) -> ClusterStatus:
        """Read the state of every workload. Raises Refusal."""
        return ClusterStatus(self.deployed, self.deployed.look())

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool, trace: str = ""
    ) -> Logs:
        """Read logs of the pods that are there now. Raises TarmacError."""
        if trace:
            raise TarmacError("log lines of a cluster are not stored, so a trace has none")
        return Logs(map(Line._make, self.deployed.logs(names, last=last, follow=follow)))

    def restart(
        self,
        names: Collection[str],
        within_s: float | None,
        look: Callable[[SystemStatus], None] = lambda _: None,  # noqa: ARG002 - kubectl waits
    ) -> Restart:
        """Replace the pods of workloads, and wait for the new ones. Raises TarmacError."""
        states = self.deployed.restart(names, WITHIN_S if within_s is None else within_s)
        return Restart(ClusterStatus(self.deployed, states))

    @contextlib.contextmanager
    def connect(self, store: str, user: str = "") -> Iterator[StoreAccess]:
        """Lead to a store as a service, the first that uses it without one, until the end."""
        with store_url(self.deployed, store, user) as url:
            yield store_access(self.deployed.plan, store, url, is_forwarded=True)

    def invariants(self, within_s: float = 0.0) -> tuple[invariants.InvariantResult, ...]:
        """Ask each store as the first service that uses it, until they hold or time is over."""
        with contextlib.ExitStack() as ways:

            @functools.cache
            def url_of(store: str) -> str:
                return ways.enter_context(store_url(self.deployed, store))

            return invariants.ask_within(self.model, url_of, within_s)

    def edges(self) -> PodEdges:
        """Read what the pods of callers have counted of each call. Raises Refusal."""
        self.deployed.look()  # what may not be seen is told now, and not awaited
        return pod_edges(self.model, self._metered, self._counting)

    def objectives(self, for_s: float | None) -> tuple[list[ObservedObjective], int]:
        """Count requests in services' pods from now on, and judge the objectives by them."""
        seconds = OBSERVED_S if for_s is None else for_s
        self.deployed.look()  # what may not be seen is told now, and not awaited
        where = self.deployed.kubectl.context
        return pod_objectives.observe(self.model, self._metered, self._counting, seconds, where)

    @contextlib.contextmanager
    def counting(self, services: Collection[str]) -> Iterator[Path]:
        """Count the requests of services in their own pods until the end."""
        with pod_metrics(self.deployed, services) as telemetry:
            awaited.wait_read(telemetry, services)
            yield telemetry

    def _counting(self, services: Collection[str]) -> contextlib.AbstractContextManager[Path]:
        return pod_metrics(self.deployed, services)

    @property
    def _metered(self) -> list[str]:
        """The services that have metrics."""
        return [one.name for one in self.deployed.plan.services if one.metrics is not None]

    def stores(self) -> Sequence[str]:
        """Return what each store and broker really is."""
        return [f"{one.name}: {one.about}" for one in self.deployed.plan.stores]

    @contextlib.contextmanager
    def target(self, urls: Mapping[str, str]) -> Iterator[ClusterTarget]:
        """Open what a drill may disturb, once all is ready; at the end all is undone.

        Args:
            urls: where visitors find services; the public hosts of the environment without.
        """
        entries = urls or public_urls(self.deployed)
        services = [one.name for one in self.deployed.plan.services]
        # NAME:PORT is one of several ports.
        known = [*services, ENTRY]
        check_names((name.partition(":")[0] for name in entries), known, "no service")
        late = [one for one in self.deployed.look() if not one.readiness.ready]
        if late:
            where = f"{self.deployed.plan.system} in {self.deployed.kubectl.context}"
            named = ", ".join(f"{one.name} ({one.readiness.detail})" for one in late)
            raise TarmacError(f"{where} is not ready: {named}; see `tarmac ps`")
        client = self.deployed.kubectl
        program = (client.program, f"--kubeconfig={client.config}")
        with undo_process(program, config=client.config) as undo:
            yield ClusterTarget(self.deployed, undo, entries)


@contextlib.contextmanager
def opened(
    file: Path, context: str | None, environment: str | None, loaded: System | None = None
) -> Iterator[ClusterSystem]:
    """Open a system in a cluster.

    Args:
        loaded: what its file says, where that was read before.

    Raises:
        BadInput: no such environment or context; or the environment has no cluster.
        MissingTool: there is no kubectl.
        TarmacError: the cluster does not answer.
    """
    plan = in_memory.planned(file, environment)
    if plan.settings.target != KIND:
        what = f"environment {plan.environment} has no cluster (target: {plan.settings.target})"
        raise BadInput([Problem(plan.model, f"{what}; name another environment")])
    with kubectl.opened(context) as client:
        yield ClusterSystem(file, DeployedSystem(client, plan), loaded)


def public_urls(deployed: DeployedSystem) -> dict[str, str]:
    """Return where the public finds a system: the hosts of the environment's routes.

    By service, and as the entry of a laptop has them: `entry:api` is the host api.example.com, and
    `entry` the first one.
    """
    settings = deployed.plan.settings
    scheme = "https" if settings.ingress is not None and settings.ingress.tls else "http"
    found: dict[str, str] = {}
    for service in deployed.plan.services:
        if service.routes:
            host = service.routes[0].host
            found[service.name] = f"{scheme}://{host}"
            found.setdefault(ENTRY, found[service.name])
            found[f"{ENTRY}:{host.partition('.')[0]}"] = found[service.name]
    return found
