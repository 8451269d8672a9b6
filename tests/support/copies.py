"""A copy of a system that really runs: its processes by name, what kills them, its rows."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from remains import processes_of
from sandbox import ps

from tarmac.run.local.host import guard
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.local_target import local_target

ROOT = Path(__file__).parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))


@dataclass(frozen=True)
class Copy:
    """A namespace of a system, whose processes may be killed at any time."""

    system: str
    namespace: str
    #: Where its `tarmac.yaml` is, if not among the systems of this repository.
    elsewhere: Path | None = None

    @property
    def folder(self) -> Path:
        return self.elsewhere or ROOT / "systems" / self.system

    @property
    def home(self) -> Path:
        return self.folder / ".tarmac" / self.namespace

    def tarmac(self, verb: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TARMAC, verb, str(self.folder), *args, "-n", self.namespace],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    def up(self) -> dict[str, Any]:
        done = self.tarmac("up", "-d", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def urls(self) -> Mapping[str, str]:
        """Return where each service answers: NAME for the first of its ports, and NAME:PORT."""
        with local_target(Home(self.home)) as target:
            return target.urls()

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in ps(Home(self.home))["nodes"]}

    def supervisor(self) -> list[int]:
        found = []
        for pid in guard.parents():
            with contextlib.suppress(OSError):
                argv = Path(f"/proc/{pid}/cmdline").read_bytes()
                if (
                    b"tarmac.run.local.supervisor.daemon" in argv
                    and f'"{self.namespace}"'.encode() in argv
                ):
                    found.append(pid)
        return found

    def pids(self, who: str) -> list[int]:
        """Find whom a name means: a node, or a part of the runtime."""
        if who == "supervisor":
            return self.supervisor()
        marked = processes_of(self.home)
        if who == "everything":
            return [*self.supervisor(), *marked]
        guards = [pid for pid, what in marked.items() if "local/host/guard.py" in what]
        if who == "guard":
            return guards
        if who == "wires":
            return [pid for pid, what in marked.items() if "local/network/wires.py" in what]
        if who == "fork server":
            below = [pid for pid, parent in guard.parents().items() if parent in guards]
            return [pid for pid in below if "forkserver" in marked.get(pid, "")]
        pid = self.nodes()[who]["pid"]
        return [pid] if pid else []

    def kill(self, who: Iterable[str]) -> int:
        """Kill -9 all of them; return how many there were."""
        pids = [pid for name in who for pid in self.pids(name)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    async def rows(self, store: str, query: str) -> list[tuple[Any, ...]]:
        secrets = json.loads((self.home / "secrets.json").read_text())
        port = self.nodes()[store]["ports"]["main"]
        password = secrets[f"stores/{store}/admin"]
        address = f"127.0.0.1:{port}/{store.removesuffix('-db')}"
        connection = await asyncpg.connect(f"postgresql://postgres:{password}@{address}")
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()
