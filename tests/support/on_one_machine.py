"""A copy of this repository whose system `tarmac deploy` puts on the tests' own Docker daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import standins
from docker_here import Docker
from rendered import ROOT, plan_of

TARMAC = Path(sys.executable).with_name("tarmac")
#: What no image and no plan is made of.
LEFT_OUT = (".git", ".venv", ".uv", ".tarmac", "dist", "docs", "bench", "tests", "node_modules")
#: Builds reach the network of the machine: the daemon has no rules that lead out of another.
CLIENT = """#!/bin/sh
[ "$1" = build ] && shift && set -- build --network=host "$@"
exec {client} "$@"
"""
#: Takes what ssh is told of options, user and host, and does the rest here.
SSH = """#!/bin/sh
echo "$*" >>{log}
while [ "$1" != docker ]; do shift; done
DOCKER_HOST={host} exec "$@"
"""


@dataclass(frozen=True)
class OneMachine:
    """A repository, and the variables with which its verbs reach the daemon."""

    docker: Docker
    folder: Path
    env: dict[str, str]
    system: str

    def run(self, verb: str, *argv: str, code: int | None) -> subprocess.CompletedProcess[str]:
        """Run a verb of the system, which ends so; None: in any way."""
        done = subprocess.run(
            [TARMAC, verb, self.system, *argv],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert code in (None, done.returncode), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def __call__(self, verb: str, *argv: str, code: int = 0) -> str:
        """Run a verb of the system; returns what it prints, of errors too."""
        done = self.run(verb, *argv, code=code)
        return done.stdout + done.stderr

    def data(self, verb: str, *argv: str, code: int = 0) -> Any:
        """Run a verb that prints JSON, and read that."""
        return json.loads(self.run(verb, *argv, "--json", code=code).stdout)

    def states(self) -> dict[str, bool]:
        """Return which workloads are ready."""
        found = self.data("ps", "--target", "compose")
        return {one["name"]: one["ready"] for one in found["workloads"]}

    def container(self, name: str) -> str:
        """Name the first container of a service."""
        return f"{self.system}-{name}-1"

    def sow(self, store: str, file: str) -> None:
        """Load the seed of a store, as whoever owns its tables."""
        allowed = plan_of(self.system, "compose").allowed
        owner = next(one.source for one in allowed if one.target == store).replace("-", "_")
        seed = (self.folder / "systems" / self.system / file).read_text()
        sql = self.folder / "seed.sql"
        sql.write_text(f"SET ROLE {owner};\n{seed}")
        psql = ("psql", "--quiet", "--set=ON_ERROR_STOP=1", "-U", "postgres")
        database = ("-d", store.removesuffix("-db"))
        with sql.open("rb") as opened:
            argv = ("exec", "-i", self.container(store), *psql, *database)
            self.docker.run(*argv, stdin=opened)


def laid_out(docker: Docker, folder: Path, system: str) -> OneMachine:
    """Copy the repository, and make a client with Compose beside it."""
    made = programs(docker, folder, system)
    shutil.copytree(ROOT, made.folder, ignore=shutil.ignore_patterns(*LEFT_OUT, "__pycache__"))
    return made


def programs(docker: Docker, folder: Path, system: str) -> OneMachine:
    """Make a client with Compose, for a repository that is not there yet."""
    made = folder / "bin"
    made.mkdir()
    host = docker.env["DOCKER_HOST"]
    texts = {
        "docker": CLIENT.format(client=docker.client),
        "ssh": SSH.format(log=folder / "ssh.log", host=host),
    }
    for name, text in texts.items():
        (made / name).write_text(text)
        (made / name).chmod(0o755)
    plugins = Path(docker.env["DOCKER_CONFIG"]) / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    if not (plugins / "docker-compose").exists():
        (plugins / "docker-compose").symlink_to(docker.compose or "")
    path = docker.env.get("PATH", os.environ["PATH"])
    bases = {"BUILDER": standins.BUILDER, "RUNTIME": standins.RUNTIME}
    env = {**os.environ, **docker.env, **bases, "PATH": f"{made}:{path}"}
    return OneMachine(docker, folder / "repository", env, system)
