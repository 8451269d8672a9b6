"""A release laid out for Docker Compose: its files and secrets, in a folder beside the model.

The secrets are generated once and stay there. `.tarmac` is its owner's alone
and no part of the repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.run.compose.docker import Docker
from tarmac.run.compose.release import FILES, PROFILE, Release

SECRETS, VALUES = "secrets.sh", ".env"
SCRIPT_S = 60
#: Each service has a hook and a grace period of its own, one after the other.
STOPPED_WITHIN_S = 900


def folder_of(file: Path, environment: str) -> Path:
    """Name the folder of an environment: no namespace of this machine can be called so."""
    return Path(os.path.realpath(file)).parent / ".tarmac" / f"compose.{environment}"


@dataclass(frozen=True)
class Project:
    """A release in its folder."""

    docker: Docker
    release: Release
    folder: Path

    @property
    def values(self) -> Path:
        """The file with the values of its secrets."""
        return self.folder / VALUES

    @property
    def files(self) -> Path:
        """The folder of its files: another release's are in another one."""
        digest = hashlib.sha256(json.dumps(self.release.files, sort_keys=True).encode())
        return self.folder / f"release-{digest.hexdigest()[:12]}"

    def argv(self, *argv: str) -> tuple[str, ...]:
        """Return the arguments with which Docker's client calls Compose for it."""
        files = [part for name in FILES for part in ("--file", str(self.files / name))]
        return (
            *("compose", "--project-name", self.release.project, "--profile", PROFILE),
            *("--project-directory", str(self.folder), "--env-file", str(self.values)),
            *(*files, *argv),
        )

    def scaling(self, name: str, instances: int) -> tuple[str, ...]:
        """Return the arguments by which a service has so many containers; those there stay."""
        flags = ("--detach", "--no-deps", "--no-build", "--no-recreate", "--quiet-pull")
        return self.argv("up", *flags, f"--scale={name}={instances}", name)

    def lay_out(self, others: Mapping[str, str] = {}) -> None:
        """Write its files, and others beside its secrets. Raises TarmacError."""
        texts = {f"{self.files.name}/{name}": text for name, text in self.release.files.items()}
        below = f"{self.folder.parent.name}/{self.folder.name}"
        try:
            with writing.opened(self.folder.parent.parent) as beside:
                writing.make_folder(beside, below, mode=0o700)
                writing.write_new(beside, f"{self.folder.parent.name}/.gitignore", "*\n")
                for name, text in {**texts, **others}.items():
                    writing.write(beside, f"{below}/{name}", text, mode=0o600)
        except OSError as error:
            raise TarmacError(f"{self.folder}: cannot be written ({error.strerror})") from None

    def lay_out_again(self) -> None:
        """Write the files of what runs already.

        Raises:
            BadInput: no release of it became ready, or its secrets are elsewhere.
        """
        if not self.release.files:
            what = f"no release became ready on {self.docker.host}; run `tarmac deploy`"
            raise BadInput([Problem(self.release.project, what)])
        if not self.values.exists():
            what = f"is not there; copy it from where {self.release.project} was deployed"
            raise BadInput([Problem(str(self.values), what)])
        self.lay_out()

    def forget_others(self) -> None:
        """Delete the files of other releases."""
        for folder in self.folder.glob("release-*"):
            if folder != self.files:
                shutil.rmtree(folder, ignore_errors=True)

    def make_secrets(self, sources: Path) -> None:
        """Generate the secrets that are not there yet. Raises BadInput where it needs a value.

        Args:
            sources: the folder of the repository.
        """
        done = subprocess.run(
            ["/bin/sh", str(self.folder / SECRETS), str(sources)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SCRIPT_S,
            check=False,
        )
        if done.returncode != 0:
            said = " ".join(done.stderr.split()).rpartition(f"{SECRETS}: ")[2]
            raise BadInput([Problem(SECRETS, said)])

    def hashes(self) -> dict[str, str]:
        """Return by which Compose tells one configuration of a service from another."""
        lines = self.docker.lines(*self.argv("config", "--hash", "*"))
        return dict(line.split()[:2] for line in lines)

    def run_end_hooks(self, names: Iterable[str]) -> None:
        """Stop those services that have a hook for that moment. Raises Refusal.

        Compose runs it where it stops a container, and not where it replaces one.
        """
        services = self.release.services
        if wanting := [name for name in names if services.get(name, {}).get("pre_stop")]:
            self.lay_out()
            self.docker.run(*self.argv("stop", *wanting), within_s=STOPPED_WITHIN_S)

    def remove(self) -> None:
        """Delete the folder, with the secrets."""
        shutil.rmtree(self.folder, ignore_errors=True)
