"""A system of the repository that `tarmac deploy` puts into the tests' cluster."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from cluster import Cluster
from objects import objects
from rendered import KINDS, RENDERERS, plan_of, seeds_of
from system_copies import copy_of

from tarmac.model.loader import load as load_system
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.run.cluster import running as seen
from tarmac.run.cluster.kubectl import Kubectl

TARMAC = Path(sys.executable).with_name("tarmac")
NAME, ZONE = "app.kubernetes.io/name", "topology.kubernetes.io/zone"
#: Between two requests of a load.
PAUSE_S = 0.02
#: What a verb may take; `deploy` waits up to 300 s for each wave, and says what is missing then.
VERB_S = 900.0
#: Between two looks at the cluster, first and last.
PAUSES_S = 0.2, 1.0


@dataclass(frozen=True)
class Load:
    """What requests came to that a load has made so far."""

    answers: Counter[int | str] = field(default_factory=Counter)

    @property
    def failed(self) -> dict[int | str, int]:
        """Those that were not answered well."""
        return {status: n for status, n in self.answers.items() if status != 200}


@dataclass(frozen=True)
class DeployedSystem:
    """A copy of a system's folder, which can be edited, and what runs of it."""

    cluster: Cluster
    system: str
    environment: str
    folder: Path
    #: Where it is in the cluster.
    namespace: str

    @classmethod
    def lay_out(
        cls,
        cluster: Cluster,
        system: str,
        folder: Path,
        environment: str = "kind",
        namespace: str = "",
    ) -> DeployedSystem:
        """Copy the system's folder; the services are the repository's own.

        Args:
            namespace: what the file will say once it is edited; as it is without.
        """
        copy_of(system, folder)
        where = namespace or plan_of(system, environment).namespace
        return cls(cluster, system, environment, folder, where)

    def own_services(self) -> None:
        """Make room for a new service, beside those that are the repository's own."""
        services = self.folder / "services"
        if not services.is_symlink():
            return  # a test that is tried again has made it
        shared = services.readlink()
        services.unlink()
        services.mkdir()
        for one in shared.iterdir():
            (services / one.name).symlink_to(one)

    @property
    def file(self) -> Path:
        """The system's file."""
        return self.folder / "systems" / self.system / "tarmac.yaml"

    def edit(self, old: str, new: str) -> None:
        """Replace a text in its file, which has it once."""
        text = self.file.read_text()
        assert text.count(old) == 1, old
        self.file.write_text(text.replace(old, new))

    @contextmanager
    def configured(self, lines: str) -> Iterator[None]:
        """Put lines into its environment `kind`, and take them out with the block."""
        self.edit("  kind:\n", f"  kind:\n{lines}")
        try:
            yield
        finally:  # another attempt begins with the file as it was
            self.edit(lines, "")

    def rendered(self, kind: str) -> list[dict[str, Any]]:
        """List the objects of a kind that are rendered of its file as it is now."""
        model = load_system(
            f"systems/{self.system}/tarmac.yaml", lambda path: (self.folder / path).read_bytes()
        )
        made = artifacts(deploy(model, self.environment, KINDS), RENDERERS)
        return [dict(one) for one in objects(made) if one["kind"] == kind]

    def deploy(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `tarmac deploy`."""
        return self.tarmac("deploy", "--env", self.environment, *argv, check=check)

    def there(self, verb: str, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb that looks at what runs in the cluster."""
        where = ("--target", "cluster", "--env", self.environment)
        return self.tarmac(verb, *argv, *where, check=check)

    def tarmac(self, verb: str, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb on the system, with the cluster's kubeconfig."""
        try:
            done = subprocess.run(
                [TARMAC, verb, self.system, *argv],
                cwd=self.folder,
                env=self.env(),
                capture_output=True,
                text=True,
                timeout=VERB_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            printed = (error.stdout or b"").decode() + (error.stderr or b"").decode()
            raise AssertionError(f"{error}\n{printed}{self.told()}") from error
        assert not check or done.returncode == 0, f"{done.stdout}{done.stderr}{self.told()}"
        return done

    def env(self) -> dict[str, str]:
        """Give the variables of a user of the cluster."""
        return {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "PATH": f"{self.cluster.programs}:{os.environ['PATH']}",
        }

    def running(self) -> seen.DeployedSystem:
        """Give it as the verbs see it."""
        kubectl = Kubectl(str(self.cluster.programs / "kubectl"), "tests", self.cluster.kubeconfig)
        return seen.DeployedSystem(kubectl, plan_of(self.system, self.environment))

    def told(self) -> str:
        """Return what the cluster says of the pods, for a test that failed."""
        where = f"--namespace={self.namespace}"
        found = self.cluster.kubectl("get", "pods", where, "--output=wide", check=False)
        events = ("get", "events", where, "--sort-by=.lastTimestamp")
        return found + self.cluster.kubectl(*events, check=False)[-4000:]

    def k(self, *argv: str, **more: Any) -> str:
        """Run kubectl in its namespace."""
        return self.cluster.kubectl(f"--namespace={self.namespace}", *argv, **more)

    def kubectl(self, *argv: str) -> list[str]:
        """Write a command line of kubectl in its namespace, for a process that stays."""
        program, config = str(self.cluster.programs / "kubectl"), str(self.cluster.kubeconfig)
        return [program, f"--kubeconfig={config}", f"--namespace={self.namespace}", *argv]

    def read(self, *argv: str) -> Any:
        """Read objects in its namespace."""
        return self.cluster.read(f"--namespace={self.namespace}", *argv)

    def pods(self, name: str = "") -> list[dict[str, Any]]:
        """List the pods, of one workload or of all."""
        chosen = (f"--selector={NAME}={name}",) if name else ()
        found: list[dict[str, Any]] = self.read("pods", *chosen)["items"]
        return found

    def zones(self, service: str) -> Counter[str]:
        """Count the running pods of a service by the zone of their node."""
        nodes = self.cluster.read("nodes")["items"]
        labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in nodes}
        return Counter(
            labels[pod["spec"]["nodeName"]][ZONE]
            for pod in self.pods(service)
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        )

    def ready(self, service: str) -> int:
        """Count the addresses that its Service leads to."""
        listed = self.read("endpointslices", f"--selector=kubernetes.io/service-name={service}")
        return sum(
            bool(endpoint["conditions"]["ready"])
            for found in listed["items"]
            for endpoint in found.get("endpoints") or ()
        )

    def restarts(self, service: str) -> int:
        """Count how often the containers of a service were started again."""
        found = [pod["status"]["containerStatuses"][0] for pod in self.pods(service)]
        return sum(status["restartCount"] for status in found)

    def send(self, pod: dict[str, Any], signal: str) -> None:
        """Send a signal to what runs in a pod's container, as its node's own user."""
        node = next(n for n in self.cluster.nodes if n.name == pod["spec"]["nodeName"])
        container = pod["status"]["containerStatuses"][0]["containerID"]
        listed = node.machine.run("ctr", "--namespace", "k8s.io", "tasks", "ls").splitlines()
        own = container.removeprefix("containerd://")
        pid = next(line.split()[1] for line in listed if line.startswith(own))
        node.machine.run("kill", signal, pid)

    def until(self, true: Callable[[], bool], within_s: float = 150.0) -> None:
        """Wait until something is so in the cluster; a look by kubectl takes 60 ms of a core."""
        end, pause_s = time.monotonic() + within_s, PAUSES_S[0]
        while not true():
            assert time.monotonic() < end, self.told()
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.3, PAUSES_S[1])

    def rolled_out(self, workload: str) -> None:
        """Wait until all pods of a workload are the new ones, and ready."""
        self.k("rollout", "status", workload, "--timeout=120s")

    def url(self, service: str) -> str:
        """Give an address on this machine that leads to a Service's own."""
        spec = self.read("service", service)["spec"]
        port = self.cluster.reach(spec["clusterIP"], spec["ports"][0]["port"])
        return f"http://127.0.0.1:{port}"

    def psql(self, store: str, statements: str) -> str:
        """Say something to a store's PostgreSQL, in its pod."""
        database = store.removesuffix("-db")
        psql = ("psql", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        shell = ("exec", "--stdin", f"{store}-0", "--container", store, "--")
        return self.k(*shell, *psql, "-U", "postgres", "-d", database, given=statements)

    def sow(self) -> None:
        """Write the stores' first rows, as whoever owns the tables, as `tarmac up` does."""
        folder = self.folder / "systems" / self.system
        allowed = plan_of(self.system, self.environment).allowed
        for store, seed in seeds_of(folder):
            owner = next(e.source for e in allowed if e.target == store).replace("-", "_")
            self.psql(store, f"SET ROLE {owner};\n{(folder / seed).read_text()}")


@asynccontextmanager
async def load(url: str, *, limit_s: float = 5, pause_s: float = PAUSE_S) -> AsyncIterator[Load]:
    """Ask again and again, each time over a new connection, as long as the block runs.

    Args:
        pause_s: between two requests of each of the two that ask.
    """
    made = Load()
    ended = asyncio.Event()

    async def ask(session: aiohttp.ClientSession) -> None:
        while not ended.is_set():
            try:
                async with session.get(url) as answer:
                    await answer.read()
                    made.answers[answer.status] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                made.answers[type(error).__name__] += 1
            await asyncio.sleep(pause_s)

    connector = aiohttp.TCPConnector(force_close=True)
    limit = aiohttp.ClientTimeout(total=limit_s)
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as session:
        asking = [asyncio.create_task(ask(session)) for _ in range(2)]
        try:
            yield made
        finally:
            ended.set()
            await asyncio.gather(*asking)
