"""A real forge for tests: Gitea with SQLite, as `.ci/forge` builds it, on loopback.

`run` starts one with two users and an organization; it has Actions, and takes the actions that
workflows name from itself. `forge_runner.py` runs their jobs.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import git_repository
import pytest
from free_ports import free_port

GET = "no forge here: .ci/forge builds it"
READY_S = 60.0
#: The organization that the systems' models name, and who is in it: all may write, one may rule.
ORGANIZATION = "tarmac-examples"
ADMIN, AUTHOR, REVIEWER = "admin-of-tests", "author", "reviewer"
WORD = "no-secret-of-anyone-1"
#: The artifact actions serve github.com and names below `localhost`, and refuse any other forge's.
HOST = "forge.localhost"
SETTINGS = """\
APP_NAME = tests
RUN_MODE = prod
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://{host}:{port}/
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/forge.db
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2
[service]
DISABLE_REGISTRATION = true
[repository]
DEFAULT_BRANCH = main
[actions]
ENABLED = true
DEFAULT_ACTIONS_URL = self
[indexer]
ISSUE_INDEXER_TYPE = db
[log]
MODE = file
ROOT_PATH = {folder}
LEVEL = info
[git.config]
receive.shallowUpdate = true
[other]
ENABLE_FEED = false
"""


@dataclass(frozen=True)
class Forge:
    """A running forge."""

    home: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where it answers; it calls itself by another name (HOST)."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, by: str = ADMIN) -> tuple[int, Any]:
        """Send a request to its API as a user; return the status and what was answered."""
        word = base64.b64encode(f"{by}:{WORD}".encode()).decode()
        headers = {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}/api/v1/{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, said = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, said = error.code, error.read()
        try:
            return status, json.loads(said or b"null")
        except ValueError:
            return status, said.decode(errors="replace")

    def get(self, path: str) -> Any:
        """Ask for what is there."""
        status, said = self.ask("GET", path)
        assert status == 200, f"{path}: {status} {said}"
        return said

    def set(self, method: str, path: str, body: Any = None, by: str = ADMIN) -> Any:
        """Change something."""
        status, said = self.ask(method, path, body, by)
        assert status in (200, 201, 202, 204), f"{method} {path}: {status} {said}"
        return said

    def remote(self, name: str, by: str = AUTHOR) -> str:
        """Name a repository of the organization as a user's git does."""
        return f"http://{by}:{WORD}@127.0.0.1:{self.port}/{ORGANIZATION}/{name}.git"

    def token(self, by: str) -> str:
        """Give a user a new token for everything."""
        name = f"tests-{time.monotonic_ns()}"
        body = {"name": name, "scopes": ["all"]}
        return str(self.set("POST", f"users/{by}/tokens", body, by)["sha1"])

    def create(self, name: str) -> None:
        """Create an empty repository that the organization's members may write to."""
        body = {"name": name, "default_branch": "main"}
        self.set("POST", f"orgs/{ORGANIZATION}/repos", body)
        # The owners are those of whom a review is asked.
        rights: dict[str, str] = {AUTHOR: "write", REVIEWER: "write"}
        for user, right in rights.items():
            path = f"repos/{ORGANIZATION}/{name}/collaborators/{user}"
            self.set("PUT", path, {"permission": right})

    def program(self, *argv: str) -> str:
        """Run its program on its own data; return what it says."""
        done = subprocess.run(
            [self.home / "gitea", "--config", self.folder / "app.ini", *argv],
            capture_output=True, text=True, check=False, env=environment(self.folder),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def environment(folder: Path) -> dict[str, str]:
    """Give the variables of a process of the forge: nothing of a user's own git is read."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {"HOME": str(folder), "GITEA_WORK_DIR": str(folder)}


def home() -> Path:
    """Find what `.ci/forge` built; a test without it is skipped."""
    found = built.newest("forge-*/actions/actions/checkout.git")
    return found.parents[2] if found else pytest.skip(GET)


@contextlib.contextmanager
def run(folder: Path) -> Iterator[Forge]:
    """Run one in a folder until the end."""
    forge = Forge(home(), folder, free_port())
    settings = SETTINGS.format(
        folder=folder, port=forge.port, host=HOST, static=forge.home / "static"
    )
    (folder / "app.ini").write_text(settings, encoding="utf-8")
    forge.program("migrate")
    for user in (ADMIN, AUTHOR, REVIEWER):
        rights = ["--admin"] if user == ADMIN else []
        forge.program(
            "admin", "user", "create", "--username", user, "--password", WORD,
            "--email", f"{user}@example.com", "--must-change-password=false", *rights,
        )  # fmt: skip
    with (folder / "forge.log").open("wb") as said:
        process = subprocess.Popen(
            [forge.home / "gitea", "--config", folder / "app.ini", "web"],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment(folder),
        )  # fmt: skip
        try:
            _wait(forge, process)
            forge.set("POST", "orgs", {"username": ORGANIZATION})
            yield forge
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(forge: Forge, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + READY_S
    while time.monotonic() < ends_at:
        assert process.poll() is None, (forge.folder / "forge.log").read_text()[-3000:]
        with contextlib.suppress(OSError):
            if forge.ask("GET", "version")[0] == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"the forge is not ready in {READY_S:g} s")


def lend_actions(forge: Forge) -> list[str]:
    """Give the forge the actions that workflows name by their commits; return their names."""
    names = []
    for found in sorted((forge.home / "actions").glob("*/*.git")):
        owner, name = found.parent.name, found.stem
        status, _ = forge.ask("GET", f"orgs/{owner}")
        if status == 404:
            forge.set("POST", "orgs", {"username": owner})
        forge.set("POST", f"orgs/{owner}/repos", {"name": name, "default_branch": "main"})
        # What is pushed there is no work of the runner's.
        forge.set("PATCH", f"repos/{owner}/{name}", {"has_actions": False})
        remote = f"http://{ADMIN}:{WORD}@127.0.0.1:{forge.port}/{owner}/{name}.git"
        git_repository.git(found, "push", "--quiet", remote, "main")
        names.append(f"{owner}/{name}")
    return names


def quoted(name: str) -> str:
    """Write a name as a part of a path."""
    return urllib.parse.quote(name, safe="")


def which(program: str) -> str:
    """Find a program that jobs need; a test without it is skipped."""
    return shutil.which(program) or pytest.skip(f"no {program} here, which the jobs need")
