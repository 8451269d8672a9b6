"""A Docker daemon of the tests' own: on a socket in a folder of theirs, and gone with them.

Debian's docker.io, from PATH or unpacked by `.ci/containers`. It needs root. Nothing that runs on
the machine already is asked or changed: another daemon's images and containers are none of ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

UP_WITHIN_S = 60.0
GET = "run .ci/containers as root, on Debian 12 or a system with dockerd on PATH"


class NoDocker(Exception):
    """Why there is no daemon, and what to do."""


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

    def inspect(self, name: str) -> dict[str, Any]:
        """Return all that is known of a container or image."""
        found: dict[str, Any] = json.loads(self.say("inspect", name))[0]
        return found


def _home() -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = sorted((cache / "tarmac/programs").glob("containers-*/docker-compose"))
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
def daemon(keep: Path | None = None) -> Iterator[Docker]:
    """Start a daemon, and stop it with all that it runs.

    Args:
        keep: where its images and build cache stay for the next one; a new folder without.

    Raises:
        NoDocker: there is none here, or it does not come up.
    """
    root, compose, env = _programs()
    if root is None:
        raise NoDocker(f"there is no dockerd; {GET}")
    if os.geteuid() != 0:
        raise NoDocker("dockerd starts as root alone; run the tests as root")
    with tempfile.TemporaryDirectory(prefix="tarmac-docker-") as made:
        folder = Path(made)
        socket = folder / "docker.sock"
        client = next((str(each) for each in (root / "bin/docker",) if each.exists()), "docker")
        mine = {
            **env,
            "DOCKER_HOST": f"unix://{socket}",
            "DOCKER_BUILDKIT": "1",
            "DOCKER_CONFIG": str(folder / "config"),
            "BUILDKIT_PROGRESS": "plain",
        }
        argv = [
            *(shutil.which("dockerd", path=env.get("PATH")) or "dockerd", "--host"),
            *(f"unix://{socket}", "--data-root", str(keep or folder / "data")),
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
            )
        docker = Docker(socket, root, client, compose, mine)
        try:
            _await(docker, process, folder / "log")
            yield docker
            left = docker.say("ps", "--all", "--quiet").split()
            if left:
                docker.run("rm", "--force", "--volumes", *left)
            docker.run("network", "prune", "--force", check=False)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _unmount(folder)


def _await(docker: Docker, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + UP_WITHIN_S
    while docker.run("version", check=False).returncode:
        if process.poll() is not None or time.monotonic() > end:
            lines = log.read_text(errors="replace").splitlines()[-3:]
            raise NoDocker(f"dockerd does not come up here: {' | '.join(lines)}")
        time.sleep(0.1)


def _unmount(folder: Path) -> None:
    """Let go of what a daemon that was killed has left mounted, or its folder cannot be removed."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for line in reversed(mounts):
        if (where := line.split(" ")[1]).startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", where], check=False, capture_output=True)
