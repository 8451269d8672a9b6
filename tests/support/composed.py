"""A system under Docker Compose that a suite of end-to-end tests takes for one on this machine.

It answers what `tarmac.testing.System` answers as far as such a suite asks; the suites themselves
do not know where they run.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from docker_here import Docker
from free_ports import free_ports
from rendered import ROOT, artifacts_of, plan_of, system_of

from tarmac.base.artifact import write
from tarmac.run.local.stores.invariants import InvariantResult, evaluate

POLL_S = 0.1
UP_WITHIN_S = 120.0
#: Where the image of PostgreSQL has its administrator's name and password.
ADMIN = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")


def laid_out(system: str, folder: Path, sources: Path = ROOT) -> Path:
    """Write a system's rendered tree and its secrets; return the folder of its Compose files."""
    for artifact in artifacts_of(system, "compose"):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "rendered by a test"))
        path.chmod(0o755 if artifact.executable else 0o644)
    outside = {
        f"STORES_MAIL_{name}_URL": "smtp://user:word@mail.invalid:25"
        for name in ("NOTIFICATION_SERVICE", "NOTIFICATIONS")
    }
    made = folder / "compose/secrets.sh"
    subprocess.run([str(made), str(sources)], check=True, env={"PATH": "/usr/bin:/bin", **outside})
    return folder / "compose"


@dataclass(frozen=True)
class Compose:
    """Docker Compose in one folder, with some of its files."""

    docker: Docker
    folder: Path
    files: tuple[str, ...] = ()

    def __call__(self, *argv: str, check: bool = True, profiles: str | None = None) -> str:
        """Run it and return what it prints."""
        told = [part for file in self.files for part in ("--file", str(self.folder / file))]
        done = self.docker.run(
            *("--project-directory", str(self.folder), *told, *argv),
            program=str(self.docker.compose),
            check=check,
            env={} if profiles is None else {"COMPOSE_PROFILES": profiles},
        )
        return done.stdout

    def published(self) -> set[int]:
        """Give every port of this machine that its files ask for."""
        services = json.loads(self("config", "--format", "json", profiles="all"))["services"]
        ports = (port for service in services.values() for port in service.get("ports", ()))
        # A port without a number here is of Docker's choice, and free.
        return {int(port["published"]) for port in ports if "published" in port}

    def state(self) -> dict[str, str]:
        """Return each running service's health, the worst of its containers'; "" has no check."""
        found: dict[str, str] = {}
        for container in self._listed(status=["running"]):
            # Such as `Up 3 seconds (healthy)`, `Up 4 seconds (health: starting)` and `Up 1 second`.
            shown = re.search(r"\((?:health: )?(\w+)\)$", container["Status"])
            health = shown[1] if shown else ""
            name = container["Labels"]["com.docker.compose.service"]
            if found.get(name, "healthy") == "healthy":
                found[name] = health
        return found

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return all that is known of a service's containers, in their order."""
        listed = self._listed(f"com.docker.compose.service={service}")
        return sorted(
            (self.docker.inspect(container["Id"]) for container in listed),
            key=lambda container: container["Name"],
        )

    def container(self, service: str) -> str:
        """Return the name of the one container of a service that runs."""
        label = f"com.docker.compose.service={service}"
        (container,) = self._listed(label, status=["running"])
        return str(container["Id"])

    def _listed(self, *labels: str, **filters: list[str]) -> list[dict[str, Any]]:
        mine = f"com.docker.compose.project.working_dir={self.folder}"
        found: list[dict[str, Any]] = self.docker.read(
            "/containers/json", label=[mine, *labels], **filters
        )
        return found


@dataclass(frozen=True)
class Node:
    """One container, as a suite sees a process."""

    name: str
    pid: int
    ports: Mapping[str, int]


