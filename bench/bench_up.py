"""How long `tarmac up shop` takes beside honcho starting the same programs and stores.

Both sides run the shop's plan: the same programs, environment and configuration, on data of their
own; ours with wires and its services forked, theirs each by itself and without wires. Ours is
timed until `tarmac up -d` returns, that is until all is healthy; theirs until every service's ready
route answers, asked every 20 ms. All is stopped and deleted at the end.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.copies import PATIENCE_S, ended
from bench.figure import Figure, seconds, sized

from tarmac.base.launch import HttpProbe, Launch, Text, reveal
from tarmac.plan.plan import Node, Plan
from tarmac.run.local.host import privileges, sockets
from tarmac.run.local.process import prepare
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor.resolver import Resolver

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = ROOT / "systems" / "shop" / "tarmac.yaml"
NAMESPACE = "bench"
ROUNDS = sized(3, 1)
PART = "product-service"
BIN = Path(sys.executable).parent


def measure() -> list[Figure]:
    """Return figures in seconds: cold without and with a template, warm, and a part alone."""
    ours: dict[str, list[float]] = {"first": [], "cold": [], "warm": [], "part": []}
    theirs: dict[str, list[float]] = {"cold": [], "warm": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as folder:
            scratch = Path(folder)
            with _deleted_at_the_end(scratch):
                ours["first"].append(_up(scratch))
                _tarmac(scratch, "down", "--delete-data")
                ours["cold"].append(_up(scratch))
                _tarmac(scratch, "down")
                ours["warm"].append(_up(scratch))
                _tarmac(scratch, "down")
                ours["part"].append(_up(scratch, PART))
            honcho = Honcho(scratch)
            theirs["cold"].append(honcho.start())
            honcho.stop()
            theirs["warm"].append(honcho.start())
            honcho.stop()
    mine = {name: statistics.median(values) for name, values in ours.items()}
    other = {name: statistics.median(values) for name, values in theirs.items()}
    how = f"medians of {ROUNDS}, durable stores on both sides"
    cold = "theirs: initdb, roles and databases in its start scripts, no seed data"
    return [
        Figure(
            "up shop, first time on this machine",
            "s",
            mine["first"],
            other["cold"],
            f"no data and no cached template; {cold}; {how}",
        ),
        Figure(
            "up shop, cold",
            "s",
            mine["cold"],
            other["cold"],
            f"no data, template cached; {cold}; {how}",
        ),
        Figure(
            "up shop, warm",
            "s",
            mine["warm"],
            other["warm"],
            f"data there on both sides after a clean stop; {how}",
        ),
        Figure(
            f"up of a part: {PART}",
            "s",
            mine["part"],
            mine["warm"],
            f"with the stores that it needs; theirs: our own `up` of all; medians of {ROUNDS}",
        ),
    ]


def _up(scratch: Path, *names: str) -> float:
    return seconds(lambda: _tarmac(scratch, "up", *names, "-d"))


def _tarmac(scratch: Path, verb: str, *options: str) -> None:
    """Run a verb on the bench's own copy of the shop, with a cache of its own."""
    run = subprocess.run(
        [BIN / "tarmac", verb, SYSTEM, "-n", NAMESPACE, *options],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(scratch / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise SystemExit(f"tarmac {verb}: ended with {run.returncode}\n{run.stdout}{run.stderr}")


@contextlib.contextmanager
def _deleted_at_the_end(scratch: Path) -> Iterator[None]:
    try:
        yield
    finally:
        _tarmac(scratch, "down", "--delete-data")


class Honcho:
    """The shop's plan as a Procfile with a start script for each program."""

    def __init__(self, scratch: Path) -> None:
        self.home = Home(scratch / "honcho")
        self.home.create()
        self.plan, self.secrets = _resolve(self.home)
        lines = []
        for node in self.plan.nodes:
            script = self._script(node)
            path = self.home.root / f"{node.name}.sh"
            path.write_text(script, encoding="utf-8")
            path.chmod(0o700)
            lines.append(f"{node.name}: exec sh {shlex.quote(str(path))}\n")
        (self.home.root / "Procfile").write_text("".join(lines), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start everything; return the seconds until every service's ready route answers."""
        probes = [n.launch.ready for n in self.plan.nodes if n.role == "service"]
        waiting = {
            f"http://{sockets.LOOPBACK}:{p.port}{p.path}"
            for p in probes
            if isinstance(p, HttpProbe)
        }
        log = (self.home.root / "log").open("wb")
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [BIN / "honcho", "start"], cwd=self.home.root, stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        while waiting:
            waiting = {url for url in waiting if not _answers(url)}
            if time.perf_counter() - begun > PATIENCE_S or self.process.poll() is not None:
                said = (self.home.root / "log").read_text(errors="replace")[-3000:]
                self.stop()
                raise SystemExit(f"honcho: no answer from {', '.join(sorted(waiting))}\n{said}")
            time.sleep(0.02)
        return time.perf_counter() - begun

    def stop(self) -> None:
        """Stop everything; honcho ends all programs when it is told to end."""
        if self.process is not None:
            ended(self.process)

    def _script(self, node: Node) -> str:
        """Write what a careful person would: create the data where there is none, then run."""
        launch = node.launch
        folder = prepare.folder_of(self.home, node.name, launch)
        folder.mkdir(parents=True, exist_ok=True)
        for file in launch.files:
            path = folder / file.path
            path.write_text(self._reveal(file.content, folder), encoding="utf-8")
            path.chmod(file.mode)
        # PostgreSQL without its postmaster sends "read your settings again" to its process group.
        lines = ["set -e", "trap '' HUP", *self._first_time(launch, folder)]
        exports = [f"{k}={self._reveal(v, folder)}" for k, v in launch.env.items()]
        lines += [f"cd {shlex.quote(launch.cwd.replace('{folder}', str(folder)))}"]
        program = [part.replace("{folder}", str(folder)) for part in launch.argv]
        argv = privileges.run_as(prepare.drop_for(launch), program)
        lines += [shlex.join(["exec", "env", "-i", *exports, *argv])]
        return "\n".join(lines) + "\n"

    def _first_time(self, launch: Launch, folder: Path) -> list[str]:
        """Return the lines that make a data folder with its roles, unless it is there."""
        drop = prepare.drop_for(launch)
        lines = []
        for tree in launch.trees:
            data = folder / tree.path
            steps = [(tree.make.argv, "")]
            if tree.adopt:
                steps.append((tree.adopt.argv, self._reveal(tree.adopt.stdin, folder)))
                for sql in launch.setup:
                    database = self._reveal(sql.url, folder).rpartition("/")[2]
                    statements = [self._reveal(s, folder) + "\n" for s in sql.statements]
                    steps.append(((*tree.adopt.argv[:-1], database), "".join(statements)))
            lines += [f"if [ ! -d {shlex.quote(str(data))} ]; then"]
            for step, stdin in steps:
                argv = privileges.run_as(drop, [part.replace("{tree}", str(data)) for part in step])
                lines += [f"{shlex.join(argv)} >/dev/null <<'END'\n{stdin}END"]
            lines += ["fi"]
        return lines

    def _reveal(self, value: Text, folder: Path) -> str:
        return reveal(value, self.secrets).replace("{folder}", str(folder))


def _resolve(home: Home) -> tuple[Plan, Mapping[str, str]]:
    """Resolve the shop as `up --direct` does, for a home of its own: honcho has no wires."""
    held = sockets.Reservations()
    options = Options(str(SYSTEM), NAMESPACE, direct=True, temporary=True)
    resolved = Resolver(options, home, held).resolve({})
    held.release_all()
    return resolved.plan, resolved.secrets


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
