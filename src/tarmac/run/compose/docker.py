"""Calls Docker's client, which knows how its user reaches a daemon: sockets, contexts, ssh.

Every call goes to one daemon, so that a change of the current context in another terminal leads no
half of a deployment elsewhere. Tarmac has no credentials of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base import tools
from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError, did_you_mean
from tarmac.base.installed import find_program

#: Of one call; none waits for a container to become healthy.
LONGEST_S = 180
CONNECT_S = 30
#: The first version that runs `post_start` and `pre_stop`.
COMPOSE_FLOOR = "2.30"
#: Where a daemon of this machine listens.
_HERE = ("unix://", "npipe://", "fd://")
_PROGRESS = re.compile(r"(time=|WARN|(Container|Network|Volume|Image) \S+ +[A-Z][a-z]+$)")
_HOST = re.compile(r"(ssh|tcp|unix|npipe)://\S+")


class Refusal(TarmacError):
    """Docker refused something: its own words."""


@dataclass(frozen=True)
class Docker:
    """One daemon."""

    program: str
    #: The address by which its user knows it.
    host: str
    #: The variables with which every program reaches the same daemon.
    env: Mapping[str, str]

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine: its files and its containers' addresses are ours."""
        return self.host.startswith(_HERE)

    def ask(
        self, *argv: str, within_s: float = LONGEST_S, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the client; that it fails is an answer like any other."""
        try:
            return subprocess.run(
                [self.program, *argv],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=within_s,
                check=False,
                env={**self.env, **(env or {})},
            )
        except subprocess.TimeoutExpired:
            what = f"docker {argv[0]} did not end within {within_s:g} s; is the daemon reachable?"
            raise TarmacError(f"{self.host}: {what}") from None

    def run(self, *argv: str, within_s: float = LONGEST_S) -> str:
        """Run the client and return what it prints. Raises Refusal with its own words."""
        done = self.ask(*argv, within_s=within_s)
        if done.returncode != 0:
            raise Refusal(f"{self.host}: {plain(done.stderr) or done.stdout.strip()}")
        return done.stdout

    def lines(self, *argv: str) -> list[str]:
        """Run the client and return the lines that it prints. Raises Refusal."""
        return [line for line in self.run(*argv).splitlines() if line]

    def inspect(self, *argv: str) -> list[dict[str, Any]]:
        """Return what it knows of some things; of those that are not there, nothing."""
        found: list[dict[str, Any]] = json.loads(self.ask(*argv).stdout or "[]")
        return found


def connected(host: str | None = None, context: str | None = None) -> Docker:
    """Reach a daemon: by its address, by a context of the client, else the client's current one.

    Raises:
        MissingTool: there is no Docker, no Compose, or one that is too old.
        BadInput: there is no such context, or the address is none.
        TarmacError: the daemon does not answer, or not this user.
    """
    program = find_program("docker")
    if program is None:
        raise MissingTool(f"docker is not on PATH; {tools.how_to_get('docker')}")
    # What Compose would read of its user's own variables is given here.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    if host is not None:
        if context is not None:
            raise BadInput([Problem("--host", "names the daemon as --context does; give one")])
        if not _HOST.fullmatch(host):
            what = f"'{host}' is not an address of Docker, e.g. ssh://user@machine"
            raise BadInput([Problem("--host", what)])
        env.pop("DOCKER_CONTEXT", None)
        env["DOCKER_HOST"] = host
    elif context is not None:
        env.pop("DOCKER_HOST", None)
        env["DOCKER_CONTEXT"] = context
    docker = Docker(program, host or context or "docker", env)
    docker = Docker(program, host or _endpoint(docker, context), env)
    _check_compose(docker)
    _check_daemon(docker)
    return docker


def _endpoint(docker: Docker, context: str | None) -> str:
    """Return the address that a context leads to. Raises BadInput where there is none."""
    shown = docker.ask("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    if shown.returncode != 0:
        named = context or os.environ.get("DOCKER_CONTEXT") or "the current context"
        plainly = {k: v for k, v in docker.env.items() if k != "DOCKER_CONTEXT"}
        listed = Docker(docker.program, docker.host, plainly)
        known = listed.ask("context", "ls", "--format", "{{.Name}}").stdout.split()
        hint = did_you_mean(named, known)
        raise BadInput([Problem("docker", f"no context '{named}'; {hint}")])
    return shown.stdout.strip()


def _check_compose(docker: Docker) -> None:
    get = "https://docs.docker.com/compose/install/"
    asked = docker.ask("compose", "version", "--short", within_s=CONNECT_S)
    version = tools.version_in(asked.stdout) if asked.returncode == 0 else ""
    if not version:
        raise MissingTool(f"Docker has no Compose; {get}")
    if tools.is_below(version, COMPOSE_FLOOR):
        raise MissingTool(f"Docker Compose {version} is older than {COMPOSE_FLOOR}; {get}")


def _check_daemon(docker: Docker) -> None:
    asked = docker.ask("version", "--format", "{{.Server.Version}}", within_s=CONNECT_S)
    if asked.returncode == 0:
        return
    said = plain(asked.stderr)
    if "permission denied" in said.lower():
        what = "this user may not use Docker; run as root, or add the user to the group docker"
    elif docker.host.startswith("ssh://"):
        what = f"cannot be reached ({said}); try `ssh {docker.host.removeprefix('ssh://')}`"
    else:
        what = "the Docker daemon does not answer; start it, or name another with --host"
    raise TarmacError(f"{docker.host}: {what}")


def plain(stderr: str) -> str:
    """Leave out what Docker writes of its progress, and say each thing once, on one line."""
    lines = [line.strip() for line in stderr.splitlines()]
    told = [line for line in lines if line and not _PROGRESS.match(line)]
    errors = [line for line in told if line.lower().startswith("error")]
    return " ".join(dict.fromkeys(errors or told))


def follow(docker: Docker, *argv: str) -> Iterator[str]:
    """Run the client and yield each line as it comes; it ends with the reader. Raises Refusal."""
    with subprocess.Popen(
        [docker.program, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=docker.env,
    ) as process:
        try:
            yield from (line.rstrip("\n") for line in process.stdout or ())
            if process.wait() != 0:
                raise Refusal(f"{docker.host}: docker {argv[0]} failed")
        finally:
            process.terminate()