@dataclass(frozen=True)
class Composed:
    """A system that runs under Compose."""

    system: str
    compose: Compose
    scale: Mapping[str, int]
    #: Service -> the first of its ports on loopback, one for each replica.
    published: Mapping[str, int] = field(default_factory=dict)
    #: Services that can never be ready here: what they need is outside, at an address of nobody's.
    waiting: frozenset[str] = frozenset()

    @classmethod
    def lay_out(
        cls,
        system: str,
        docker: Docker,
        folder: Path,
        scale: Mapping[str, int],
        waiting: frozenset[str] = frozenset(),
    ) -> Composed:
        """Write its files, and one more that opens every service's port to the suite."""
        placed = laid_out(system, folder)
        services = plan_of(system, "compose").services
        published = {service.name: free_ports(scale[service.name])[0] for service in services}
        lines = ["services:"]
        for service in services:
            first, port = published[service.name], next(iter(service.ports.values()))
            last = first + scale[service.name] - 1
            lines += [
                f"  {service.name}:",
                f'    ports: !override ["127.0.0.1:{first}-{last}:{port}"]',
            ]
        (placed / "compose.suite.yaml").write_text("\n".join(lines) + "\n")
        files = ("compose.yaml", "compose.prod.yaml", "compose.suite.yaml")
        return cls(system, Compose(docker, placed, files), scale, published, waiting)

    def up(self) -> None:
        """Bring it up, and sow what `tarmac up` would."""
        scaled = [part for n, count in self.scale.items() for part in ("--scale", f"{n}={count}")]
        try:
            self.compose("up", "--detach", "--no-build", *scaled, profiles="all")
            self.wait()
        except AssertionError as error:
            told = (f"{node.name}:\n{self.logs(node.name)[-2000:]}" for node in self.nodes())
            raise AssertionError(f"{error}\n" + "\n".join(told)) from None
        model = yaml.safe_load((ROOT / f"systems/{self.system}/tarmac.yaml").read_text())
        for store, said in model["stores"].items():
            if isinstance(said, dict) and "seed" in said:
                self._sow(store, ROOT / "systems" / self.system / said["seed"])

    def _sow(self, store: str, file: Path) -> None:
        database = store.removesuffix("-db")
        # Whoever owns the tables sows them.
        sql = f"SET ROLE {self._owner(store)};\n{file.read_text()}"
        (self.compose.folder / "seed.sql").write_text(sql)
        psql = ("psql", "--quiet", "--set=ON_ERROR_STOP=1", "-U", "postgres", "-d", database)
        with (self.compose.folder / "seed.sql").open("rb") as opened:
            (container,) = self.compose.containers(store)
            self.compose.docker.run("exec", "-i", container["Id"], *psql, stdin=opened)

    def _owner(self, store: str) -> str:
        allowed = plan_of(self.system, "compose").allowed
        return next(e.source for e in allowed if e.target == store).replace("-", "_")

    def down(self) -> None:
        """End it, with all that it keeps."""
        self.compose("--profile", "all", "down", "--volumes", "--timeout", "1")

    def nodes(self) -> tuple[Node, ...]:
        """List every container that runs."""
        found = []
        for workload in plan_of(self.system, "compose").workloads:
            containers = self.compose.containers(workload.name)
            for number, container in enumerate(containers, 1):
                many = self.scale.get(workload.name, 1) > 1
                name = f"{workload.name}.{number}" if many else workload.name
                ports = {
                    port: int(bound[0]["HostPort"])
                    for port, bound in container["NetworkSettings"]["Ports"].items()
                    if bound
                }
                found.append(Node(name, container["State"]["Pid"], ports))
        return tuple(found)

    def url(self, service: str) -> str:
        """Say where the first replica of a service answers."""
        return f"http://127.0.0.1:{self.published[service]}"

    def env(self, service: str) -> dict[str, str]:
        """Read the environment of a service, secrets included."""
        said = self.compose.containers(service)[0]["Config"]["Env"]
        return dict(text.split("=", 1) for text in said)

    def caller_token(self, service: str, caller: str = "") -> str:
        """Return the token of a caller: none, as no service checks any under Compose."""
        del service, caller
        return ""

    def store_url(self, store: str) -> str:
        """Say how to get into a database as its administrator, at its container's own address."""
        (container,) = self.compose.containers(store)
        user, password, database = map(self.env(store).__getitem__, ADMIN)
        networks = container["NetworkSettings"]["Networks"].values()
        address = next(network["IPAddress"] for network in networks if network["IPAddress"])
        return f"postgresql://{user}:{quote(password, safe='')}@{address}:5432/{database}"

    def logs(self, name: str) -> str:
        """Read what a container has printed."""
        done = self.compose.docker.run("logs", self._id(name))
        return done.stdout + done.stderr

    def kill(self, name: str) -> None:
        """Kill a container's process as the kernel would; return when it is gone."""
        pid = self._node(name).pid
        os.kill(pid, signal.SIGKILL)  # `docker kill` would keep it from being started again
        while self._node(name).pid == pid:
            time.sleep(POLL_S)

    def wait(self) -> None:
        """Wait until whatever has a check, and can be, is healthy."""
        end = time.monotonic() + UP_WITHIN_S
        while True:
            states = self.compose.state()
            if {state for name, state in states.items() if name not in self.waiting} <= {
                "healthy",
                "",
            }:
                return
            assert time.monotonic() < end, states
            time.sleep(POLL_S)

    def invariants(self) -> tuple[InvariantResult, ...]:
        """Ask whether the system's invariants hold now."""
        invariants = system_of(self.system).file.invariants
        stores = {store for invariant in invariants.values() for store in invariant.queries}
        return asyncio.run(evaluate(invariants, {store: self.store_url(store) for store in stores}))

    def _node(self, name: str) -> Node:
        return next(node for node in self.nodes() if node.name == name)

    def _id(self, name: str) -> str:
        service, _, number = name.partition(".")
        return str(self.compose.containers(service)[int(number or 1) - 1]["Id"])
