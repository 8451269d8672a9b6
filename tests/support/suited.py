"""A system in the tests' cluster, as the end-to-end suites see one that runs on this machine."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from deployed import NAME, DeployedSystem
from rendered import system_of

from tarmac.run.local.stores.invariants import InvariantResult, evaluate

POLL_S, LONG_S = 0.2, 200.0
#: Of a process that is the first one in its container.
FIRST = re.compile(r"^NSpid:.*\s1$", re.MULTILINE)


@dataclass(frozen=True)
class Node:
    """One pod, as a suite sees a process."""

    name: str
    #: Of its program, as this machine knows it.
    pid: int
    ports: Mapping[str, int]
    #: What runs a store.
    about: str = ""


@dataclass(frozen=True)
class Suited:
    """A deployed system."""

    system: DeployedSystem
    #: Where its one public address is, for a suite that asks there.
    entry: str = ""
    #: The service in whose name a suite calls others, as staff that is no service.
    caller: str = ""

    def url(self, service: str) -> str:
        """Say where a service answers, or the system as a whole."""
        return self.entry if service == "entry" else self.system.url(service)

    def env(self, service: str) -> dict[str, str]:
        """Read the environment of a service, secrets included."""
        (pod, *_) = self._pods(service)
        pid = self._pid(pod)
        lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
        return dict(line.split("=", 1) for line in lines if line)

    def caller_token(self, service: str, caller: str = "") -> str:
        """Ask the cluster for a token by which an account calls a service."""
        return self.system.k(
            "create", "token", caller or self.caller, f"--audience={service}"
        ).strip()

    def logs(self, name: str) -> str:
        """Read what a pod's program has printed."""
        workload, _, number = name.partition(".")
        pod = self._pods(workload)[int(number or 1) - 1]["metadata"]["name"]
        return self.system.k("logs", pod, f"--container={workload}")

    def nodes(self) -> tuple[Node, ...]:
        """List every pod that runs."""
        found = []
        names = (one.name for one in self.system.running().plan.workloads)
        for workload in names:
            pods = self._pods(workload)
            for number, pod in enumerate(pods, 1):
                name = f"{workload}.{number}" if len(pods) > 1 else workload
                container = _own(pod["spec"]["containers"], workload)
                ports = {
                    port["name"]: self.system.cluster.reach(
                        pod["status"]["podIP"], port["containerPort"]
                    )
                    for port in container.get("ports", ())[:1]
                }
                found.append(Node(name, self._pid(pod), ports, container["image"]))
        return tuple(found)

    def node(self, name: str) -> Node:
        """Find a pod by its name for a suite."""
        return next(node for node in self.nodes() if node.name == name)

    def store_url(self, store: str, service: str = "") -> str:
        """Say how to get into a store from here, as its administrator or as a service."""
        if service:
            given = next(v for v in self.env(service).values() if f"@{store}" in v)
            parts = urlsplit(given)
            port = self.system.cluster.reach(self._address(store), parts.port or 0)
            user = parts.netloc.rpartition("@")[0]
            return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
        said = self.env(store)
        names = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")
        user, password, database = map(said.__getitem__, names)
        port = self.system.cluster.reach(self._address(store), 5432)
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"

    def kill(self, name: str) -> None:
        """Kill a pod's program as the kernel would; return when it is gone."""
        workload, _, number = name.partition(".")
        pid = self._pid(self._pods(workload)[int(number or 1) - 1])
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(POLL_S)

    def wait(self) -> None:
        """Wait until every pod of it is ready; without metrics no autoscaler is."""

        def ready() -> bool:
            pods = [pod for pod in self.system.pods() if pod["status"]["phase"] == "Running"]
            said = [pod["status"].get("containerStatuses", ()) for pod in pods]
            return all(one["ready"] for statuses in said for one in statuses)

        self.system.until(ready, LONG_S)

    def invariants(self) -> tuple[InvariantResult, ...]:
        """Ask whether the system's invariants hold now."""
        invariants = system_of(self.system.system).file.invariants
        stores = {store for invariant in invariants.values() for store in invariant.queries}
        return asyncio.run(evaluate(invariants, {store: self.store_url(store) for store in stores}))

    def _pods(self, workload: str) -> list[dict[str, Any]]:
        return sorted(
            (pod for pod in self.system.pods(workload) if pod["status"]["phase"] == "Running"),
            key=lambda pod: str(pod["metadata"]["name"]),
        )

    def _address(self, store: str) -> str:
        address: str = self._pods(store)[0]["status"]["podIP"]
        return address

    def _pid(self, pod: dict[str, Any]) -> int:
        """Find the first program of a pod's own container among this machine's."""
        workload = pod["metadata"]["labels"][NAME]
        status = _own(pod["status"]["containerStatuses"], workload)
        container = status["containerID"].removeprefix("containerd://")
        for group in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                # The first of its own: probes and `exec` add others for a moment.
                if container in group.read_text() and FIRST.search(
                    group.with_name("status").read_text()
                ):
                    return int(group.parent.name)
            except OSError:  # it has ended meanwhile
                continue
        raise AssertionError(f"{pod['metadata']['name']} runs no program")


def _own(listed: list[dict[str, Any]], workload: str) -> dict[str, Any]:
    """Find the container that is called as its workload: others may run beside it."""
    return next(one for one in listed if one["name"] == workload)
