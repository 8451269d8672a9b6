"""A Docker daemon of the tests' own: on a socket in a folder of theirs, and gone with them.

Debian's docker.io, from PATH or unpacked by `.ci/containers`. It needs root. Nothing that runs on
the machine already is asked or changed: another daemon's images and containers are none of ours.
What is read of containers and images is read from the daemon's socket: a start of its client costs
40 ms of a core and one of Compose 200, and the tests ask several times a second.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

UP_WITHIN_S = 60.0
STOP_WITHIN_S = 120.0
#: What of the build cache stays: all of one state of the sources, and what they install.
KEPT = "4GB"
ENDED_WELL = "ended-well"
GET = "run .ci/containers as root, on Debian 12 or a system with dockerd on PATH"


class NoDocker(Exception):
    """Why there is no daemon, and what to do."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket that is a file."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Docker:
    """A daemon, and the client of its version: the newest ask for a plugin to build with."""

    socket: Path
    programs: Path | None
    client: str
    compose: Path | None
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *argv: str,
        stdin: IO[bytes] | None = None,
        check: bool = True,
        within_s: float = 600,
        env: Mapping[str, str] | None = None,
        program: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run the client. Raises AssertionError with what it printed when it fails."""
        done = subprocess.run(
            [program or self.client, *argv],
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            env={**os.environ, **self.env, **(env or {})},
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"docker {' '.join(argv)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
            )
        return done

    def say(self, *argv: str) -> str:
        """Run the client and return what it prints."""
        return self.run(*argv).stdout.strip()

    def read(self, path: str, **filters: list[str]) -> Any:
        """Return what the daemon's API answers. Raises LookupError where it has no such thing."""
        query = f"?{urlencode({'all': 1, 'filters': json.dumps(filters)})}" if filters else ""
        with contextlib.closing(_SocketConnection(self.socket)) as connection:
            connection.request("GET", f"{path}{query}")
            answer = connection.getresponse()
            content = json.loads(answer.read())
        if answer.status != 200:
            raise LookupError(f"GET {path}{query}: {answer.status} {content}")
        return content

    def inspect(self, name: str) -> dict[str, Any]:
        """Return all that is known of a container or image. Raises LookupError without one."""
        try:
            found: dict[str, Any] = self.read(f"/containers/{name}/json")
        except LookupError:
            found = self.read(f"/images/{name}/json")
        return found


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tarmac"


def kept() -> Path:
    """Name the folder where images and build cache stay from one session of tests to the next."""
    return _cache() / "containers"


def _home() -> Path | None:
    found = sorted((_cache() / "programs").glob("containers-*/docker-compose"))
    return found[-1].parent if found else None


def _programs() -> tuple[Path | None, Path | None, dict[str, str]]:
    """Find dockerd's folder of programs, Compose, and the variables that they need."""
    home = _home()
    compose = home / "docker-compose" if home else None
    path = os.environ.get("PATH", "")
    if home is not None and (home / "root/usr/sbin/dockerd").exists():
        root = home / "root/usr"
        libraries = next((root / "lib").glob("*-linux-gnu"))
        return (
            root,
            compose,
            {
                "PATH": f"{root}/bin:{root}/sbin:{path}",
                "LD_LIBRARY_PATH": str(libraries),
                "XTABLES_LIBDIR": str(libraries / "xtables"),
            },
        )
    if shutil.which("dockerd"):
        return Path("/usr"), compose, {}
    return None, compose, {}


