"""A clone of this repository with a system's pipeline in it, and the commands of its runners."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import kit_images
from rendered import ROOT


class Clone:
    """A clone of this repository with a system's pipeline rendered into it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env

    def run(self, *argv: str, code: int = 0, **env: str) -> str:
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{argv}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.hooksPath=")
        self.run("git", *who, "commit", "--quiet", "--message", message)

    def seconds(self) -> dict[str, float]:
        lines = (self.folder / ".tarmac/ci/times.jsonl").read_text().splitlines()
        return {timing["step"]: timing["seconds"] for timing in map(json.loads, lines)}


def cloned(system: str, folder: Path, env: dict[str, str]) -> Clone:
    """Clone this repository and commit a system's pipeline."""
    # A clone that another user owns is refused otherwise; nothing else of a user's is read.
    told = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_COUNT": "1"}
    told |= {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    env = {key: value for key, value in {**env, **told}.items() if key != "VIRTUAL_ENV"}
    env["PATH"] = f"{kit_images.uv().parent}:{env['PATH']}"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, env=env)
    clone = Clone(folder, env)
    tarmac = str(Path(shutil.which("tarmac", path=f"{ROOT}/.venv/bin") or "tarmac"))
    clone.run("git", "checkout", "--quiet", "-B", "main")
    # The hooks in it are Tarmac's own, and a repository of a system has its own rule.
    clone.run("git", "rm", "--quiet", "-r", ".githooks")
    clone.run(tarmac, "render", system, "--env", "repository", "--out", ".")
    clone.commit("build(delivery): the pipeline")
    return clone
