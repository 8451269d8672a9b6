"""hello-dd by `tarmac up` beside Docker Compose: start, edit to served, memory and end.

Both sides have the same services, PostgreSQL and Valkey; theirs is what Tarmac renders for
development, sources mounted, images built already. A start is timed until the entry's ready route
answers. Theirs serves an edit as `docker compose watch` does: it starts the container again, here
without the time that noticing takes. Memory is the share (PSS) of all processes, with Tarmac's own,
or the daemon's. Nothing is pulled and nothing is built in these times.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import processes
from bench.copies import BIN, until
from bench.figure import Absent, Figure, seconds, sized

from tarmac.run.local.host import guard

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import composed  # noqa: E402 - what the tests with containers use
import docker_here  # noqa: E402
import kit_images  # noqa: E402
import on_one_machine  # noqa: E402
import standins  # noqa: E402

ROUNDS = sized(3, 1)
EDITS = sized(5, 1)
SETTLED_S = 1.0
#: What the files for development publish.
ENTRY, EDITED = 8083, 8082
PORTS = (ENTRY, EDITED, 8081, 6379)
FILE = "services/pricing/tarmac_pricing/endpoints.py"
WORDS = "List what can be bought, and for how much"
_NUMBERS = itertools.count(1)
Side = dict[str, list[float]]


def measure() -> list[Figure]:
    """Return the seconds of starts, of an edit and of an end, and the memory in MiB."""
    if taken := [port for port in PORTS if _is_open(port)]:
        raise Absent(f"something else listens on {', '.join(map(str, taken))}")
    ours: Side = {name: [] for name in ("cold", "warm", "edit", "memory", "down")}
    theirs: Side = {name: [] for name in ours}
    try:
        with (
            tempfile.TemporaryDirectory() as made,
            docker_here.daemon(docker_here.kept()) as docker,
        ):
            scratch = Path(made)
            if docker.compose is None:
                raise Absent("there is no Docker Compose 2; run .ci/containers")
            standins.provide(docker, scratch / "bases", kit_images.uv())
            kit_images.Images(docker).of("hello-dd")
            copied = scratch / "repository"
            out = shutil.ignore_patterns(*on_one_machine.LEFT_OUT, "__pycache__")
            shutil.copytree(ROOT, copied, ignore=out)
            folder = composed.laid_out("hello-dd", scratch / "tree", copied)
            compose = composed.Compose(docker, folder)
            engine = docker.read("/version")["Version"].partition("+")[0]
            said = f"Docker {engine} with Compose {compose('version', '--short').strip()}"
            _ours(copied, {name: [] for name in ours}, 0)  # what is made once on a machine
            for _ in range(ROUNDS):
                _ours(copied, ours, EDITS)
                _theirs(copied, compose, theirs, EDITS)
    except docker_here.NoDocker as error:
        raise Absent(str(error)) from error
    how = f"hello-dd; {said}, {standins.STAND_IN}; medians of {ROUNDS} in turns"
    notes = {
        "cold": ("up, no data", "s"),
        "warm": ("up, data there", "s"),
        "edit": ("edit to served", "s"),
        "memory": ("memory", "MiB"),
        "down": ("down", "s"),
    }
    return [
        Figure(
            f"Docker Compose: {title}",
            unit,
            statistics.median(ours[name]),
            statistics.median(theirs[name]),
            how,
        )
        for name, (title, unit) in notes.items()
    ]


def _ours(repository: Path, found: Side, edits: int) -> None:
    system = repository / "systems/hello-dd/tarmac.yaml"

    def tarmac(verb: str, *options: str) -> None:
        argv = (str(BIN / "tarmac"), verb, str(system), *options)
        done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"tarmac {verb}: {done.stdout}{done.stderr}")

    def up() -> None:
        tarmac("up", "-d", "--watch")
        until("our entry", _is_ready)

    try:
        found["cold"].append(seconds(up))
        tarmac("down")
        found["warm"].append(seconds(up))
        found["edit"] += [_edited(repository, lambda: None) for _ in range(edits)]
        time.sleep(SETTLED_S)
        marked = str(repository).encode()
        found["memory"].append(processes.mib(processes.below(*_named(marked))))
        found["down"].append(seconds(lambda: tarmac("down")))
    finally:
        tarmac("down", "--delete-data")


def _theirs(repository: Path, compose: composed.Compose, found: Side, edits: int) -> None:
    def up() -> None:
        compose("up", "--detach", "--no-build", profiles="all")
        until("their entry", _is_ready)

    def restart() -> None:
        compose("restart", "pricing-service", profiles="all")

    try:
        found["cold"].append(seconds(up))
        compose("down", profiles="all")
        found["warm"].append(seconds(up))
        found["edit"] += [_edited(repository, restart) for _ in range(edits)]
        time.sleep(SETTLED_S)
        found["memory"].append(processes.mib(processes.below(*_of_docker(compose.docker))))
        found["down"].append(seconds(lambda: compose("down", profiles="all")))
    finally:
        compose("down", "--volumes", "--timeout", "1", profiles="all")


def _edited(repository: Path, serve: Callable[[], None]) -> float:
    """Save other words in a service's file; return the seconds until they are served."""
    file, words = repository / FILE, f"{WORDS} {'x' * next(_NUMBERS)}."
    before = (ROOT / FILE).read_text(encoding="utf-8")
    begun = time.perf_counter()
    file.write_text(before.replace(f"{WORDS}.", words), encoding="utf-8")
    serve()
    until("the edit", lambda: words in _page(f"http://127.0.0.1:{EDITED}/openapi.json"))
    return time.perf_counter() - begun


def _of_docker(docker: docker_here.Docker) -> Iterator[int]:
    """Yield the daemon, its helpers, and what holds each container."""
    yield from _named(str(docker.socket.parent).encode())
    parents = guard.parents()
    for one in docker.read("/containers/json"):
        yield parents[docker.inspect(one["Id"])["State"]["Pid"]]


def _named(marked: bytes) -> set[int]:
    """Find the processes with this in their command line."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if marked in path.read_bytes():
                found.add(int(path.parent.name))
    return found


def _is_ready() -> bool:
    return _page(f"http://127.0.0.1:{ENTRY}/health/ready") != ""


def _page(url: str) -> str:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode())
    return ""


def _is_open(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