@contextlib.contextmanager
def _data(keep: Path | None, folder: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Give a daemon's folder of data, and what it holds open as long as it runs.

    The kept one; a new one where another daemon has that. What a daemon left that did not end well
    is not used again: it may hold containers, which would be started, and half a layer.
    """
    if keep is None:
        yield folder / "data", ()
        return
    keep.mkdir(parents=True, exist_ok=True)
    with (keep / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield folder / "data", ()
            return
        data, ended_well = keep / "data", keep / ENDED_WELL
        if not ended_well.exists() and data.exists():
            _unmount(data)
            try:
                shutil.rmtree(data)
            except OSError:  # something still holds it
                yield folder / "data", ()
                return
        ended_well.unlink(missing_ok=True)
        yield data, (lock.fileno(),)


@contextlib.contextmanager
def daemon(keep: Path | None = None) -> Iterator[Docker]:
    """Start a daemon, and stop it with all that it runs.

    Args:
        keep: where its images and build cache stay for the next one, unless another daemon uses
            it now; a new folder without.

    Raises:
        NoDocker: there is none here, or it does not come up.
    """
    root, compose, env = _programs()
    if root is None:
        raise NoDocker(f"there is no dockerd; {GET}")
    if os.geteuid() != 0:
        raise NoDocker("dockerd starts as root alone; run the tests as root")
    with (
        tempfile.TemporaryDirectory(prefix="tarmac-docker-") as made,
        _data(keep, Path(made)) as (data, held),
    ):
        folder = Path(made)
        socket = folder / "docker.sock"
        client = next(
            (str(program) for program in (root / "bin/docker",) if program.exists()), "docker"
        )
        mine = {
            **env,
            "DOCKER_HOST": f"unix://{socket}",
            "DOCKER_BUILDKIT": "1",
            "DOCKER_CONFIG": str(folder / "config"),
            "BUILDKIT_PROGRESS": "plain",
        }
        argv = [
            *(shutil.which("dockerd", path=env.get("PATH")) or "dockerd", "--host"),
            *(f"unix://{socket}", "--data-root", str(data)),
            *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")),
            # Rules of the machine's own are left alone; names are found without them.
            *("--iptables=false", "--ip6tables=false", "--bridge=none"),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                argv,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
                pass_fds=held,
            )
        docker = Docker(socket, root, client, compose, mine)
        try:
            _await(docker, process, folder / "log")
            with _prune_meanwhile(docker):
                yield docker
            left = docker.say("ps", "--all", "--quiet").split()
            if left:
                docker.run("rm", "--force", "--volumes", *left)
            docker.run("network", "prune", "--force", check=False)
            if volumes := docker.say("volume", "ls", "--quiet").split():
                docker.run("volume", "rm", "--force", *volumes)
            docker.run("image", "prune", "--force")
        finally:
            if process.poll() is not None:  # a client says 'unexpected EOF', the log says why
                print(f"dockerd ended by itself: {_first_lines_of_its_end(folder / 'log')}")
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _unmount(data)
            _unmount(folder)
        if process.returncode == 0:
            (data.parent / ENDED_WELL).touch()


@contextlib.contextmanager
def _prune_meanwhile(docker: Docker) -> Iterator[None]:
    """Remove what the build cache has too much of, beside what is done with the daemon.

    A gigabyte is many small files: 5 s on a quiet disk and a minute on a busy one, which nothing
    would wait for but the end of the last test. What this session adds, the next one removes.
    """
    argv = (docker.client, "builder", "prune", "--force", "--keep-storage", KEPT)
    with subprocess.Popen(
        argv,
        env={**os.environ, **docker.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as removal:
        try:
            yield
        finally:
            removal.kill()


def _first_lines_of_its_end(log: Path) -> str:
    """Return what a daemon that failed said, without the stacks of all that it was doing."""
    lines = log.read_text(errors="replace").splitlines()
    failed = [n for n, line in enumerate(lines) if line.startswith(("panic:", "fatal error:"))]
    return "\n".join(lines[failed[0] :][:60] if failed else lines[-20:])


def _await(docker: Docker, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + UP_WITHIN_S
    while not _answers(docker):
        if process.poll() is not None or time.monotonic() > end:
            lines = log.read_text(errors="replace").splitlines()[-3:]
            raise NoDocker(f"dockerd does not come up here: {' | '.join(lines)}")
        time.sleep(0.1)


def _answers(docker: Docker) -> bool:
    try:
        docker.read("/version")
    except OSError:
        return False
    return True


def _unmount(folder: Path) -> None:
    """Unmount what a killed daemon has left in a folder, or it cannot be removed.

    The folder is a mount of its own where the machine's root is not shared: dockerd binds it.
    """
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for line in reversed(mounts):
        where = line.split(" ")[1]
        if where == str(folder) or where.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", where], check=False, capture_output=True)
