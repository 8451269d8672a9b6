"""What is deployed with Compose, and the record of it that stays with the daemon.

The record is a label of an empty volume: the files of the last release that became ready, to go
back to. It is with the daemon, so that each deployment there knows it, from wherever it is made. No
value of a secret is in any of these files.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tarmac.base.foreign.data import first
from tarmac.run.compose.containers import ENVIRONMENT, SYSTEM
from tarmac.run.compose.docker import Docker

#: The rendered files that are deployed, below the folder `compose`.
BASE, PRODUCTION = "compose.yaml", "compose.prod.yaml"
#: What a release adds to them: which images exactly, and whose containers these are.
OWN = "compose.release.yaml"
FILES = (BASE, PRODUCTION, OWN)
#: All services of the file; each is in it.
PROFILE = "all"
RELEASE = "tarmac.release"
#: Of what is mounted into a container: Compose takes only its name into account.
MOUNTED = "tarmac.mounted"


@dataclass(frozen=True)
class Release:
    """A rendered environment for one machine."""

    system: str
    environment: str
    #: The name under which Compose keeps it.
    project: str
    #: The files, by name.
    files: Mapping[str, str]

    @cached_property
    def services(self) -> dict[str, dict[str, Any]]:
        """What each service is, by its name: stores, set-up and all."""
        services: dict[str, dict[str, Any]] = {}
        for name in FILES:
            for service, said in (_read(self.files.get(name)).get("services") or {}).items():
                services[service] = {**services.get(service, {}), **said}
        return services

    @cached_property
    def images(self) -> dict[str, str]:
        """The image of each service, as the model names it."""
        found = {}
        for name in (BASE, PRODUCTION):
            for service, said in (_read(self.files.get(name)).get("services") or {}).items():
                if "image" in said:
                    found[service] = said["image"]
        return found

    def ends(self, service: str) -> bool:
        """Whether a service runs to its end, as a set-up does."""
        restart = str(self.services.get(service, {}).get("restart", ""))
        return restart.startswith(("no", "on-failure"))

    @property
    def secret_files(self) -> tuple[str, ...]:
        """The services that have secrets as files."""
        return tuple(name for name, said in self.services.items() if said.get("secrets"))


def released(release: Release, pinned: Mapping[str, str]) -> Release:
    """Add the file that says which images exactly, and whose the containers are.

    Args:
        pinned: the image that is run, by the name that the model has for it.
    """
    base = _read(release.files[BASE])
    labels = {SYSTEM: release.system, ENVIRONMENT: release.environment}
    services = {
        name: {
            "image": pinned.get(image, image),
            "pull_policy": "never",
            "labels": {
                **labels,
                **_mounted(base["services"].get(name, {}), base.get("configs") or {}),
            },
        }
        for name, image in release.images.items()
    }
    text = json.dumps({"services": services}, indent=1)
    files = {BASE: release.files[BASE], PRODUCTION: release.files[PRODUCTION], OWN: text}
    return Release(release.system, release.environment, release.project, files)


def _mounted(service: Mapping[str, Any], configs: Mapping[str, Any]) -> dict[str, str]:
    contents = [configs[one["source"]] for one in service.get("configs", ())]
    if not contents:
        return {}
    return {MOUNTED: hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]}


def name_of(project: str) -> str:
    """Name the volume that holds the record."""
    return f"{project}-tarmac-release"


def read(docker: Docker, release: Release) -> Release | None:
    """Read the release of the same system and environment that became ready last, if any did."""
    found = docker.inspect("volume", "inspect", name_of(release.project))
    labels = (found[0].get("Labels") or {}) if found else {}
    owner = {SYSTEM: release.system, ENVIRONMENT: release.environment}
    if RELEASE not in labels or not owner.items() <= labels.items():
        return None
    return replace(release, files=json.loads(gzip.decompress(base64.b64decode(labels[RELEASE]))))


def write(docker: Docker, release: Release) -> None:
    """Replace the record. Raises Refusal."""
    text = json.dumps(release.files).encode()
    packed = base64.b64encode(gzip.compress(text, mtime=0)).decode()
    labels = {SYSTEM: release.system, ENVIRONMENT: release.environment, RELEASE: packed}
    told = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    forget(docker, release.project)
    docker.run("volume", "create", *told, name_of(release.project))


def forget(docker: Docker, project: str) -> None:
    """Remove the record, if there is one."""
    docker.run("volume", "rm", "--force", name_of(project))


def _read(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = first(text) if text else {}
    return found
